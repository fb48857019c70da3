#include "sim_ctrl.h"

#include "verdict.h"

SimCtrl::SimCtrl(const Options& options)
    : options_(options), context_(std::make_unique<VerilatedContext>()) {
  context_->randReset(2);  // random, not zero
  context_->randSeed(static_cast<int>(options.x_seed));
#if VM_TRACE
  context_->traceEverOn(true);
#else
  if (!options.wave.empty())
    throw CannotRun("built without waveforms: use `make wave`");
#endif
  top_ = std::make_unique<Vtb_top>(context_.get());
#if VM_TRACE
  if (!options.wave.empty()) {
    trace_ = std::make_unique<VerilatedVcdC>();
    top_->trace(trace_.get(), 99);
  }
#endif
  top_->aclk = 0;
  top_->aresetn = 1;
}

SimCtrl::~SimCtrl() {
#if VM_TRACE
  if (trace_ && trace_->isOpen()) trace_->close();
#endif
  top_->final();
}

void SimCtrl::Tick() {
  top_->aclk = 0;
  for (Extension* e : extensions_) e->PreClock(*top_, cycle_);
  top_->eval();
  Dump(2 * cycle_);
  for (Extension* e : extensions_) e->OnClock(*top_, cycle_);
  top_->aclk = 1;
  top_->eval();
  Dump(2 * cycle_ + 1);
  ++cycle_;
}

void SimCtrl::Reset(int cycles) {
  top_->aresetn = 0;
  for (int i = 0; i < cycles; ++i) Tick();
  top_->aresetn = 1;
}

// Time 2c is cycle c with the clock low, 2c+1 just after its rising edge.
void SimCtrl::Dump(uint64_t time) {
#if VM_TRACE
  if (!trace_ || cycle_ < options_.wave_from) return;
  if (cycle_ > options_.wave_to) {
    if (trace_->isOpen()) trace_->close();
    return;
  }
  if (!trace_->isOpen()) trace_->open(options_.wave.c_str());
  if (!trace_->isOpen()) throw CannotRun("cannot write " + options_.wave);
  trace_->dump(time);
#else
  (void)time;
#endif
}
