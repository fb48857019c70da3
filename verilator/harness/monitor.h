// Watches progress: cycles per phase and per state of the sequencer, and a
// watchdog that says which unit waits for what.

#ifndef EPGEN_MONITOR_H_
#define EPGEN_MONITOR_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "axi_lite.h"
#include "axi_memory.h"
#include "sim_ctrl.h"
#include "tap_checker.h"
#include "verdict.h"

class Monitor : public Extension {
 public:
  enum class Progress { kNone, kLines, kBar };

  Monitor(const AxiMemory* memory, const TapChecker* taps, Verdict* verdict,
          Progress progress);

  // Starts counting. The run must be over within `limit` cycles; `expected`
  // is what the progress display calls 100 %.
  void Start(uint64_t cycle, uint64_t expected, uint64_t limit);
  void Stop();

  void OnClock(Vtb_top& top, uint64_t cycle) override;

  // Counts of the present run.
  uint64_t phase_cycles(int phase) const { return phase_cycles_[phase]; }
  uint64_t unit_cycles(int unit) const { return unit_cycles_[unit]; }

  // Where the sequencer stands, and how many cycles of the present run it has
  // stood in each place, but for the idle state.
  struct Place {
    int phase;  // as the sequencer numbers them; the results are the last
    int state;
    bool operator<(const Place& b) const {
      return phase != b.phase ? phase < b.phase : state < b.state;
    }
    bool operator==(const Place& b) const {
      return phase == b.phase && state == b.state;
    }
  };
  static Place PlaceOf(const Vtb_top& top);
  static std::string PhaseOf(const Place& p);
  static std::string StateOf(const Place& p);
  const std::map<Place, uint64_t>& places() const { return places_; }

  // "sequencer in state UP, phase free, layer 3, slab 2, waits for its slab;
  // R of memory waits ...".
  std::string Status() const;

 private:
  void Expired(uint64_t cycle, const std::string& why);
  void Show(uint64_t cycle);

  const AxiMemory* memory_;
  const TapChecker* taps_;
  Verdict* verdict_;
  Progress progress_;
  bool running_ = false;
  uint64_t start_ = 0, expected_ = 1, limit_ = 0;
  uint64_t last_event_ = 0, last_count_ = 0;
  uint64_t phase_cycles_[design::kLastPhase + 1] = {};
  uint64_t unit_cycles_[256] = {};
  std::map<Place, uint64_t> places_;
  uint32_t unit_ = 0, status_ = 0;
  std::chrono::steady_clock::time_point shown_;
};

#endif  // EPGEN_MONITOR_H_
