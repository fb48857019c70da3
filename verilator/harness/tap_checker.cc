#include "tap_checker.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "bits.h"

namespace {

const design::TapInfo& Tap(const Event& e) { return design::kTaps[e.memory]; }

// A word of states holds kP channels. Others lie in parts of it: pool indices in
// words of kRows, of which it takes several where the array has fewer rows than
// columns, and probabilities one by one.
int Parts(const Event& e) { return Tap(e).parts; }

int Lanes(const Event& e) { return Tap(e).lanes; }

uint32_t Words(const Event& e) {
  return static_cast<uint32_t>(design::kBatch) *
         static_cast<uint32_t>(design::kMaps[e.layer].sample_words) *
         static_cast<uint32_t>(Parts(e));
}

// How many sets, from one on, arrive interleaved: in the update the argmax of s+
// and that of s- are written slab by slab.
std::size_t Together(const std::vector<Event>& events, std::size_t first) {
  std::size_t n = 1;
  if (events[first].memory != kIndex) return n;
  while (events[first].phase == design::kUpdatePhase && first + n < events.size() &&
         events[first + n].phase == design::kUpdatePhase &&
         events[first + n].layer == events[first].layer)
    ++n;
  return n;
}

// Position of the first channel of a word of a set.
struct Position {
  int sample, channel, pixel;
};

Position Locate(const Event& e, uint32_t word) {
  const design::MapInfo& map = design::kMaps[e.layer];
  const int w = static_cast<int>(word) / Parts(e);
  const int part = static_cast<int>(word) % Parts(e);
  Position p;
  p.sample = w / map.sample_words;
  p.channel = w % map.sample_words / map.hw * design::kP + part * Lanes(e);
  p.pixel = w % map.hw;
  return p;
}

}  // namespace

TapChecker::TapChecker(Verdict* verdict)
    : verdict_(verdict),
      by_map_(design::kNumMaps),
      states_(design::kNumLayers + 1) {
  for (int n = 0; n <= design::kNumLayers; ++n)
    for (int c = 0; c < design::kCopies; ++c)
      states_[static_cast<std::size_t>(n)][c].assign(design::Values(n), 0);
}

void TapChecker::Begin(const Golden* golden, bool infer) {
  golden_ = golden;
  compared_before_ = compared_;
  std::copy(std::begin(by_phase_), std::end(by_phase_), by_phase_before_);
  by_map_before_ = by_map_;
  for (int m = 0; m < design::kNumTaps; ++m) {
    Cursor& cur = cursors_[m];
    cur = Cursor();
    const std::vector<Event>& events =
        golden_->events(static_cast<TapMemory>(m));
    const auto expected = [infer](const Event& e) {
      return !infer || !design::kTrains || e.phase <= design::kFreePhase;
    };
    cur.events = static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), expected));
    Expect(events, &cur);
  }
}

void TapChecker::Expect(const std::vector<Event>& events, Cursor* cur) {
  if (cur->event == cur->events) return;
  const Event& e = events[cur->event];
  const std::size_t sets = Together(events, cur->event);
  const uint32_t words = Words(e);
  cur->seen.assign(sets * words, false);
  // Nothing comes for parts of words that have no channel at all.
  for (uint32_t w = 0; Parts(e) > 1 && w < words; ++w) {
    if (Locate(e, w).channel < design::kMaps[e.layer].c) continue;
    for (std::size_t k = 0; k < sets; ++k) cur->seen[k * words + w] = true;
    cur->seen_words += sets;
  }
}

void TapChecker::Discard() {
  compared_ = compared_before_;
  std::copy(std::begin(by_phase_before_), std::end(by_phase_before_),
            by_phase_);
  by_map_ = by_map_before_;
}

uint64_t TapChecker::differing_in_layer(int layer) const {
  uint64_t n = 0;
  for (int map = 0; map < design::kNumMaps; ++map)
    if (design::kMaps[map].owner == layer) n += differing_of(map);
  return n;
}

void TapChecker::OnClock(Vtb_top& top, uint64_t cycle) {
  if (!top.aresetn) return;
  if (top.tap_state0_we)
    OnWord(kState0, top.tap_state0_addr, PortBytes(top.tap_state0_data),
           sizeof top.tap_state0_data, cycle);
  if (top.tap_state1_we)
    OnWord(kState1, top.tap_state1_addr, PortBytes(top.tap_state1_data),
           sizeof top.tap_state1_data, cycle);
  if (top.tap_index_we)
    OnWord(kIndex, top.tap_index_addr, PortBytes(top.tap_index_data),
           sizeof top.tap_index_data, cycle);
  OnHeads(top, cycle);
}

template <typename Top>
void TapChecker::OnHeads(Top& top, uint64_t cycle) {
  if constexpr (design::kNumTaps > kNudge) {
    if (top.tap_logit_we)
      OnWord(kLogit, top.tap_logit_addr, PortBytes(top.tap_logit_data),
             sizeof top.tap_logit_data, cycle);
    if (top.tap_probability_we)
      OnWord(kProbability, top.tap_probability_addr,
             PortBytes(top.tap_probability_data),
             sizeof top.tap_probability_data, cycle);
    if (top.tap_nudge_we)
      OnWord(kNudge, top.tap_nudge_addr, PortBytes(top.tap_nudge_data),
             sizeof top.tap_nudge_data, cycle);
  }
  if constexpr (design::kNumTaps > kWarm) {
    if (top.tap_warm_we)
      OnWord(kWarm, top.tap_warm_addr, PortBytes(top.tap_warm_data),
             sizeof top.tap_warm_data, cycle);
  }
}

void TapChecker::OnWord(TapMemory memory, uint32_t addr, const uint8_t* data,
                        std::size_t size, uint64_t cycle) {
  ++writes_;
  const std::vector<Event>& events = golden_->events(memory);
  Cursor& cur = cursors_[memory];
  if (cur.event == cur.events) {
    Mismatch m;
    m.kind = "surplus";
    m.message = std::string("surplus write to ") +
                design::kTaps[memory].name + " at word " +
                std::to_string(addr);
    m.signal = design::kTaps[memory].signal;
    m.cycle = cycle;
    verdict_->Add(m);
    return;
  }
  const std::size_t sets = Together(events, cur.event);
  const uint32_t words = Words(events[cur.event]);
  for (std::size_t k = 0; k < sets; ++k) {
    const Event& e = events[cur.event + k];
    const uint32_t word = addr - e.base;
    if (addr < e.base || word >= words || cur.seen[k * words + word]) continue;
    cur.seen[k * words + word] = true;
    CompareWord(e, word, data, size, cycle);
    if (++cur.seen_words < sets * words) return;
    cur.seen_words = 0;
    cur.event += sets;
    Expect(events, &cur);
    return;
  }
  const Event& e = events[cur.event];
  Mismatch m = At(e, "address", cycle);
  const bool twice = addr >= e.base && addr - e.base < words;
  uint32_t next = 0;  // the first word that is still to come
  while (cur.seen[next]) ++next;
  m.message = std::string(Tap(e).name) +
              (twice ? ": word written twice" : ": word outside the set");
  m.has_values = true;
  m.bits = 32;
  m.expected = events[cur.event + next / words].base + next % words;
  m.got = addr;
  Count(m, e);
}

void TapChecker::CompareWord(const Event& e, uint32_t word,
                             const uint8_t* data, std::size_t size,
                             uint64_t cycle) {
  const design::MapInfo& map = design::kMaps[e.layer];
  const Position p = Locate(e, word);
  const bool index = e.memory == kIndex;
  const int bits = Tap(e).bits;
  // Of layers and of the errors of heads the states are kept.
  std::vector<int32_t>* seen =
      e.memory <= kState1 && e.layer <= design::kNumLayers
          ? &states_[static_cast<std::size_t>(e.layer)][e.copy]
          : nullptr;
  for (int lane = 0; lane < Lanes(e); ++lane) {
    const uint64_t raw = GetBits(data, size, lane * bits, bits);
    const int64_t got = Tap(e).is_signed ? SignExtend(raw, bits)
                                         : static_cast<int64_t>(raw);
    const int channel = p.channel + lane;
    int64_t want = 0;
    if (channel < map.c) {
      const std::size_t i = static_cast<std::size_t>(
          (p.sample * map.c + channel) * map.hw + p.pixel);
      want = LoadElement(e.values + i * static_cast<std::size_t>(e.value_bytes),
                         e.value_bytes);
      if (seen != nullptr) (*seen)[i] = static_cast<int32_t>(got);
      ++compared_;
      ++by_phase_[e.phase].compared;
      ++by_map_[static_cast<std::size_t>(e.layer)].compared;
    } else if (e.memory > kState1) {
      continue;  // no such neuron: its argmax, say, means nothing
    }
    if (got == want) continue;
    Mismatch m = At(e, "value", cycle);
    m.message = index             ? "pool index differs"
                : channel < map.c ? std::string(map.what) + " differs"
                                  : "lane without a channel is not 0";
    m.sample = p.sample;
    m.channel = channel;
    m.y = p.pixel / map.w;
    m.x = p.pixel % map.w;
    m.has_values = true;
    m.expected = want;
    m.got = got;
    m.bits = bits;
    m.frac = index ? -1 : e.copy == 0 ? map.frac : map.nudged_frac;
    m.signal += "[" + std::to_string(lane * bits + bits - 1) + ":" +
                std::to_string(lane * bits) + "]";
    Count(m, e);
  }
}

Mismatch TapChecker::At(const Event& e, const char* kind,
                        uint64_t cycle) const {
  Mismatch m;
  m.kind = kind;
  m.phase = design::kPhases[e.phase].name;
  m.step = e.step;
  m.layer = design::kMaps[e.layer].owner;
  m.signal = Tap(e).signal;
  m.cycle = cycle;
  return m;
}

void TapChecker::Count(const Mismatch& m, const Event& e) {
  ++by_phase_[e.phase].differing;
  ++by_map_[static_cast<std::size_t>(e.layer)].differing;
  verdict_->Add(m);
}

void TapChecker::Finish(uint64_t cycle) {
  for (int k = 0; k < design::kNumTaps; ++k) {
    const TapMemory memory = static_cast<TapMemory>(k);
    const Cursor& cur = cursors_[k];
    const std::vector<Event>& events = golden_->events(memory);
    if (cur.event == cur.events) continue;
    uint32_t word = 0;
    while (cur.seen[word]) ++word;
    const uint32_t words = Words(events[cur.event]);
    const Event& e = events[cur.event + word / words];
    word %= words;
    const design::MapInfo& map = design::kMaps[e.layer];
    const Position p = Locate(e, word);
    Mismatch m = At(e, "missing", cycle);
    m.sample = p.sample;
    m.channel = p.channel;
    m.y = p.pixel / map.w;
    m.x = p.pixel % map.w;
    m.message = std::string(Tap(e).name) + ": set " +
                std::to_string(cur.event + 1) + " of " +
                std::to_string(cur.events) + " has " +
                std::to_string(cur.seen_words) + " of " +
                std::to_string(cur.seen.size()) + " words; word " +
                std::to_string(e.base + word) + " never came";
    Count(m, e);
  }
}
