// AXI4 subordinate: external memory with latency, gaps and protocol checks.
//
// Undisturbed, READY of AR, AW and W is always high; the first R beat of a
// burst accepted in cycle t is valid in cycle t + latency if the channel is
// free, then one beat per cycle, bursts in order, latencies overlapping; B is
// valid in the cycle after the last W beat and its AW have both been accepted.
// With stalls, every burst has a random extra latency and every channel gaps;
// AWREADY sometimes waits for WVALID, and WREADY for AWVALID, as a subordinate
// may: a manager must raise either VALID without waiting for the other READY.
// With a write gap WREADY is low for so many cycles after every beat, long
// enough for whatever the core buffers to fill.
//
// Reference: AMBA AXI and ACE Protocol Specification, ARM IHI 0022, A3; the
// dependencies between the channels of a write are in A3.3.1.

#ifndef EPGEN_AXI_MEMORY_H_
#define EPGEN_AXI_MEMORY_H_

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "design.h"
#include "memory.h"
#include "rng.h"
#include "sim_ctrl.h"
#include "verdict.h"

class AxiMemory : public Extension {
 public:
  struct Options {
    uint64_t latency = design::kReadLatency;
    bool stall = false;
    uint64_t write_gap = 0;  // cycles without WREADY after a W beat
    uint64_t seed = 1;
    int64_t fail_read_beat = -1;    // this R beat, from 0, is an error
    int64_t fail_write_burst = -1;  // this B, from 0, is an error
    bool decode_error = false;      // the error is DECERR, else SLVERR
  };

  // Hears of every byte that reaches memory.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnWrite(uint64_t addr, const uint8_t* bytes, uint64_t strobe,
                         uint64_t cycle) = 0;
  };

  struct Counters {
    uint64_t read_beats = 0, read_bursts = 0;
    uint64_t write_beats = 0, write_bursts = 0;
    uint64_t r_starved = 0;  // RREADY without RVALID while reads are pending
    uint64_t r_held = 0;     // RVALID without RREADY
  };

  AxiMemory(const Options& options, Memory* memory, Verdict* verdict);

  void set_listener(Listener* listener) { listener_ = listener; }

  void PreClock(Vtb_top& top, uint64_t cycle) override;
  void OnClock(Vtb_top& top, uint64_t cycle) override;

  const Counters& counters() const { return counters_; }
  uint64_t beats() const {
    return counters_.read_beats + counters_.write_beats;
  }

  // True once the error that was asked for has been answered.
  bool injected() const { return injected_; }

  // Grows with everything that happens on the port.
  uint64_t activity() const {
    return beats() + counters_.read_bursts + counters_.write_bursts +
           writes_.size();
  }

  // Which channel waits for whom, for the watchdog.
  std::string Waiting() const;

  // True if no burst is under way.
  bool idle() const {
    return reads_.empty() && writes_.empty() && beats_.empty() &&
           responses_.empty();
  }

 private:
  static constexpr int kBeat = design::kBeatBytes;

  // What the core drives on AR or AW.
  struct Request {
    uint64_t addr;
    uint32_t len, size, burst, cache, prot;
  };
  struct Burst {
    uint64_t addr = 0;
    uint32_t beats = 0;
    uint32_t done = 0;
    uint64_t ready = 0;  // first cycle of the answer
    // Of a write, up to the last beat with a strobe: what memory may change.
    uint64_t changed = 0;
  };
  struct Beat {
    uint8_t bytes[kBeat];
    uint64_t strobe;
    bool last;
  };
  struct Response {
    uint64_t addr, size, ready;
    bool error;
  };
  // A request channel as it was in the cycle before.
  struct Held {
    bool waiting = false;
    std::vector<uint8_t> payload;
  };

  void Forget();
  void DriveReady(Vtb_top& top);
  void DriveRead(Vtb_top& top, uint64_t cycle);
  void DriveResponse(Vtb_top& top, uint64_t cycle);
  void TakeRead(Vtb_top& top, uint64_t cycle);
  void TakeWrites(Vtb_top& top, uint64_t cycle);
  void ApplyBeats(uint64_t cycle);
  void CheckStable(Vtb_top& top, uint64_t cycle);
  void CheckHeld(const char* name, Held* held, bool valid, bool ready,
                 const std::vector<uint8_t>& payload, uint64_t cycle);
  bool CheckBurst(const char* channel, const Request& r, uint64_t cycle);
  uint32_t ErrorResponse() const;
  void CheckReadHazard(uint64_t addr, uint64_t size, uint64_t cycle);
  void CheckWriteHazard(uint64_t addr, uint64_t cycle);
  void Violation(uint64_t cycle, const char* signal,
                 const std::string& message);

  Options options_;
  Memory* memory_;
  Verdict* verdict_;
  Listener* listener_ = nullptr;
  Random random_;
  Gaps ar_gaps_, r_gaps_, aw_gaps_, w_gaps_, b_gaps_;
  Counters counters_;
  bool injected_ = false;

  std::deque<Burst> reads_;
  std::deque<Burst> writes_;
  std::deque<Beat> beats_;
  std::deque<Response> responses_;
  bool r_valid_ = false, b_valid_ = false;
  uint64_t w_closed_ = 0;    // cycles to come without WREADY
  uint64_t last_ready_ = 0;  // of the newest read: answers stay in order
  bool aw_after_w_, w_after_aw_ = false;  // READY waits for the other VALID
  int reset_cycles_ = 0;

  Held ar_, aw_, w_;
  bool ar_waits_ = false, aw_waits_ = false, w_waits_ = false;
  bool r_waits_ = false, b_waits_ = false;  // for the core
};

#endif  // EPGEN_AXI_MEMORY_H_
