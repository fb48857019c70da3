// Compares what the core writes to external memory with the model.

#ifndef EPGEN_MEMORY_CHECKER_H_
#define EPGEN_MEMORY_CHECKER_H_

#include <cstdint>
#include <vector>

#include "axi_memory.h"
#include "golden.h"
#include "memory.h"
#include "verdict.h"

// New weights and biases and the results must be written exactly once, with
// the right values, and nothing else may be written. A wrong value is reported
// in the cycle of its W beat; Finish compares the final contents.
class MemoryChecker : public AxiMemory::Listener {
 public:
  // How much of a layer changed in one training step.
  struct Change {  // counted over the starts of a sequence so far
    uint64_t weights = 0, weights_changed = 0;
    uint64_t biases = 0, biases_changed = 0;
    uint64_t differing = 0;
  };

  MemoryChecker(Memory* memory, Verdict* verdict);

  // Puts the initial image of a start at an address and expects every write
  // anew; of an inference only those of the results.
  void Begin(const Golden* golden, uint64_t base, uint64_t seed, bool infer);

  // The same for a start that follows another: memory keeps what the core has
  // made of it, and receives other labels and samples.
  void Continue(const Golden* golden, bool infer);

  void OnWrite(uint64_t addr, const uint8_t* bytes, uint64_t strobe,
               uint64_t cycle) override;

  // Compares the final contents of the whole memory map.
  void Finish(uint64_t cycle);

  // Samples whose largest result, the first of equal ones, is at their label.
  int Correct() const;  // -1 where the results are no predictions

  uint64_t compared() const { return compared_; }
  uint64_t differing() const { return differing_; }
  const Change& change(int layer) const {
    return changes_[static_cast<std::size_t>(layer)];
  }

 private:
  void Expect(const Golden* golden, bool infer);

  // What an element of the memory map is.
  struct Element {
    enum Kind { kNone, kLabel, kInput, kTarget, kMean, kWeight, kBias, kResult, kKept, kState } kind = kNone;
    int word = 0;  // of what updates keep, from 1
    int layer = 0, sample = -1, channel = -1, input_channel = -1;
    int y = -1, x = -1;
    bool real = false;  // not padding
  };

  static Element Locate(uint64_t offset);

  // What an element must be in the end, little-endian.
  const uint8_t* Expected(uint64_t offset) const;
  void Report(uint64_t element, const char* kind, const std::string& message,
              int64_t got, uint64_t cycle);

  const Golden* golden_ = nullptr;
  Memory* memory_;
  Verdict* verdict_;
  uint64_t base_ = 0;
  bool infer_ = false;
  std::vector<bool> written_, reported_;  // per element
  std::vector<bool> changed_;  // per element, by any start of the sequence
  std::vector<Change> changes_;
  uint64_t compared_ = 0, differing_ = 0;
};

#endif  // EPGEN_MEMORY_CHECKER_H_
