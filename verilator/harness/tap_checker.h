// Compares what the core writes to its state and index memories, and what its heads
// compute on the way, with the model.

#ifndef EPGEN_TAP_CHECKER_H_
#define EPGEN_TAP_CHECKER_H_

#include <cstdint>
#include <vector>

#include "design.h"
#include "golden.h"
#include "sim_ctrl.h"
#include "verdict.h"

// Every memory has its list of sets, see Event. Within a set the words may come
// in any order, each exactly once; a word outside the set, a word twice, a set
// left incomplete and a word after the last set are mismatches.
class TapChecker : public Extension {
 public:
  explicit TapChecker(Verdict* verdict);

  // Expects the first set of every memory of a start next; of an inference only
  // those of the input and the free phase.
  void Begin(const Golden* golden, bool infer);

  // Forgets what was compared since Begin, for a run that is not completed.
  void Discard();

  // Reports what has not come. Call it when the core says it is done.
  void Finish(uint64_t cycle);

  void OnClock(Vtb_top& top, uint64_t cycle) override;

  uint64_t writes() const { return writes_; }      // words, for the watchdog
  uint64_t compared() const { return compared_; }  // values
  uint64_t compared(int phase) const { return by_phase_[phase].compared; }
  uint64_t differing(int phase) const { return by_phase_[phase].differing; }
  // Of a layer or head, by its number in design::kLayers, from 1.
  uint64_t differing_in_layer(int layer) const;
  // Of a map.
  uint64_t compared_of(int map) const {
    return by_map_[static_cast<std::size_t>(map)].compared;
  }
  uint64_t differing_of(int map) const {
    return by_map_[static_cast<std::size_t>(map)].differing;
  }

  // States of a layer as the hardware wrote them last, order
  // [sample, channel, row, column]; layer 0 is the input, heads follow the layers
  // with their errors; copy as in Event.
  const std::vector<int32_t>& states(int layer, int copy) const {
    return states_[static_cast<std::size_t>(layer)][copy];
  }

 private:
  struct Cursor {
    std::size_t event = 0, events = 0;  // next, and how many are expected
    uint32_t seen_words = 0;
    std::vector<bool> seen;
  };
  struct Tally {
    uint64_t compared = 0, differing = 0;
  };

  // Clears the marks of the words of the next set, or sets.
  static void Expect(const std::vector<Event>& events, Cursor* cur);
  // The taps that only designs with heads have.
  template <typename Top>
  void OnHeads(Top& top, uint64_t cycle);
  void OnWord(TapMemory memory, uint32_t addr, const uint8_t* data,
              std::size_t size, uint64_t cycle);
  void CompareWord(const Event& e, uint32_t word, const uint8_t* data,
                   std::size_t size, uint64_t cycle);
  Mismatch At(const Event& e, const char* kind, uint64_t cycle) const;
  void Count(const Mismatch& m, const Event& e);

  const Golden* golden_ = nullptr;
  Verdict* verdict_;
  Cursor cursors_[design::kNumTaps];
  uint64_t writes_ = 0, compared_ = 0, compared_before_ = 0;
  Tally by_phase_[design::kLastPhase + 1];
  Tally by_phase_before_[design::kLastPhase + 1];
  std::vector<Tally> by_map_, by_map_before_;
  struct Copies {
    std::vector<int32_t> copy[design::kCopies];
    std::vector<int32_t>& operator[](int i) { return copy[i]; }
    const std::vector<int32_t>& operator[](int i) const { return copy[i]; }
  };
  std::vector<Copies> states_;
};

#endif  // EPGEN_TAP_CHECKER_H_
