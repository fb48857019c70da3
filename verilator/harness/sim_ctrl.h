// Simulation control: model, clock, reset, waveform window, cycle count.

#ifndef EPGEN_SIM_CTRL_H_
#define EPGEN_SIM_CTRL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "Vtb_top.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

// Something that takes part in every clock cycle.
class Extension {
 public:
  virtual ~Extension() = default;

  // Drives inputs of the model while the clock is low.
  virtual void PreClock(Vtb_top& /*top*/, uint64_t /*cycle*/) {}

  // Looks at the settled values that the rising edge is about to sample.
  virtual void OnClock(Vtb_top& /*top*/, uint64_t /*cycle*/) {}
};

// Owns the model. Cycle c is the time from the falling edge before rising
// edge c up to that edge; reset is counted as well.
class SimCtrl {
 public:
  struct Options {
    uint64_t x_seed = 1;  // of the values that nothing has initialised
    std::string wave;     // file; empty for none
    uint64_t wave_from = 0, wave_to = 0;  // cycles, inclusive
  };

  explicit SimCtrl(const Options& options);
  ~SimCtrl();

  // Extensions are called in the order of their addition.
  void Add(Extension* e) { extensions_.push_back(e); }

  // One clock cycle.
  void Tick();

  // Holds reset for some cycles, which extensions see as aresetn = 0.
  void Reset(int cycles);

  Vtb_top& top() { return *top_; }
  uint64_t cycle() const { return cycle_; }

 private:
  void Dump(uint64_t time);

  Options options_;
  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Vtb_top> top_;
#if VM_TRACE
  std::unique_ptr<VerilatedVcdC> trace_;
#endif
  std::vector<Extension*> extensions_;
  uint64_t cycle_ = 0;
};

#endif  // EPGEN_SIM_CTRL_H_
