#include "memory_checker.h"

#include <cstring>
#include <string>

#include "bits.h"
#include "design.h"

namespace {

constexpr int kElement = design::kElementBytes;
constexpr uint64_t kWords = design::kKeptWords > 0 ? design::kKeptWords : 1;

bool Within(uint64_t offset, const design::Region& r) {
  return offset >= r.offset && offset < r.offset + r.bytes;
}

}  // namespace

MemoryChecker::MemoryChecker(Memory* memory, Verdict* verdict)
    : memory_(memory),
      verdict_(verdict),
      changes_(design::kNumLayers + 1) {}

const uint8_t* MemoryChecker::Expected(uint64_t offset) const {
  const bool old = infer_ && Within(offset, design::kWeights);
  return (old ? golden_->before() : golden_->after()) + offset;
}

void MemoryChecker::Begin(const Golden* golden, uint64_t base, uint64_t seed,
                          bool infer) {
  Expect(golden, infer);
  changed_.assign(design::kMapBytes / kElement, false);
  base_ = base;
  memory_->Clear();
  memory_->Map(base, design::kMapBytes, seed);
  // The results are the core's to write: reading them before is an error.
  for (const design::Region& r :
       {design::kLabels, design::kInput, design::kStatesEven,
        design::kStatesOdd, design::kTargets, design::kMeans,
        design::kWeights})
    memory_->Store(base + r.offset, golden_->before() + r.offset, r.bytes);
}

void MemoryChecker::Continue(const Golden* golden, bool infer) {
  Expect(golden, infer);
  for (const design::Region& r :
       {design::kLabels, design::kInput, design::kStatesEven,
        design::kStatesOdd, design::kTargets})
    memory_->Store(base_ + r.offset, golden_->before() + r.offset, r.bytes);
}

void MemoryChecker::Expect(const Golden* golden, bool infer) {
  golden_ = golden;
  infer_ = infer;
  written_.assign(design::kMapBytes / kElement, false);
  reported_.assign(design::kMapBytes / kElement, false);
  changes_.assign(design::kNumLayers + 1, Change());
}

void MemoryChecker::OnWrite(uint64_t addr, const uint8_t* bytes,
                            uint64_t strobe, uint64_t cycle) {
  const uint64_t offset = addr - base_;
  constexpr uint64_t kAll = (uint64_t{1} << kElement) - 1;
  for (int i = 0; i < design::kBeatBytes; i += kElement) {
    const uint64_t lanes = (strobe >> i) & kAll;
    if (lanes == 0) continue;
    const uint64_t at = offset + static_cast<uint64_t>(i);
    const uint64_t element = at / kElement;
    const int64_t got = LoadElement(bytes + i, kElement);
    if ((infer_ || !Within(at, design::kUpdated)) &&
        !Within(at, design::kResults))
      Report(element, "address", "must not be written", got,
             cycle);
    else if (written_[element])
      Report(element, "address", "written twice", got, cycle);
    else if (lanes != kAll)
      Report(element, "protocol", "only some bytes of it are written", got,
             cycle);
    else if (std::memcmp(bytes + i, Expected(at), kElement) != 0)
      Report(element, "value", "differs", got, cycle);
    written_[element] = true;
  }
}

void MemoryChecker::Finish(uint64_t cycle) {
  std::vector<uint8_t> final(design::kMapBytes);
  memory_->Load(base_, final.data(), final.size());
  for (uint64_t e = 0; e < written_.size(); ++e) {
    const uint64_t at = e * kElement;
    const Element where = Locate(at);
    const int64_t got = LoadElement(final.data() + at, kElement);
    const int64_t want = LoadElement(Expected(at), kElement);
    const bool output = where.kind == Element::kResult ||
                        (!infer_ && Within(at, design::kUpdated));
    Change& change = changes_[static_cast<std::size_t>(where.layer)];
    if (where.real && output) {
      ++compared_;
      if (got != LoadElement(golden_->before() + at, kElement))
        changed_[e] = true;
      const bool changed = changed_[e];
      if (where.kind == Element::kWeight) {
        ++change.weights;
        change.weights_changed += changed;
      } else if (where.kind == Element::kBias) {
        ++change.biases;
        change.biases_changed += changed;
      }
    }
    if (output && where.real && !written_[e])
      Report(e, "missing", "never written", got, cycle);
    else if (got != want && (written_[e] || !output))
      Report(e, "value", "differs at the end", got, cycle);
  }
}

int MemoryChecker::Correct() const {
  if (!design::kPredicts) return -1;
  const design::MapInfo& map = design::kMaps[design::kOutputLayer];
  const auto load = [this](uint64_t offset) {
    uint8_t bytes[kElement];
    memory_->Load(base_ + offset, bytes, kElement);
    return LoadElement(bytes, kElement);
  };
  int correct = 0;
  for (int b = 0; b < design::kBatch; ++b) {
    int64_t best = INT64_MIN, at = -1;  // outputs may be negative
    for (int c = 0; c < map.c; ++c) {
      for (int pixel = 0; pixel < map.hw; ++pixel) {
        const int word = c / design::kP * map.hw + pixel;
        const int lane = c % design::kP;
        const int64_t v = load(
            design::kResults.offset +
            static_cast<uint64_t>(b * map.sample_words + word) *
                design::kColumnBytes +
            static_cast<uint64_t>(lane) * kElement);
        if (v <= best) continue;
        best = v;
        at = (word << design::kLaneNumberBits) + lane;  // as labels are coded
      }
    }
    correct += at == golden_->labels()[static_cast<std::size_t>(b)];
  }
  return correct;
}

MemoryChecker::Element MemoryChecker::Locate(uint64_t offset) {
  Element e;
  const auto in_map = [&e](const design::MapInfo& map, uint64_t rel) {
    const int word = static_cast<int>(rel / design::kColumnBytes);
    const int lane =
        static_cast<int>(rel % design::kColumnBytes) / design::kElementBytes;
    e.sample = word / map.sample_words;
    e.channel = word % map.sample_words / map.hw * design::kP + lane;
    e.y = word % map.hw / map.w;
    e.x = word % map.hw % map.w;
    e.real = e.sample < design::kBatch && lane < design::kP &&
             e.channel < map.c;
  };
  if (Within(offset, design::kLabels)) {
    const uint64_t rel = offset - design::kLabels.offset;
    e.kind = Element::kLabel;
    e.sample = static_cast<int>(rel / design::kColumnBytes);
    e.real = e.sample < design::kBatch && rel % design::kColumnBytes == 0;
  } else if (Within(offset, design::kInput)) {
    e.kind = Element::kInput;
    in_map(design::kMaps[0], offset - design::kInput.offset);
  } else if (Within(offset, design::kStatesEven)) {
    e.kind = Element::kState;
    e.channel =
        static_cast<int>((offset - design::kStatesEven.offset) / kElement);
  } else if (Within(offset, design::kStatesOdd)) {
    e.kind = Element::kState;
    e.channel =
        static_cast<int>((offset - design::kStatesOdd.offset) / kElement);
  } else if (Within(offset, design::kTargets)) {
    e.kind = Element::kTarget;
    e.channel =
        static_cast<int>((offset - design::kTargets.offset) / kElement);
  } else if (Within(offset, design::kMeans)) {
    const uint64_t rel = offset - design::kMeans.offset;
    e.kind = Element::kMean;
    e.channel = static_cast<int>(rel / kElement);
  } else if (Within(offset, design::kResults)) {
    e.kind = Element::kResult;
    e.layer = design::kOutputLayer;
    in_map(design::kMaps[e.layer], offset - design::kResults.offset);
  } else {
    e.layer = design::kNumLayers;
    while (e.layer > 1 && offset < design::kLayers[e.layer - 1].offset)
      --e.layer;
    const design::LayerInfo& l = design::kLayers[e.layer - 1];
    const uint64_t rel = offset - l.offset;
    const int slab = static_cast<int>(rel / l.slab_bytes);
    uint64_t in_slab = rel % l.slab_bytes / design::kColumnBytes;
    if (rel % l.slab_bytes >= l.weight_bytes) {
      in_slab -= l.weight_bytes / design::kColumnBytes;
      e.word = 1 + static_cast<int>(in_slab % kWords);
      in_slab /= kWords;
    }
    // Of a tile; below 0 the biases.
    const int column = static_cast<int>(in_slab) - l.bias_columns;
    const int lane =
        static_cast<int>(rel % design::kColumnBytes) / design::kElementBytes;
    e.kind = e.word > 0   ? Element::kKept
             : column < 0 ? Element::kBias
                          : Element::kWeight;
    // A tile lies in lines: its columns or, where the array is wide, its rows.
    constexpr bool kTall = design::kRows >= design::kColumns;
    int row = lane;
    int col = 0;
    if (column >= 0) {
      const int tile = column / design::kLines;
      const int line = column % design::kLines;
      row = kTall ? lane : line;
      col = kTall ? line : lane;
      e.input_channel = tile / l.taps * design::kColumns + col;
      e.y = tile % l.taps / l.kernel_w;
      e.x = tile % l.taps % l.kernel_w;
      e.real = e.input_channel < l.in_channels &&
               lane < (kTall ? design::kRows : design::kColumns);
    } else {
      e.real = row < design::kRows;
    }
    e.channel = slab * design::kRows + row;
    e.real = e.real && e.channel < design::kMaps[e.layer].c;
  }
  return e;
}

void MemoryChecker::Report(uint64_t element, const char* kind,
                           const std::string& message, int64_t got,
                           uint64_t cycle) {
  if (reported_[element]) return;
  reported_[element] = true;
  static const char* const kNames[] = {"element", "label", "input",
                                       "target",  "mean",  "weight",
                                       "bias",    "result", "kept word",
                                       "initial state"};
  const uint64_t at = element * kElement;
  const Element e = Locate(at);
  Mismatch m;
  m.kind = kind;
  m.message = std::string(e.real ? "" : "padding of ") +
              (e.word > 0 ? design::kKeptNames[e.word] : kNames[e.kind]) +
              " at memory offset " + Hex(static_cast<int64_t>(at), 32) + " " +
              message;
  m.phase = e.kind == Element::kResult  ? "free"
            : e.kind == Element::kInput
                ? "input"
                : design::kPhases[design::kLastPhase].name;
  m.layer = e.layer;
  m.sample = e.sample;
  m.channel = e.channel;
  m.input_channel = e.input_channel;
  m.y = e.y;
  m.x = e.x;
  m.step = e.kind == Element::kResult
               ? design::kPhases[design::kFreePhase].steps - 1
               : 0;
  m.signal = std::string("tb_top.m_axi_wdata, byte lane ") +
             std::to_string(at % design::kBeatBytes);
  m.cycle = cycle;
  m.has_values = true;
  m.expected = LoadElement(Expected(at), kElement);
  m.got = got;
  m.bits = 8 * kElement;
  if (e.kind == Element::kWeight)
    m.frac = design::kLayers[e.layer - 1].weight_frac;
  else if (e.kind == Element::kBias)
    m.frac = design::kLayers[e.layer - 1].bias_frac;
  else if (e.kind == Element::kResult || e.kind == Element::kInput)
    m.frac = design::kMaps[e.layer].frac;
  ++differing_;
  ++changes_[static_cast<std::size_t>(e.layer)].differing;
  verdict_->Add(m);
}
