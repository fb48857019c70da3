#include "bench.h"

#include <chrono>

#include "design.h"

namespace {

// Where memory lies in each run: never at zero, above 4 GB, and not aligned to
// more than a page.
uint64_t BaseAddress(int run) {
  return 0x345679000u * static_cast<uint64_t>(run + 1);
}

}  // namespace

Bench::Bench(const BenchOptions& options)
    : options_(options),
      golden_(options.golden),
      verdict_(options.limit),
      sim_(options.sim),
      axi_(options.memory, &memory_, &verdict_),
      lite_(&sim_, &verdict_, options.memory.stall, options.seed + 77),
      taps_(&golden_, &verdict_),
      memory_checker_(&golden_, &memory_, &verdict_),
      monitor_(&axi_, &taps_, &verdict_, options.progress),
      random_(options.seed + 999) {
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
  sim_.Reset(5);
  CheckReset();
  for (int run = 0; run < options_.runs && !Done() && verdict_.ok(); ++run) {
    if (run >= 2) Interrupted(run);
    if (!Done()) OneRun(run);
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

bool Bench::Start(int run, bool infer) {
  const uint64_t base = BaseAddress(run);
  memory_checker_.Begin(base, options_.seed + static_cast<uint64_t>(run),
                        infer);
  taps_.Begin(infer);
  if (sim_.top().irq) Fail("irq", "irq is high before the start", 0, 1);
  for (const design::ConstantInfo& c : design::kConstants)
    CheckRegister(c.name, c.addr, c.value);
  return WriteBytes(design::kRegBaseLo, static_cast<uint32_t>(base)) &&
         WriteBytes(design::kRegBaseHi, static_cast<uint32_t>(base >> 32)) &&
         CheckRegister("BASE_LO", design::kRegBaseLo,
                       static_cast<uint32_t>(base)) &&
         CheckRegister("BASE_HI", design::kRegBaseHi,
                       static_cast<uint32_t>(base >> 32)) &&
         lite_.Write(design::kRegIrqEnable, design::kIrqEnableFinish) &&
         lite_.Write(design::kRegControl,
                     infer ? design::kControlStart | design::kControlInfer
                           : design::kControlStart);
}

bool Bench::CheckRegister(const char* name, uint32_t addr, uint32_t want) {
  uint32_t got = 0;
  if (!lite_.Read(addr, &got)) return false;
  if (got != want)
    Fail("s_axil_rdata", std::string("register ") + name, want, got);
  return true;
}

// Writes byte after byte; what the strobes leave out is not the value.
bool Bench::WriteBytes(uint32_t addr, uint32_t data) {
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32_t byte = uint32_t{0xff} << (8 * i);
    if (!lite_.Write(addr, (data & byte) | (~data & ~byte), 1u << i))
      return false;
  }
  return true;
}

void Bench::CheckReset() {
  for (const design::ConstantInfo& c : design::kResets)
    CheckRegister(c.name, c.addr, c.value);
}

// While the core works, STATUS says so, and another start changes nothing. The
// read may have met the last cycle before irq, but never one after it.
void Bench::CheckBusy() {
  uint32_t status = 0;
  if (!lite_.Read(design::kRegStatus, &status) || sim_.top().irq) return;
  if (status != design::kStatusBusy)
    Fail("s_axil_rdata", "STATUS while the core works", design::kStatusBusy,
         status);
  lite_.Write(design::kRegControl, design::kControlStart);
}

// A finished run raises irq if, and only if, that is enabled.
void Bench::CheckIrq() {
  if (!lite_.Write(design::kRegIrqEnable, 0)) return;
  CheckRegister("IRQ_ENABLE", design::kRegIrqEnable, 0);
  if (sim_.top().irq) Fail("irq", "irq while it is disabled", 0, 1);
  if (!lite_.Write(design::kRegIrqEnable, design::kIrqEnableFinish)) return;
  CheckRegister("IRQ_ENABLE", design::kRegIrqEnable,
                design::kIrqEnableFinish);
  if (!sim_.top().irq) Fail("irq", "irq that waits, when enabled", 1, 0);
}

// PROGRESS, once the sequencer rests, is where it stands.
void Bench::CheckProgress() {
  const auto field = [](uint32_t mask, uint32_t v) {
    return v * (mask & (~mask + 1));
  };
  const uint32_t status = sim_.top().tap_status;
  const uint32_t want = field(design::kProgressState, sim_.top().tap_unit) |
                        field(design::kProgressLayer, (status >> 2) & 0x3f) |
                        field(design::kProgressSlab, (status >> 8) & 0xfff);
  uint32_t got = 0;
  if (!lite_.Read(design::kRegProgress, &got)) return;
  got &= ~design::kProgressPhase;
  if (got != want) Fail("s_axil_rdata", "PROGRESS after irq", want, got);
}

// The registers are used now and then while the core works, but not in its
// last cycles: a start that is meant to be ignored must not come too late.
bool Bench::WaitForIrq(uint64_t last_access) {
  uint64_t poll = sim_.cycle() + random_.Below(4000);
  while (!sim_.top().irq && !Done()) {
    sim_.Tick();
    if (sim_.cycle() < poll || sim_.cycle() > last_access) continue;
    CheckBusy();
    poll = sim_.cycle() + random_.Below(8000);
  }
  return !Done();
}

void Bench::Interrupted(int run) {
  if (!Start(run + options_.runs, false)) return;
  const uint64_t longest = design::Predicted(design::kReadLatency).cycles / 2;
  const uint32_t cycles =
      100 + random_.Below(longest < 40000 ? static_cast<uint32_t>(longest) + 1
                                          : 40000);
  for (uint32_t i = 0; i < cycles && !Done() && !sim_.top().irq; ++i)
    sim_.Tick();
  if (Done()) return;
  sim_.Reset(3);
  CheckReset();
  taps_.Discard();
}

void Bench::OneRun(int run) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  RunResult result;
  const design::Prediction ready =
      design::Predicted(options_.memory.latency);
  result.infer = options_.infer && run % 2 == 0;
  result.predicted =
      options_.memory.stall || result.infer ? 0 : ready.cycles;
  before_ = axi_.counters();
  if (!Start(run, result.infer)) return;
  const uint64_t started = lite_.write_cycle();
  const uint64_t expected =
      ready.cycles > 0 ? ready.cycles
                       : design::Predicted(design::kReadLatency).cycles;
  const uint64_t factor = options_.memory.stall ? 12 : 2;
  // An injected error may end the run at any time.
  const bool fails = options_.memory.fail_read_beat >= 0 ||
                     options_.memory.fail_write_burst >= 0;
  const uint64_t shortest = fails ? 0 : result.infer ? expected / 8 : expected;
  monitor_.Start(sim_.cycle(), expected,
                 factor * expected + 20000 +
                     factor * options_.memory.latency * design::kBursts);
  const bool finished = WaitForIrq(sim_.cycle() + shortest / 2);
  monitor_.Stop();
  result.measured = sim_.cycle() - started;
  result.seconds =
      std::chrono::duration<double>(Clock::now() - begin).count();
  if (finished) {
    // Memory belongs to software again: nothing may move any more.
    if (!axi_.idle())
      Fail("irq", "bursts are under way when irq rises: " + axi_.Waiting(), 0,
           1);
    const uint64_t activity = axi_.activity();
    CheckStatus(&result);
    for (int i = 0; i < 200 && !Done(); ++i) sim_.Tick();
    if (axi_.activity() != activity || !axi_.idle())
      Fail("m_axi", "bursts begin or go on after irq: " + axi_.Waiting(), 0, 1);
    if (error_seen_) {
      taps_.Discard();
    } else if (!Done()) {
      predicted_compared_ += result.infer ? design::kPredictedInferred
                                          : design::kPredictedCompared;
      taps_.Finish(sim_.cycle());
      memory_checker_.Finish(sim_.cycle());
    }
  } else {
    result.cycles = result.measured;
  }
  results_.push_back(result);
}

void Bench::CheckStatus(RunResult* result) {
  const bool injected = axi_.injected() && expected_errors_ == 0;
  error_seen_ = false;
  uint32_t status = 0, code = 0, irq_status = 0;
  if (!lite_.Read(design::kRegStatus, &status) ||
      !lite_.Read(design::kRegError, &code) ||
      !lite_.Read(design::kRegIrqStatus, &irq_status))
    return;
  const uint32_t want = injected ? design::kStatusDone | design::kStatusError
                                 : uint32_t{design::kStatusDone};
  constexpr uint32_t kMask = design::kStatusBusy | design::kStatusDone |
                             design::kStatusError;
  const bool error = (status & design::kStatusError) != 0;
  if (injected && error && (status & design::kStatusBusy) == 0 && code != 0) {
    error_seen_ = true;
    ++expected_errors_;
  } else if ((status & kMask) != want || code != 0) {
    Fail("s_axil_rdata",
         "STATUS after irq (1 busy, 2 done, 4 error), ERROR is " +
             std::to_string(code),
         want, status & kMask);
  }
  if (irq_status != design::kIrqStatusFinish)
    Fail("s_axil_rdata", "IRQ_STATUS after irq", design::kIrqStatusFinish,
         irq_status);
  ReadCounters(result);
  if (!error_seen_) CheckCounters(*result);
  CheckIrq();
  CheckProgress();
  if (!lite_.Write(design::kRegIrqStatus, irq_status)) return;
  for (int i = 0; i < 4 && sim_.top().irq; ++i) sim_.Tick();
  if (sim_.top().irq) Fail("irq", "irq after it was cleared", 0, 1);
}

void Bench::ReadCounters(RunResult* result) {
  for (const design::CounterInfo& c : design::kCounters) {
    uint32_t lo = 0, hi = 0;
    lite_.Read(c.lo, &lo);
    if (c.hi != c.lo) lite_.Read(c.hi, &hi);
    result->counters.emplace_back(c.name, (uint64_t{hi} << 32) | lo);
  }
  result->cycles = result->Counter("cycles");
}

// Predictions hold to the cycle if memory is undisturbed. Always, CYCLES must
// agree with the clock (measured counts the few cycles from `done` to irq as
// well), its parts must add up, and the beats must be those of the port.
void Bench::CheckCounters(const RunResult& r) {
  const auto check = [this](const std::string& what, uint64_t want,
                            uint64_t got) {
    if (got != want)
      Fail("s_axil_rdata", what, static_cast<int64_t>(want),
           static_cast<int64_t>(got));
  };
  if (r.predicted != 0) {
    const design::Prediction p = design::Predicted(options_.memory.latency);
    check("CYCLES differs from the prediction", p.cycles, r.cycles);
    check("ARRAY differs from the prediction", p.array, r.Counter("array"));
    check("WAIT_FETCH differs from the prediction", p.wait_fetch,
          r.Counter("wait_fetch"));
    check("WAIT_STORE differs from the prediction", p.wait_store,
          r.Counter("wait_store"));
    check("OVERHEAD differs from the prediction", p.overhead,
          r.Counter("overhead"));
  }
  constexpr uint64_t kSlack = 8;
  if (r.cycles > r.measured || r.measured - r.cycles > kSlack)
    check("CYCLES differs from the cycles of the clock", r.measured, r.cycles);
  check("ARRAY + WAIT_FETCH + WAIT_STORE + OVERHEAD differs from CYCLES",
        r.cycles, r.Counter("array") + r.Counter("wait_fetch") +
                      r.Counter("wait_store") + r.Counter("overhead"));
  check("READ_BEATS differs from the beats of the memory port",
        axi_.counters().read_beats - before_.read_beats,
        r.Counter("read_beats"));
  check("WRITE_BEATS differs from the beats of the memory port",
        axi_.counters().write_beats - before_.write_beats,
        r.Counter("write_beats"));
}
