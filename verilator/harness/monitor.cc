#include "monitor.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "design.h"

namespace {

// Fields of tap_status.
// The results belong to the last phase.
int Phase(uint32_t s) {
  return std::min(static_cast<int>(s >> 24) + design::kFreePhase,
                  design::kLastPhase);
}
const char* PhaseName(uint32_t s) { return design::kPhases[Phase(s)].name; }
int Layer(uint32_t s) { return static_cast<int>((s >> 2) & 63); }
int Slab(uint32_t s) { return static_cast<int>((s >> 8) & 0xfff); }

std::string StateName(uint32_t unit) {
  if (unit < design::kNumStates) return design::kStateNames[unit];
  return "number " + std::to_string(unit);
}

}  // namespace

Monitor::Monitor(const AxiMemory* memory, const TapChecker* taps,
                 Verdict* verdict, Progress progress)
    : memory_(memory), taps_(taps), verdict_(verdict), progress_(progress) {}

Monitor::Place Monitor::PlaceOf(const Vtb_top& top) {
  return Place{static_cast<int>(top.tap_status >> 24),
               static_cast<int>(top.tap_unit)};
}

std::string Monitor::PhaseOf(const Place& p) {
  const int phase = p.phase + design::kFreePhase;
  return phase > design::kLastPhase ? "result" : design::kPhases[phase].name;
}

std::string Monitor::StateOf(const Place& p) {
  return StateName(static_cast<uint32_t>(p.state));
}

void Monitor::Start(uint64_t cycle, uint64_t expected, uint64_t limit) {
  running_ = true;
  start_ = last_event_ = cycle;
  last_count_ = taps_->writes() + memory_->beats();
  expected_ = expected > 0 ? expected : 1;
  limit_ = limit;
  for (uint64_t& n : phase_cycles_) n = 0;
  for (uint64_t& n : unit_cycles_) n = 0;
  places_.clear();
  shown_ = std::chrono::steady_clock::now();
}

void Monitor::Stop() {
  running_ = false;
  if (progress_ == Progress::kBar) std::fprintf(stderr, "\r\033[K");
}

void Monitor::OnClock(Vtb_top& top, uint64_t cycle) {
  if (!running_) return;
  unit_ = top.tap_unit;
  status_ = top.tap_status;
  ++unit_cycles_[unit_];
  if (unit_ != 0) ++places_[PlaceOf(top)];
  ++phase_cycles_[Phase(status_)];
  const uint64_t count = taps_->writes() + memory_->beats();
  if (count != last_count_) {
    last_count_ = count;
    last_event_ = cycle;
  } else if (cycle - last_event_ > design::kWatchdogCycles) {
    Expired(cycle, "nothing written or transferred for " +
                       std::to_string(cycle - last_event_) + " cycles");
  }
  if (cycle - start_ > limit_)
    Expired(cycle, "not done after " + std::to_string(limit_) + " cycles");
  if ((cycle & 0x3fff) == 0) Show(cycle);
}

void Monitor::Expired(uint64_t cycle, const std::string& why) {
  if (!running_) return;
  running_ = false;
  Mismatch m;
  m.kind = "watchdog";
  m.message = "watchdog: " + why + ": " + Status();
  m.phase = PhaseName(status_);
  m.layer = Layer(status_);
  m.signal = "tb_top.tap_status";
  m.cycle = cycle;
  verdict_->AddFatal(m);
}

std::string Monitor::Status() const {
  std::string s = "sequencer in state " + StateName(unit_) + ", phase " +
                  PhaseName(status_) + ", layer " +
                  std::to_string(Layer(status_)) + ", slab " +
                  std::to_string(Slab(status_));
  if ((status_ >> 20) & 1) s += ", waits for a slab";
  if ((status_ >> 21) & 1) s += ", waits for the write-back";
  if ((status_ >> 22) & 1) s += ", fetch busy";
  if ((status_ >> 23) & 1) s += ", write-back busy";
  return s + "; " + memory_->Waiting();
}

void Monitor::Show(uint64_t cycle) {
  if (progress_ == Progress::kNone) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - shown_ < std::chrono::milliseconds(500)) return;
  shown_ = now;
  const uint64_t done = cycle - start_;
  if (progress_ == Progress::kLines) {
    std::printf("progress %" PRIu64 " %" PRIu64 " %s %d\n", done, expected_,
                PhaseName(status_), Layer(status_));
    std::fflush(stdout);
    return;
  }
  std::fprintf(stderr, "\r%5.1f %%  %" PRIu64 " cycles, %s phase, layer %d\033[K",
               100.0 * static_cast<double>(done) /
                   static_cast<double>(expected_),
               done, PhaseName(status_), Layer(status_));
}
