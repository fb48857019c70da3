// Plays vectors to the blocks of a unit_top and compares their outputs.
//
// All blocks run side by side from one clock, each with a vector file of its
// own. A file holds, little-endian: the magic "EPGVEC01", the number of cycles
// (32 bits), the bytes of a record (32 bits), then one record for each cycle:
// the inputs, then for each output the expected value and the mask of the bits
// that matter. Every port takes ceil(bits/8) bytes.
//
// Inputs change while the clock is low; outputs are compared before the rising
// edge. For each power-up seed given, one line per block on standard output:
//
//   PASS <block> <seed> <cycles> <values compared>
//   FAIL <block> <seed> <cycle> <port> <first wrong bit> <want> <got> <mask>
//
// Exit status: 0 the vectors were played, whatever came of it; 2 they were not.

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "Vunit_top.h"
#include "verilated.h"

namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "ports are copied as little-endian bytes");

template <typename T>
uint8_t* PortBytes(T& port) {
  return reinterpret_cast<uint8_t*>(&port);
}
template <std::size_t N>
uint8_t* PortBytes(VlWide<N>& port) {
  return reinterpret_cast<uint8_t*>(port.data());
}

struct Port {
  const char* name;
  uint8_t* data;
  std::size_t bytes;
};

struct Block {
  const char* name;
  const char* file;
  std::vector<Port> inputs, outputs;
};

// The blocks of the model, in blocks.inc: generated.
std::vector<Block> Blocks(Vunit_top& m) {
  return {
#include "blocks.inc"
  };
}

// The vectors of one block and how far they have been played.
class Player {
 public:
  explicit Player(const Block& block) : block_(block) { Load(); }

  uint32_t cycles() const { return cycles_; }

  void Drive(uint32_t cycle) {
    if (cycle >= cycles_) return;
    const uint8_t* p = Record(cycle);
    for (const Port& in : block_.inputs) {
      std::memcpy(in.data, p, in.bytes);
      p += in.bytes;
    }
  }

  void Compare(uint32_t cycle) {
    if (failed_ || cycle >= cycles_) return;
    const uint8_t* p = Record(cycle) + input_bytes_;
    for (const Port& out : block_.outputs) {
      Compare(cycle, out, p, p + out.bytes);
      p += 2 * out.bytes;
    }
  }

  void Report(uint64_t seed) const {
    if (failed_)
      std::printf("FAIL %s %" PRIu64 " %s\n", block_.name, seed,
                  failure_.c_str());
    else
      std::printf("PASS %s %" PRIu64 " %u %" PRIu64 "\n", block_.name, seed,
                  cycles_, compared_);
  }

 private:
  void Load() {
    std::FILE* f = std::fopen(block_.file, "rb");
    if (f == nullptr)
      throw std::runtime_error(std::string(block_.file) + ": cannot be read");
    char magic[8];
    uint32_t head[2];
    bool ok = std::fread(magic, 8, 1, f) == 1 &&
              std::memcmp(magic, "EPGVEC01", 8) == 0 &&
              std::fread(head, 8, 1, f) == 1;
    if (ok) {
      cycles_ = head[0];
      record_ = head[1];
      data_.resize(std::size_t{cycles_} * record_);
      ok = std::fread(data_.data(), 1, data_.size(), f) == data_.size();
    }
    std::fclose(f);
    std::size_t want = 0;
    for (const Port& in : block_.inputs) input_bytes_ += in.bytes;
    for (const Port& out : block_.outputs) want += 2 * out.bytes;
    want += input_bytes_;
    if (!ok || record_ != want)
      throw std::runtime_error(std::string(block_.file) +
                               ": damaged or of another block");
  }

  const uint8_t* Record(uint32_t cycle) const {
    return data_.data() + std::size_t{cycle} * record_;
  }

  void Compare(uint32_t cycle, const Port& out, const uint8_t* want,
               const uint8_t* mask) {
    uint8_t care = 0;
    for (std::size_t i = 0; i < out.bytes; ++i) {
      care |= mask[i];
      const uint8_t wrong = (want[i] ^ out.data[i]) & mask[i];
      if (wrong == 0 || failed_) continue;
      failed_ = true;
      std::size_t bit = 8 * i;
      while ((wrong >> (bit % 8) & 1) == 0) ++bit;
      failure_ = std::to_string(cycle) + " " + out.name + " " +
                 std::to_string(bit) + " " + Hex(want, out.bytes) + " " +
                 Hex(out.data, out.bytes) + " " + Hex(mask, out.bytes);
    }
    compared_ += care != 0;
  }

  static std::string Hex(const uint8_t* bytes, std::size_t n) {
    std::string text;
    char digits[3];
    for (std::size_t i = n; i-- > 0;) {
      std::snprintf(digits, sizeof digits, "%02x", bytes[i]);
      text += digits;
    }
    return text;
  }

  Block block_;
  std::vector<uint8_t> data_;
  uint32_t cycles_ = 0, record_ = 0;
  std::size_t input_bytes_ = 0;
  bool failed_ = false;
  std::string failure_;
  uint64_t compared_ = 0;
};

void Play(uint64_t seed) {
  const auto context = std::make_unique<VerilatedContext>();
  context->randReset(2);
  context->randSeed(static_cast<int>(seed));
  const auto model = std::make_unique<Vunit_top>(context.get());
  std::vector<Player> players;
  uint32_t cycles = 0;
  for (const Block& block : Blocks(*model)) {
    players.emplace_back(block);
    if (players.back().cycles() > cycles) cycles = players.back().cycles();
  }
  for (uint32_t cycle = 0; cycle < cycles; ++cycle) {
    model->clk_i = 0;
    for (Player& p : players) p.Drive(cycle);
    model->eval();
    for (Player& p : players) p.Compare(cycle);
    model->clk_i = 1;
    model->eval();
  }
  model->final();
  for (const Player& p : players) p.Report(seed);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: unit SEED...\n");
    return 2;
  }
  try {
    for (int i = 1; i < argc; ++i) Play(std::strtoull(argv[i], nullptr, 10));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "unit: %s\n", e.what());
    return 2;
  }
  return 0;
}
