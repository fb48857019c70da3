// Paged external memory that knows which bytes mean something.

#ifndef EPGEN_MEMORY_H_
#define EPGEN_MEMORY_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

// A sparse 64-bit address space in pages of 4 KB. A page exists once Map has
// covered it; a byte is defined once it has been written.
class Memory {
 public:
  static constexpr uint64_t kPageBytes = 4096;

  // Forgets everything.
  void Clear();

  // Makes [addr, addr+size) legal to access. Its bytes hold random values, of
  // which reads are an error, until written.
  void Map(uint64_t addr, uint64_t size, uint64_t seed);

  // True if every byte of the range is mapped.
  bool Mapped(uint64_t addr, uint64_t size) const;

  // Copies a range, which must be mapped and lie in one page. Returns false if
  // a byte was never written.
  bool Read(uint64_t addr, uint8_t* bytes, std::size_t size) const;

  // Writes the bytes whose strobe bit is set; the range must be mapped and lie
  // in one page.
  void Write(uint64_t addr, const uint8_t* bytes, std::size_t size,
             uint64_t strobe);

  // Writes or reads any mapped range.
  void Store(uint64_t addr, const uint8_t* bytes, std::size_t size);
  void Load(uint64_t addr, uint8_t* bytes, std::size_t size) const;

 private:
  struct Page {
    uint8_t bytes[kPageBytes];
    std::bitset<kPageBytes> mapped, defined;
  };
  const Page* Find(uint64_t addr) const;

  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages_;
};

#endif  // EPGEN_MEMORY_H_
