// The bench: runs training steps on the core and collects the outcome.

#ifndef EPGEN_BENCH_H_
#define EPGEN_BENCH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "axi_lite.h"
#include "axi_memory.h"
#include "golden.h"
#include "memory.h"
#include "memory_checker.h"
#include "monitor.h"
#include "rng.h"
#include "sim_ctrl.h"
#include "tap_checker.h"
#include "verdict.h"

struct BenchOptions {
  std::string golden = "../golden";
  std::string report;
  uint64_t seed = 1;
  int runs = 1;
  bool resets = false;  // in every state of the sequencer, in every phase
  bool infer = false;  // every second run, from the first, is an inference
  uint64_t limit = 8;  // mismatches before the simulation ends
  AxiMemory::Options memory;
  SimCtrl::Options sim;
  Monitor::Progress progress = Monitor::Progress::kNone;
};

// What one training step or inference took.
struct RunResult {
  int start = 0;           // of the sequence
  bool infer = false;      // free phase and results only
  int correct = 0;         // samples whose largest output is their label's
  uint64_t cycles = 0;     // the core's own count
  uint64_t measured = 0;   // from the write of CONTROL to irq
  uint64_t predicted = 0;  // 0: no prediction for this memory
  double seconds = 0;
  std::vector<std::pair<std::string, uint64_t>> counters;

  // A counter by its name in design::kCounters; 0 if there is none.
  uint64_t Counter(const std::string& name) const {
    for (const auto& c : counters)
      if (c.first == name) return c.second;
    return 0;
  }
};

// Each run loads memory afresh at another address, sets BASE, starts the core,
// waits for its end, checks the registers and compares everything; then come the
// other starts of the sequence, each after labels and samples were replaced. The first
// run follows a reset, the second starts from whatever the first has left, and
// from the third on reset falls into the middle of a run that is then repeated,
// by turns early and in the last part. The end of every third run, from the
// second, is polled with irq disabled. After an injected error the next start
// comes, with an odd seed, at once and at the same address.
class Bench {
 public:
  explicit Bench(const BenchOptions& options);

  void Run();

  // The places in which a reset fell, with --resets=1.
  const std::vector<Monitor::Place>& resets() const { return resets_; }

  // True if every run was completed and everything compared was equal.
  bool passed() const {
    return verdict_.ok() &&
           completed_runs_ ==
               options_.runs + static_cast<int>(resets_.size()) &&
           compared() == predicted_compared();
  }

  const BenchOptions& options() const { return options_; }
  const Verdict& verdict() const { return verdict_; }
  // The golden data of the last start.
  const Golden& golden() const { return *golden_; }
  const TapChecker& taps() const { return taps_; }
  const MemoryChecker& memory_checker() const { return memory_checker_; }
  const AxiMemory& axi() const { return axi_; }
  const Monitor& monitor() const { return monitor_; }
  const std::vector<RunResult>& results() const { return results_; }
  uint64_t compared() const {
    return taps_.compared() + memory_checker_.compared();
  }
  // Values that the runs had to compare.
  uint64_t predicted_compared() const { return predicted_compared_; }

  // Runs that ended with the error that was asked for.
  int expected_errors() const { return expected_errors_; }

  // A failure of the simulator itself, such as a loop that does not settle.
  void Abort(const std::string& message);

 private:
  // Cycles in which the core ended: after `from`, at or before `to`.
  struct End {
    uint64_t from, to;
  };

  uint64_t BaseAddress(int run);
  bool SetBase();
  bool Start(int run, int start, bool infer, bool with_irq);
  bool CheckRegister(const char* name, uint32_t addr, uint32_t want);
  void CheckReset();
  bool WriteBytes(uint32_t addr, uint32_t data);
  void CheckIrq();
  void CheckProgress();
  void CheckBusy();
  bool SetNumber(int start);
  bool SetRates(int start);
  void CheckInjection();
  bool WaitForIrq(uint64_t last_access, End* end);
  bool Poll(End* end);
  void Interrupted(int run);
  void Reset(int run);
  void ResetEverywhere();
  bool ResetIn(const Monitor::Place& place, uint64_t nth, int run);
  void OneRun(int run);
  bool OneStart(int run, int start, bool infer);
  void Finished(RunResult* result, const End& end);
  void CheckStatus(bool injected);
  void CheckRegisters(RunResult* result, const End& end);
  void CheckCounters(const RunResult& result, const End& end);
  void ReadCounters(RunResult* result);
  bool Done() const;
  void Fail(const char* signal, const std::string& message, int64_t expected,
            int64_t got);

  BenchOptions options_;
  std::vector<std::unique_ptr<Golden>> sequence_;  // by start
  const Golden* golden_ = nullptr;                 // of the present start
  Verdict verdict_;
  SimCtrl sim_;
  Memory memory_;
  AxiMemory axi_;
  AxiLite lite_;
  TapChecker taps_;
  MemoryChecker memory_checker_;
  Monitor monitor_;
  Random random_;
  AxiMemory::Counters before_;  // of the present run
  std::vector<RunResult> results_;
  std::vector<Monitor::Place> resets_;
  int completed_runs_ = 0;
  uint64_t base_ = 0, started_ = 0;  // of the present run
  bool restart_at_once_ = false;     // of the next one
  bool error_seen_ = false;
  int expected_errors_ = 0;
  uint64_t predicted_compared_ = 0;
};

#endif  // EPGEN_BENCH_H_
