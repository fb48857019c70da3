// Simulates training steps of the generated core and compares every bit that
// it writes with the model. Exit status: 0 equal, 1 different, 2 could not run.

#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "bench.h"
#include "design.h"
#include "report.h"
#include "verilated.h"

namespace {

constexpr char kUsage[] =
    "usage: sim [--option=value ...]\n"
    "  --golden=DIR        golden data (../golden)\n"
    "  --report=FILE       where to write report.json (nowhere)\n"
    "  --seed=N            of stalls (1)\n"
    "  --stall=0|1         random latency and gaps on every channel (0)\n"
    "  --latency=N         cycles from AR to the first R beat, at least 1\n"
    "  --write-gap=N       with stalls: cycles without WREADY after a W beat (0)\n"
    "  --x-seed=N          of registers and memories at power-up (1)\n"
    "  --runs=N            second: dirty start; third: reset in the middle (1)\n"
    "  --resets=0|1        after the first run a reset in every state of the\n"
    "                      sequencer in every phase, each with a run behind it (0)\n"
    "  --infer=0|1         every second run, from the first, infers only (0)\n"
    "  --mismatches=N      stop after so many (8)\n"
    "  --fail-read=N       R beat N (from 0) answers with an error\n"
    "  --fail-write=N      B response N (from 0) answers with an error\n"
    "  --fail-with=slverr|decerr   the error (slverr)\n"
    "  --wave=FILE --wave-from=CYCLE --wave-to=CYCLE   dump a VCD, then stop\n"
    "  --progress=none|lines|bar\n";

// Splits "--name=value"; throws CannotRun on anything else.
class Argument {
 public:
  explicit Argument(const std::string& text) {
    const std::size_t eq = text.find('=');
    if (text.rfind("--", 0) != 0 || eq == std::string::npos)
      throw CannotRun("argument " + text + ", want --name=value; see --help");
    name_ = text.substr(2, eq - 2);
    value_ = text.substr(eq + 1);
  }

  bool Is(const char* name) const { return name_ == name; }
  const std::string& text() const { return value_; }

  uint64_t Number(uint64_t lowest, uint64_t highest) const {
    char* end = nullptr;
    const uint64_t v = std::strtoull(value_.c_str(), &end, 10);
    if (value_.empty() || value_[0] == '-' || *end != 0 || v < lowest ||
        v > highest)
      throw CannotRun("--" + name_ + "=" + value_ + ", want " +
                      std::to_string(lowest) + ".." + std::to_string(highest));
    return v;
  }

  const std::string& name() const { return name_; }

 private:
  std::string name_, value_;
};

BenchOptions ParseOptions(int argc, char** argv) {
  BenchOptions o;
  o.sim.wave_to = UINT64_MAX;
  constexpr uint64_t kBig = INT64_MAX;
  for (int i = 1; i < argc; ++i) {
    const Argument a(argv[i]);
    if (a.Is("golden")) {
      o.golden = a.text();
    } else if (a.Is("report")) {
      o.report = a.text();
    } else if (a.Is("seed")) {
      o.seed = a.Number(0, kBig);
    } else if (a.Is("stall")) {
      o.memory.stall = a.Number(0, 1) != 0;
    } else if (a.Is("latency")) {
      o.memory.latency = a.Number(1, 100000);
    } else if (a.Is("write-gap")) {
      o.memory.write_gap = a.Number(0, 10000);
    } else if (a.Is("x-seed")) {
      o.sim.x_seed = a.Number(1, INT32_MAX);
    } else if (a.Is("runs")) {
      o.runs = static_cast<int>(a.Number(1, 1000));
    } else if (a.Is("resets")) {
      o.resets = a.Number(0, 1) != 0;
    } else if (a.Is("infer")) {
      o.infer = a.Number(0, 1) != 0;
    } else if (a.Is("mismatches")) {
      o.limit = a.Number(1, kBig);
    } else if (a.Is("fail-read")) {
      o.memory.fail_read_beat = static_cast<int64_t>(a.Number(0, kBig));
    } else if (a.Is("fail-write")) {
      o.memory.fail_write_burst = static_cast<int64_t>(a.Number(0, kBig));
    } else if (a.Is("fail-with")) {
      if (a.text() != "slverr" && a.text() != "decerr")
        throw CannotRun("--fail-with=" + a.text() +
                        ", want slverr or decerr");
      o.memory.decode_error = a.text() == "decerr";
    } else if (a.Is("wave")) {
      o.sim.wave = a.text();
    } else if (a.Is("wave-from")) {
      o.sim.wave_from = a.Number(0, kBig);
    } else if (a.Is("wave-to")) {
      o.sim.wave_to = a.Number(0, kBig);
    } else if (a.Is("progress")) {
      o.progress = a.text() == "bar"     ? Monitor::Progress::kBar
                   : a.text() == "lines" ? Monitor::Progress::kLines
                                         : Monitor::Progress::kNone;
    } else {
      throw CannotRun("unknown option --" + a.name() + "; see --help");
    }
  }
  if (o.memory.fail_read_beat >= 0 && o.memory.fail_write_burst >= 0)
    throw CannotRun("--fail-read and --fail-write, want one of them");
  if (o.resets && (o.memory.stall || o.infer))
    throw CannotRun("--resets=1, want neither --stall nor --infer with it");
  if (o.memory.write_gap > 0 && !o.memory.stall)
    throw CannotRun("--write-gap without --stall=1, want both");
  o.memory.seed = o.seed;
  return o;
}

void PrintOutcome(const Bench& b) {
  for (const Mismatch& m : b.verdict().kept())
    std::printf("mismatch: %s\n", Describe(m).c_str());
  for (const RunResult& r : b.results()) {
    std::printf("cycles: %" PRIu64 " simulated", r.cycles);
    if (r.predicted != 0) std::printf(", %" PRIu64 " predicted", r.predicted);
    if (r.seconds > 0)
      std::printf("; %.1f s, %.2f Mcycles/s, %.0f MMAC/s", r.seconds,
                  static_cast<double>(r.measured) / 1e6 / r.seconds,
                  static_cast<double>(
                      r.infer ? design::Start(r.start).infer_products
                              : design::Start(r.start).products) /
                      1e6 / r.seconds);
    std::printf("\n");
  }
  if (b.expected_errors() > 0)
    std::printf("injected error: reported by the core as it should\n");
  std::printf("%s: %s, %" PRIu64 " values compared, %" PRIu64 " mismatches\n",
              b.passed() ? "PASS" : "FAIL", design::kName, b.compared(),
              b.verdict().count());
}

int Simulate(const BenchOptions& options) {
  Bench bench(options);
  try {
    bench.Run();
  } catch (const CannotRun&) {
    throw;
  } catch (const std::exception& e) {
    bench.Abort(e.what());
  }
  if (!options.sim.wave.empty()) {
    std::printf("waveform: %s\n", options.sim.wave.c_str());
    return 0;
  }
  PrintOutcome(bench);
  if (!options.report.empty()) WriteFile(options.report, ReportJson(bench));
  return bench.passed() ? 0 : 1;
}

}  // namespace

// Verilator calls these when the model cannot go on, for instance because
// combinational logic does not settle, and when it ends the simulation by
// itself. Both are verdicts on the design; Verilator's own exit the process,
// that of $finish with status 0.
void vl_fatal(const char* file, int line, const char*,
              const char* message) VL_MT_UNSAFE {
  throw std::runtime_error(std::string(file) + ":" + std::to_string(line) +
                           ": " + message);
}

void vl_finish(const char* file, int line, const char* module) VL_MT_UNSAFE {
  vl_fatal(file, line, module, "the design calls $finish");
}

void vl_stop(const char* file, int line, const char* module) VL_MT_UNSAFE {
  vl_fatal(file, line, module, "the design calls $stop, or an assertion fails");
}

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  try {
    BenchOptions options = ParseOptions(argc, argv);
    if (options.progress == Monitor::Progress::kBar && !isatty(2))
      options.progress = Monitor::Progress::kNone;
    return Simulate(options);
  } catch (const CannotRun& e) {
    std::fprintf(stderr, "sim: %s\n", e.what());
    return 2;
  }
}
