#include "bench.h"

#include <chrono>

#include "design.h"

namespace {

// Of a training step, or of an inference if the core knows no other, with the
// shortest latency.
constexpr uint64_t kFewestCycles = design::kPredictions[0][0].cycles;

}  // namespace

Bench::Bench(const BenchOptions& options)
    : options_(options),
      verdict_(options.limit),
      sim_(options.sim),
      axi_(options.memory, &memory_, &verdict_),
      lite_(&sim_, &verdict_, options.memory.stall, options.seed + 77),
      taps_(&verdict_),
      memory_checker_(&memory_, &verdict_),
      monitor_(&axi_, &taps_, &verdict_, options.progress),
      random_(options.seed + 999) {
  for (int start = 0; start < design::kStarts; ++start)
    sequence_.push_back(std::make_unique<Golden>(options.golden, start));
  golden_ = sequence_[0].get();
  axi_.set_listener(&memory_checker_);
  sim_.Add(&axi_);
  sim_.Add(&lite_);
  sim_.Add(&taps_);
  sim_.Add(&monitor_);
}

// The waveform window may end the simulation as well.
bool Bench::Done() const {
  return verdict_.stop() || (!options_.sim.wave.empty() &&
                             sim_.cycle() > options_.sim.wave_to);
}

void Bench::Run() {
  Reset(0);
  for (int run = 0; run < options_.runs && !Done() && verdict_.ok(); ++run) {
    if (run >= 2) Interrupted(run);
    if (!Done()) OneRun(run);
    if (run == 0 && options_.resets && !Done() && verdict_.ok())
      ResetEverywhere();
  }
  if (!Done() && verdict_.ok()) CheckInjection();
}

// Where memory lies in each run: a random page, then the page with all bits of
// its number inverted, so that every bit of BASE is seen as 0 and as 1.
uint64_t Bench::BaseAddress(int run) {
  const uint64_t number = static_cast<uint64_t>(run);
  Random random((options_.seed << 20) + number / 2);
  const uint64_t page = Memory::kPageBytes;
  for (;;) {
    uint64_t base = random.Next() / page * page;
    const uint64_t inverse = ~base / page * page;
    // Neither memory map may reach the end of the address space.
    if (base + design::kMapBytes < base ||
        inverse + design::kMapBytes < inverse)
      continue;
    return number % 2 == 0 ? base : inverse;
  }
}

void Bench::Fail(const char* signal, const std::string& message,
                 int64_t expected, int64_t got) {
  Mismatch m;
  m.kind = "status";
  m.message = message;
  m.signal = std::string("tb_top.") + signal;
  m.cycle = sim_.cycle();
  m.has_values = true;
  m.expected = expected;
  m.got = got;
  m.bits = 32;
  verdict_.Add(m);
}

void Bench::Abort(const std::string& message) {
  Mismatch m;
  m.kind = "simulation";
  m.message = message + ": " + monitor_.Status();
  m.signal = "tb_top";
  m.cycle = sim_.cycle();
  verdict_.AddFatal(m);
}

// The first start of a run finds a fresh memory, the others what the one before
// has left, with other labels and samples.
bool Bench::Start(int run, int start, bool infer, bool with_irq) {
  const bool at_once = restart_at_once_;
  restart_at_once_ = false;
  golden_ = sequence_[static_cast<std::size_t>(start)].get();
  if (start > 0) {
    memory_checker_.Continue(golden_, infer);
  } else {
    if (!at_once) base_ = BaseAddress(run);
    memory_checker_.Begin(golden_, base_,
                          options_.seed + static_cast<uint64_t>(run), infer);
  }
  taps_.Begin(golden_, infer);
  const uint32_t enable = with_irq ? design::kIrqEnableFinish : 0;
  const uint32_t control = (infer ? design::kControlStart | design::kInferStart
                                  : design::kControlStart) |
                           (start == 0 ? design::kColdStart : 0);
  if (at_once) {  // nothing but the start; the interrupt is still to be cleared
    if (!lite_.Write(design::kRegControl, control)) return false;
    started_ = lite_.write_cycle();
    return lite_.Write(design::kRegIrqStatus, design::kIrqStatusFinish) &&
           lite_.Write(design::kRegIrqEnable, enable);
  }
  if (sim_.top().irq) Fail("irq", "irq is high before the start", 0, 1);
  for (const design::ConstantInfo& c : design::kConstants)
    CheckRegister(c.name, c.addr, c.value);
  if ((start == 0 && !SetBase()) ||
      !lite_.Write(design::kRegIrqEnable, enable) || !SetNumber(start) ||
      !SetRates(start) ||
      !lite_.Write(design::kRegControl, control))
    return false;
  started_ = lite_.write_cycle();
  return true;
}

// Rates are set before every start, where they can be.
bool Bench::SetRates(int start) {
  for (int i = 0; i < design::kRates; ++i)
    if (!lite_.Write(design::kRateRegisters[i],
                     design::kRateValues[start][i]))
      return false;
  return true;
}

// The updates of a sequence are numbered from 0, and begin with its first start; between
// the starts the core counts.
bool Bench::SetNumber(int start) {
  const struct {
    const char* name;
    uint32_t addr;
    int value;
  } counted[] = {
      {"UPDATE_NUMBER", design::kNumberRegister, start / design::kUpdateStarts},
      {"ACCUMULATED", design::kSumsRegister, start % design::kUpdateStarts}};
  for (const auto& c : counted) {
    if (c.addr == 0) continue;
    if (start > 0)
      CheckRegister(c.name, c.addr, static_cast<uint32_t>(c.value));
    else if (!lite_.Write(c.addr, 0))
      return false;
  }
  return true;
}

// An error that was asked for and never met proves nothing.
void Bench::CheckInjection() {
  const int64_t read = options_.memory.fail_read_beat;
  const int64_t write = options_.memory.fail_write_burst;
  if ((read < 0 && write < 0) || expected_errors_ > 0) return;
  const AxiMemory::Counters& c = axi_.counters();
  Mismatch m;
  m.kind = "injection";
  m.message =
      (read >= 0 ? "--fail-read=" + std::to_string(read)
                 : "--fail-write=" + std::to_string(write)) +
      (axi_.injected()
           ? ": the error fell into a run that reset cut short"
           : ": no error was injected, there were only " +
                 (read >= 0 ? std::to_string(c.read_beats) + " R beats"
                            : std::to_string(c.write_bursts) + " B responses"));
  m.signal = read >= 0 ? "tb_top.m_axi_rresp" : "tb_top.m_axi_bresp";
  m.cycle = sim_.cycle();
  verdict_.Add(m);
}

// The registers are used now and then while the core works, but not in its
// last cycles: a start that is meant to be ignored must not come too late.
bool Bench::WaitForIrq(uint64_t last_access, End* end) {
  const uint64_t spacing = last_access < sim_.cycle() + 16000
                               ? (last_access - sim_.cycle()) / 2
                               : 8000;
  uint64_t poll = sim_.cycle() + random_.Next() % (spacing / 2 + 1);
  while (!sim_.top().irq && !Done()) {
    sim_.Tick();
    if (sim_.cycle() < poll || sim_.cycle() > last_access) continue;
    CheckBusy();
    poll = sim_.cycle() + random_.Next() % (spacing + 1);
  }
  *end = End{sim_.cycle() - 1, sim_.cycle()};
  return !Done();
}

// Waits for STATUS.BUSY to fall; irq, disabled, must stay low.
bool Bench::Poll(End* end) {
  end->from = started_;
  while (!Done()) {
    const uint64_t asked = sim_.cycle();
    uint32_t status = 0;
    if (!lite_.Read(design::kRegStatus, &status)) return false;
    end->to = sim_.cycle();
    if ((status & design::kStatusBusy) == 0) return true;
    end->from = asked;
    for (uint32_t i = random_.Below(500); i > 0 && !Done(); --i) {
      sim_.Tick();
      if (!sim_.top().irq) continue;
      Fail("irq", "irq while it is disabled", 0, 1);
      return false;
    }
  }
  return false;
}

// By turns within the first half and within the last 30 %, where the update
// is, of what a training step takes: with stalls more than predicted, so that
// the latest of this simulation says.
void Bench::Interrupted(int run) {
  if (!Start(run + options_.runs, 0, !design::kTrains, true)) return;
  uint64_t whole = kFewestCycles;
  for (const RunResult& r : results_)
    if (r.infer != design::kTrains) whole = r.measured;
  const bool late = (static_cast<uint64_t>(run) + options_.seed) % 2 == 0;
  const uint64_t first = late ? whole / 10 * 7 : 100;
  const uint64_t span = late ? whole - first : whole / 2 < 40000 ? whole / 2
                                                                 : 40000;
  const uint64_t cycles = first + random_.Next() % (span + 1);
  for (uint64_t i = 0; i < cycles && !Done() && !sim_.top().irq; ++i)
    sim_.Tick();
  if (Done()) return;
  Reset(run);
  taps_.Discard();
}

// One reset in every place in which the run before has been, at a random one of
// its cycles there; a whole run follows each. Every phase must be among them.
void Bench::ResetEverywhere() {
  const std::map<Monitor::Place, uint64_t> places = monitor_.places();
  int run = options_.runs;
  for (const auto& p : places) {
    if (!ResetIn(p.first, random_.Next() % p.second, ++run)) return;
    OneRun(run);
    if (Done() || !verdict_.ok()) return;
  }
  for (int phase = 0; phase <= design::kLastPhase - design::kFreePhase + 1;
       ++phase) {
    if (design::kInfer && phase > 0 && phase + design::kFreePhase <= design::kUpdatePhase)
      continue;
    bool hit = false;
    for (const Monitor::Place& p : resets_) hit = hit || p.phase == phase;
    if (!hit)
      Fail("aresetn", "no reset fell into phase " +
                          Monitor::PhaseOf(Monitor::Place{phase, 0}), 1, 0);
  }
}

// Starts a run and resets in the n-th cycle that it is in a place.
bool Bench::ResetIn(const Monitor::Place& place, uint64_t nth, int run) {
  if (!Start(run, 0, design::kInfer, true)) return false;
  while (!Done() && !sim_.top().irq) {
    if (Monitor::PlaceOf(sim_.top()) == place && nth-- == 0) {
      Reset(run);
      taps_.Discard();
      resets_.push_back(place);
      return true;
    }
    sim_.Tick();
  }
  Fail("aresetn", "no reset fell into phase " + Monitor::PhaseOf(place) +
                      ", state " + Monitor::StateOf(place), 1, 0);
  return false;
}

// A synchronous reset of one cycle is enough; in a longer one the core must
// keep still. By turns one and three cycles.
void Bench::Reset(int run) {
  sim_.Reset((static_cast<uint64_t>(run) + options_.seed) % 2 == 0 ? 3 : 1);
  CheckReset();
}

// An inference within a sequence of training steps makes its first start only:
// the others need the new weights.
void Bench::OneRun(int run) {
  const bool infer = design::kInfer || (options_.infer && run % 2 == 0);
  const int starts = infer && !design::kInfer ? 1 : design::kStarts;
  for (int start = 0; start < starts; ++start) {
    if (!OneStart(run, start, infer) || !verdict_.ok()) return;
    if (error_seen_) break;
  }
  ++completed_runs_;
}

// Returns whether the core has come to an end.
bool Bench::OneStart(int run, int start, bool infer) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  RunResult result;
  const design::Prediction ready =
      design::Predicted(start, options_.memory.latency);
  result.start = start;
  result.infer = infer;
  const bool part = infer && design::kTrains;  // of what is predicted
  result.predicted = options_.memory.stall || part ? 0 : ready.cycles;
  before_ = axi_.counters();
  const bool with_irq = (run + start) % 3 != 1;
  const bool injected_before = axi_.injected();
  if (!Start(run, start, infer, with_irq)) return false;
  const uint64_t expected = ready.cycles > 0 ? ready.cycles : kFewestCycles;
  const uint64_t factor = options_.memory.stall ? 12 : 2;
  // An injected error may end the run at any time.
  const bool fails = options_.memory.fail_read_beat >= 0 ||
                     options_.memory.fail_write_burst >= 0;
  const uint64_t shortest = fails ? 0 : part ? expected / 8 : expected;
  monitor_.Start(sim_.cycle(), expected,
                 factor * expected + 20000 +
                     factor * options_.memory.latency * design::kBursts +
                     (options_.memory.stall ? 256 * design::kWriteBursts : 0) +
                     2 * options_.memory.write_gap * design::kMapBytes /
                         design::kBeatBytes);
  End end{};
  const bool finished =
      with_irq ? WaitForIrq(sim_.cycle() + shortest / 2, &end) : Poll(&end);
  monitor_.Stop();
  result.measured = sim_.cycle() - started_;
  result.seconds =
      std::chrono::duration<double>(Clock::now() - begin).count();
  if (finished) {
    error_seen_ = false;
    CheckStatus(axi_.injected() && !injected_before);
    Finished(&result, end);
  } else {
    result.cycles = result.measured;
  }
  results_.push_back(result);
  return finished;
}

// Memory belongs to software again: nothing may move any more.
void Bench::Finished(RunResult* result, const End& end) {
  if (!axi_.idle())
    Fail("m_axi", "bursts are under way after the end: " + axi_.Waiting(), 0,
         1);
  const bool last = completed_runs_ + 1 == options_.runs;
  restart_at_once_ = error_seen_ && !last && options_.seed % 2 == 1;
  if (restart_at_once_) {
    taps_.Discard();
    result->cycles = result->measured;
    return;
  }
  const uint64_t activity = axi_.activity();
  CheckRegisters(result, end);
  for (int i = 0; i < 200 && !Done(); ++i) sim_.Tick();
  if (axi_.activity() != activity || !axi_.idle())
    Fail("m_axi", "bursts begin or go on after the end: " + axi_.Waiting(), 0,
         1);
  if (error_seen_) {
    taps_.Discard();
  } else if (!Done()) {
    const design::StartInfo& info = design::Start(result->start);
    predicted_compared_ += result->infer ? info.inferred : info.compared;
    taps_.Finish(sim_.cycle());
    memory_checker_.Finish(sim_.cycle());
    result->correct = memory_checker_.Correct();
  }
}
