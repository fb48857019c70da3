// What went wrong, and where: shared by everything that checks.

#ifndef EPGEN_VERDICT_H_
#define EPGEN_VERDICT_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

// The run cannot be judged: golden data damaged, wrong option, no such file.
// main() turns it into one line and exit status 2.
class CannotRun : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A difference between hardware and model. Fields that do not apply are -1
// (positions) or empty (texts).
struct Mismatch {
  std::string kind;     // value, address, missing, surplus, protocol, ...
  std::string message;  // one sentence for people
  std::string phase;    // input, free, plus, minus, update
  std::string signal;   // path of the signal in the design
  int step = -1;
  int layer = -1;  // 1-based; 0 is the input; heads follow the layers
  int sample = -1;
  int channel = -1;        // of the layer's output
  int input_channel = -1;  // weights only
  int y = -1, x = -1;      // of the map, or of the kernel for weights
  uint64_t cycle = 0;      // since the first rising edge of the clock
  bool has_values = false;
  int64_t expected = 0, got = 0;
  int bits = 0;    // width of both, for the hexadecimal form
  int frac = -1;   // fractional bits of both; -1 for addresses and the like
};

// Collects mismatches and says when to stop. The first one is kept whole; the
// next few are kept for the log.
class Verdict {
 public:
  explicit Verdict(uint64_t limit) : limit_(limit) {}

  void Add(const Mismatch& m) {
    ++count_;
    if (kept_.size() < 16) kept_.push_back(m);
  }

  // A failure that leaves nothing to wait for, such as an expired watchdog.
  void AddFatal(const Mismatch& m) {
    Add(m);
    fatal_ = true;
  }

  bool ok() const { return count_ == 0; }
  bool stop() const { return fatal_ || count_ >= limit_; }
  uint64_t count() const { return count_; }
  const std::vector<Mismatch>& kept() const { return kept_; }

 private:
  uint64_t limit_;
  uint64_t count_ = 0;
  bool fatal_ = false;
  std::vector<Mismatch> kept_;
};

// The name of a head, by its number behind the layers; empty for a layer.
std::string HeadName(int layer);

// "layer 3 channel 12 y 4 x 5 sample 0", as far as known; a head has its name.
std::string Place(const Mismatch& m);

// "0x7fff" and "0.999969", as far as the formats are known.
std::string Hex(int64_t value, int bits);
std::string Real(int64_t value, int frac);

// The lines that a person reads.
std::string Describe(const Mismatch& m);

#endif  // EPGEN_VERDICT_H_
