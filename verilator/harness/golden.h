// Reader of the golden files: memory before and after, and the trace.
//
// Every file is
//
//   0   8 bytes  "EPGOLDEN"
//   8   u32      version, 1
//   12  u16      kind: 1 memory before, 2 memory after, 3 trace
//   14  u16      number of the start, from 0
//   16  u64      fingerprint of the design
//   24  u64      bytes of the payload
//   32           payload
//       u32      CRC-32 (IEEE) of everything before
//
// all little-endian. A memory payload is the image of the memory map. The
// payload of a trace is
//
//   u32 events, u32 bytes of the notes
//   events x 32 bytes: u8 memory (TapMemory), u8 phase, u8 copy, u8 bytes per value,
//                      u32 step, u32 layer, u32 first word, u64 offset of the
//                      values in the payload, u64 number of values
//   notes: one JSON object per line, first the network's, then each layer's
//   labels: u32 for each sample, coded as in external memory
//   values: little-endian signed, order [sample, channel, row, column]

#ifndef EPGEN_GOLDEN_H_
#define EPGEN_GOLDEN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "design.h"

// A memory of the core whose write port is tapped, or what is tapped of its heads
// on the way: an index into design::kTaps, which has the last four only for
// designs with heads.
enum TapMemory {
  kState0 = 0,
  kState1 = 1,
  kIndex = 2,
  kLogit = 3,
  kProbability = 4,
  kNudge = 5,
  kWarm = 6
};

// One full set of words that the hardware writes to one memory: the states or
// pool indices of one layer in one time step. Sets of one memory come in order.
struct Event {
  TapMemory memory;
  int phase;  // index into design::kPhases
  int copy;   // of the states, or of the pool indices
  int step;   // of the phase
  int layer;  // index into design::kMaps: 0 is the input
  uint32_t base;  // word address of sample 0, block 0, pixel 0
  const uint8_t* values;
  int value_bytes;
};

// Read-only mapping of one file. Throws CannotRun, with the file's name, what
// was found and what was wanted, unless everything is in order.
class GoldenFile {
 public:
  enum Kind { kBefore = 1, kAfter = 2, kTrace = 3 };

  GoldenFile(const std::string& path, Kind kind, int start);
  ~GoldenFile();
  GoldenFile(const GoldenFile&) = delete;
  GoldenFile& operator=(const GoldenFile&) = delete;

  const uint8_t* payload() const { return bytes_ + kHeaderBytes; }
  std::size_t size() const { return payload_bytes_; }
  const std::string& path() const { return path_; }

 private:
  static constexpr std::size_t kHeaderBytes = 32;

  void Check(Kind kind, int start);

  std::string path_;
  const uint8_t* bytes_ = nullptr;
  std::size_t file_bytes_ = 0;
  std::size_t payload_bytes_ = 0;
};

// Everything golden of one start: from the given directory for the first, and
// from the directories 2, 3, ... below it for the others.
class Golden {
 public:
  Golden(const std::string& dir, int start);

  const uint8_t* before() const { return before_.payload(); }
  const uint8_t* after() const { return after_.payload(); }
  const std::vector<Event>& events(TapMemory m) const { return events_[m]; }

  // Labels of the samples, coded as in external memory, where a core may not need them.
  const std::vector<uint32_t>& labels() const { return labels_; }

  // JSON objects of the model's statistics, to be passed on as they are.
  const std::string& network_note() const { return notes_[0]; }
  const std::string& layer_note(int layer) const {
    return notes_[static_cast<std::size_t>(layer)];
  }

 private:
  Golden(const std::string& dir, const std::string& sub, int start);
  void ReadTrace();

  GoldenFile before_, after_, trace_;
  std::vector<Event> events_[design::kNumTaps];
  std::vector<std::string> notes_;
  std::vector<uint32_t> labels_;
};

#endif  // EPGEN_GOLDEN_H_
