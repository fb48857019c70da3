// What the bench writes to the registers and wants to read from them.

#include "bench.h"
#include "design.h"

bool Bench::SetBase() {
  const uint32_t low = static_cast<uint32_t>(base_);
  const uint32_t high = static_cast<uint32_t>(base_ >> 32);
  return WriteBytes(design::kRegBaseLo, low) &&
         WriteBytes(design::kRegBaseHi, high) &&
         CheckRegister("BASE_LO", design::kRegBaseLo, low) &&
         CheckRegister("BASE_HI", design::kRegBaseHi, high);
}

bool Bench::CheckRegister(const char* name, uint32_t addr, uint32_t want) {
  uint32_t got = 0;
  if (!lite_.Read(addr, &got)) return false;
  if (got != want)
    Fail("s_axil_rdata", std::string("register ") + name, want, got);
  return true;
}

// Writes a register in parts; what the strobes leave out is not the value. All
// bits are wrong at first, and a write without strobes comes last.
bool Bench::WriteBytes(uint32_t addr, uint32_t data) {
  if (!lite_.Write(addr, ~data, 0xf)) return false;
  for (const uint32_t strobe : {0x9u, 0x4u, 0x2u, 0x0u}) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < 4; ++i)
      if ((strobe >> i) & 1) bytes |= uint32_t{0xff} << (8 * i);
    if (!lite_.Write(addr, (data & bytes) | (~data & ~bytes), strobe))
      return false;
  }
  return true;
}

void Bench::CheckReset() {
  for (const design::ConstantInfo& c : design::kResets)
    CheckRegister(c.name, c.addr, c.value);
}

// While the core works, STATUS says so, and neither another start nor another
// BASE changes anything. The read may have met the last cycle before irq, but
// never one after it.
void Bench::CheckBusy() {
  uint32_t status = 0;
  if (!lite_.Read(design::kRegStatus, &status) || sim_.top().irq) return;
  if (status != design::kStatusBusy)
    Fail("s_axil_rdata", "STATUS while the core works", design::kStatusBusy,
         status);
  const uint32_t low = static_cast<uint32_t>(base_);
  const uint32_t high = static_cast<uint32_t>(base_ >> 32);
  const bool infer = random_.Below(2) == 0;
  if (!lite_.Write(design::kRegControl,
                   infer ? design::kControlStart | design::kInferStart
                         : design::kControlStart) ||
      !lite_.Write(design::kRegBaseLo, ~low) ||
      !lite_.Write(design::kRegBaseHi, ~high))
    return;
  CheckRegister("BASE_LO, written while the core works", design::kRegBaseLo,
                low);
  CheckRegister("BASE_HI, written while the core works", design::kRegBaseHi,
                high);
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

// PROGRESS, once the sequencer rests, is where it stands; its phase is the last
// one, unless an error cut the run short.
void Bench::CheckProgress() {
  const auto field = [](uint32_t mask, uint32_t v) {
    return v * (mask & (~mask + 1));
  };
  const uint32_t status = sim_.top().tap_status;
  const uint32_t want = field(design::kProgressState, sim_.top().tap_unit) |
                        field(design::kProgressPhase, design::kPhaseResult) |
                        field(design::kProgressLayer, (status >> 2) & 0x3f) |
                        field(design::kProgressSlab, (status >> 8) & 0xfff);
  uint32_t got = 0;
  if (!lite_.Read(design::kRegProgress, &got)) return;
  const uint32_t known = error_seen_ ? ~design::kProgressPhase : ~0u;
  if ((got ^ want) & known)
    Fail("s_axil_rdata", "PROGRESS after irq", want, got);
}

void Bench::CheckStatus(bool injected) {
  uint32_t status = 0, code = 0;
  if (!lite_.Read(design::kRegStatus, &status) ||
      !lite_.Read(design::kRegError, &code))
    return;
  const uint32_t want = injected ? design::kStatusError : design::kStatusDone;
  const uint32_t cause = !injected ? design::kErrorNone
                         : options_.memory.fail_read_beat >= 0
                             ? design::kErrorRead
                             : design::kErrorWrite;
  if (status != want)
    Fail("s_axil_rdata",
         "STATUS after irq (1 busy, 2 done, 4 error), ERROR is " +
             std::to_string(code),
         want, status);
  else if (code != cause)
    Fail("s_axil_rdata", "ERROR after irq (1 read, 2 write)", cause, code);
  else if (injected)
    error_seen_ = true;
  if (error_seen_) ++expected_errors_;
}

void Bench::CheckRegisters(RunResult* result, const End& end) {
  uint32_t irq_status = 0;
  if (!lite_.Read(design::kRegIrqStatus, &irq_status)) return;
  if (irq_status != design::kIrqStatusFinish)
    Fail("s_axil_rdata", "IRQ_STATUS after irq", design::kIrqStatusFinish,
         irq_status);
  ReadCounters(result);
  if (!error_seen_) CheckCounters(*result, end);
  CheckIrq();
  CheckProgress();
  if (!lite_.Write(design::kRegIrqStatus, irq_status)) return;
  for (int i = 0; i < 4 && sim_.top().irq; ++i) sim_.Tick();
  if (sim_.top().irq) Fail("irq", "irq after it was cleared", 0, 1);
}

void Bench::ReadCounters(RunResult* result) {
  for (const design::CounterInfo& c : design::kCounters) {
    uint32_t lo = 0, hi = 0;
    if (c.hi != c.lo)
      lite_.ReadTwo(c.lo, c.hi, &lo, &hi);
    else
      lite_.Read(c.lo, &lo);
    result->counters.emplace_back(c.name, (uint64_t{hi} << 32) | lo);
  }
  result->cycles = result->Counter("cycles");
}

// Predictions hold to the cycle if memory is undisturbed. Always, CYCLES must
// agree with the clock (which counts the few cycles from start to busy and from
// `done` to the end as well), its parts must add up, and the beats must be
// those of the port.
void Bench::CheckCounters(const RunResult& r, const End& end) {
  const auto check = [this](const std::string& what, uint64_t want,
                            uint64_t got) {
    if (got != want)
      Fail("s_axil_rdata", what, static_cast<int64_t>(want),
           static_cast<int64_t>(got));
  };
  if (r.predicted != 0) {
    const design::Prediction p = design::Predicted(r.start, options_.memory.latency);
    check("CYCLES differs from the prediction", p.cycles, r.cycles);
    check("ARRAY differs from the prediction", p.array, r.Counter("array"));
    check("WAIT_FETCH differs from the prediction", p.wait_fetch,
          r.Counter("wait_fetch"));
    check("WAIT_STORE differs from the prediction", p.wait_store,
          r.Counter("wait_store"));
    check("OVERHEAD differs from the prediction", p.overhead,
          r.Counter("overhead"));
  }
  for (int i = 0; i < design::kCopies; ++i) {
    uint32_t got = 0;
    if (design::kStepRegisters[i] == 0) continue;
    lite_.Read(design::kStepRegisters[i], &got);
    const bool ran = i == 0 || !r.infer;
    check(std::string("time steps of the phase ") +
              design::kPhases[design::kFreePhase + i].name,
          static_cast<uint64_t>(
              ran ? design::Start(r.start).steps[static_cast<std::size_t>(i)]
                  : 0),
          got);
  }
  constexpr uint64_t kSlack = 8;
  if (r.cycles > end.to - started_ || r.cycles + kSlack < end.from - started_)
    check("CYCLES differs from the cycles of the clock", end.to - started_,
          r.cycles);
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
