#include "golden.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "design.h"
#include "verdict.h"

namespace {

constexpr std::size_t kEventBytes = 32;

template <typename T>
T Load(const uint8_t* bytes) {
  T v;
  std::memcpy(&v, bytes, sizeof v);
  return v;
}

// CRC-32 of IEEE 802.3, reflected polynomial 0xedb88320, eight bytes at a time
// ("slicing by 8").
uint32_t Crc32(const uint8_t* bytes, std::size_t size) {
  static const auto tables = [] {
    std::array<std::array<uint32_t, 256>, 8> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = (c >> 1) ^ ((c & 1) ? 0xedb88320u : 0);
      t[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; ++i)
      for (std::size_t k = 1; k < 8; ++k)
        t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 255];
    return t;
  }();
  uint32_t c = ~0u;
  for (; size >= 8; size -= 8, bytes += 8) {
    const uint64_t w = Load<uint64_t>(bytes) ^ c;
    c = 0;
    for (std::size_t k = 0; k < 8; ++k)
      c ^= tables[7 - k][(w >> (8 * k)) & 255];
  }
  for (; size > 0; --size, ++bytes)
    c = (c >> 8) ^ tables[0][(c ^ *bytes) & 255];
  return ~c;
}

}  // namespace

GoldenFile::GoldenFile(const std::string& path, Kind kind, int start)
    : path_(path) {
  const int fd = open(path.c_str(), O_RDONLY);
  if (fd < 0) throw CannotRun(path + ": " + std::strerror(errno));
  struct stat st;
  const bool ok = fstat(fd, &st) == 0;
  file_bytes_ = ok ? static_cast<std::size_t>(st.st_size) : 0;
  void* p = MAP_FAILED;
  if (file_bytes_ > 0)
    p = mmap(nullptr, file_bytes_, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (p == MAP_FAILED)
    throw CannotRun(path + ": file is empty or cannot be mapped");
  bytes_ = static_cast<const uint8_t*>(p);
  try {
    Check(kind, start);
  } catch (...) {
    munmap(p, file_bytes_);
    throw;
  }
}

GoldenFile::~GoldenFile() {
  munmap(const_cast<uint8_t*>(bytes_), file_bytes_);
}

void GoldenFile::Check(Kind kind, int start) {
  const auto fail = [this](const std::string& text) {
    throw CannotRun(path_ + ": " + text);
  };
  const auto want = [&](const char* what, uint64_t found, uint64_t wanted) {
    if (found != wanted)
      fail(std::string(what) + " " + std::to_string(found) + ", want " +
           std::to_string(wanted));
  };
  if (file_bytes_ < kHeaderBytes + 4)
    fail(std::to_string(file_bytes_) + " bytes, want at least " +
         std::to_string(kHeaderBytes + 4) + "; the file is truncated");
  if (std::memcmp(bytes_, "EPGOLDEN", 8) != 0)
    fail("not a golden file of epgen");
  want("version", Load<uint32_t>(bytes_ + 8), 1);
  want("kind", Load<uint16_t>(bytes_ + 12), kind);
  want("start", Load<uint16_t>(bytes_ + 14), static_cast<uint64_t>(start));
  payload_bytes_ = Load<uint64_t>(bytes_ + 24);
  const std::size_t total = kHeaderBytes + payload_bytes_ + 4;
  if (file_bytes_ != total)
    fail(std::to_string(file_bytes_) + " bytes, want " +
         std::to_string(total) +
         (file_bytes_ < total ? "; the file is truncated" : ""));
  const uint32_t stored = Load<uint32_t>(bytes_ + total - 4);
  const uint32_t found = Crc32(bytes_, total - 4);
  if (found != stored)
    fail("checksum " + Hex(found, 32) + ", want " + Hex(stored, 32) +
         "; the file is damaged");
  if (Load<uint64_t>(bytes_ + 16) != design::kFingerprint)
    fail("made for design " +
         Hex(static_cast<int64_t>(Load<uint64_t>(bytes_ + 16)), 64) +
         ", want " + Hex(static_cast<int64_t>(design::kFingerprint), 64));
  if (kind != kTrace) want("payload bytes", payload_bytes_, design::kMapBytes);
}

Golden::Golden(const std::string& dir, int start)
    : Golden(dir, start == 0 ? "" : "/" + std::to_string(start + 1), start) {}

Golden::Golden(const std::string& dir, const std::string& sub, int start)
    : before_(dir + sub + "/before.bin", GoldenFile::kBefore, start),
      after_(dir + sub + "/after.bin", GoldenFile::kAfter, start),
      trace_(dir + sub + "/trace.bin", GoldenFile::kTrace, start) {
  ReadTrace();
}

void Golden::ReadTrace() {
  const uint8_t* p = trace_.payload();
  const auto damaged = [this](const std::string& text) {
    throw CannotRun(trace_.path() + ": " + text);
  };
  if (trace_.size() < 8) damaged("no room for the number of events");
  const std::size_t count = Load<uint32_t>(p);
  const std::size_t notes = Load<uint32_t>(p + 4);
  const std::size_t labels = 4 * static_cast<std::size_t>(design::kBatch);
  if (trace_.size() < 8 + count * kEventBytes + notes + labels)
    damaged("no room for " + std::to_string(count) + " events");
  for (std::size_t i = 0; i < count; ++i) {
    const uint8_t* r = p + 8 + i * kEventBytes;
    Event e;
    e.memory = static_cast<TapMemory>(r[0]);
    e.phase = r[1];
    e.copy = r[2];
    e.value_bytes = r[3];
    e.step = static_cast<int>(Load<uint32_t>(r + 4));
    e.layer = static_cast<int>(Load<uint32_t>(r + 8));
    e.base = Load<uint32_t>(r + 12);
    const uint64_t offset = Load<uint64_t>(r + 16);
    const uint64_t values = Load<uint64_t>(r + 24);
    if (e.memory >= design::kNumTaps || e.phase > design::kLastPhase ||
        e.copy >= design::kCopies ||
        e.layer >= design::kNumMaps || e.value_bytes > 8 ||
        offset + values * static_cast<uint64_t>(e.value_bytes) >
            trace_.size() ||
        values != design::Values(e.layer))
      damaged("event " + std::to_string(i) + " does not fit the design");
    e.values = p + offset;
    events_[e.memory].push_back(e);
  }
  const char* text =
      reinterpret_cast<const char*>(p + 8 + count * kEventBytes);
  std::string line;
  for (std::size_t i = 0; i < notes; ++i) {
    if (text[i] == '\n') {
      notes_.push_back(line);
      line.clear();
    } else {
      line += text[i];
    }
  }
  for (std::size_t b = 0; b < labels; b += 4)
    labels_.push_back(Load<uint32_t>(p + 8 + count * kEventBytes + notes + b));
  if (notes_.size() != design::kNumLayers + 1u)
    damaged(std::to_string(notes_.size()) + " notes, want " +
            std::to_string(design::kNumLayers + 1));
}
