// AXI4-Lite manager: reads and writes the core's registers.

#ifndef EPGEN_AXI_LITE_H_
#define EPGEN_AXI_LITE_H_

#include <cstdint>
#include <string>

#include "rng.h"
#include "sim_ctrl.h"
#include "verdict.h"

// One access at a time. Read and Write run the clock until the answer is
// there; with stalls, address, data and READY come after random gaps, address
// and data of a write in either order. Answers must be OKAY, must wait
// unchanged for READY, and there must be none during reset.
class AxiLite : public Extension {
 public:
  AxiLite(SimCtrl* sim, Verdict* verdict, bool stall, uint64_t seed);

  // Returns false, and adds a mismatch, if there is no answer within
  // kTimeout cycles or the answer is an error. Bit i of strobe writes byte i.
  bool Write(uint32_t addr, uint32_t data, uint32_t strobe = 0xf);
  bool Read(uint32_t addr, uint32_t* data);
  // Two reads; the second is asked for while the first waits for its answer.
  bool ReadTwo(uint32_t first, uint32_t second, uint32_t* a, uint32_t* b);

  void PreClock(Vtb_top& top, uint64_t cycle) override;
  void OnClock(Vtb_top& top, uint64_t cycle) override;

  uint64_t accesses() const { return accesses_; }

  // Cycle in which the core had accepted both address and data of the latest
  // write.
  uint64_t write_cycle() const { return write_cycle_; }

 private:
  static constexpr uint64_t kTimeout = 10000;

  // An answer that waited for READY in the cycle before.
  struct Held {
    bool waiting = false;
    uint64_t payload = 0;
  };

  bool StartReads(uint32_t first, uint32_t second, uint32_t* a, uint32_t* b);
  bool Run(const char* what, uint32_t addr);
  bool r_todo() const { return answered_ < reads_; }
  void CheckHeld(const char* what, Held* held, bool valid, bool ready,
                 uint64_t payload);
  void CheckReset(const Vtb_top& top);
  void Fail(uint32_t addr, const char* what, const std::string& message);

  SimCtrl* sim_;
  Verdict* verdict_;
  Gaps aw_gaps_, w_gaps_, b_gaps_, ar_gaps_, r_gaps_;
  uint64_t accesses_ = 0;
  uint64_t write_cycle_ = 0;

  uint32_t addr_ = 0, wdata_ = 0, wstrb_ = 0, resp_ = 0;
  uint32_t araddr_[2] = {0, 0}, rdata_[2] = {0, 0};
  int reads_ = 0, asked_ = 0, answered_ = 0;
  bool aw_todo_ = false, w_todo_ = false, b_todo_ = false;
  bool aw_valid_ = false, w_valid_ = false, ar_valid_ = false;
  Held b_, r_;
  int reset_cycles_ = 0;
};

#endif  // EPGEN_AXI_LITE_H_
