#include "memory.h"

#include <algorithm>
#include <cstring>

#include "rng.h"

namespace {

// Calls f(address, size) for the parts of a range that lie in one page each.
template <typename F>
void ForPages(uint64_t addr, uint64_t size, F f) {
  while (size > 0) {
    const uint64_t part =
        std::min(size, Memory::kPageBytes - addr % Memory::kPageBytes);
    f(addr, part);
    addr += part;
    size -= part;
  }
}

}  // namespace

void Memory::Clear() { pages_.clear(); }

const Memory::Page* Memory::Find(uint64_t addr) const {
  const auto it = pages_.find(addr / kPageBytes);
  return it == pages_.end() ? nullptr : it->second.get();
}

void Memory::Map(uint64_t addr, uint64_t size, uint64_t seed) {
  Random random(seed);
  ForPages(addr, size, [&](uint64_t at, uint64_t part) {
    std::unique_ptr<Page>& page = pages_[at / kPageBytes];
    if (!page) {
      page = std::make_unique<Page>();
      for (uint64_t i = 0; i < kPageBytes; i += 8) {
        const uint64_t noise = random.Next();
        std::memcpy(page->bytes + i, &noise, 8);
      }
    }
    for (uint64_t i = 0; i < part; ++i) page->mapped.set(at % kPageBytes + i);
  });
}

bool Memory::Mapped(uint64_t addr, uint64_t size) const {
  bool ok = true;
  ForPages(addr, size, [&](uint64_t at, uint64_t part) {
    const Page* page = Find(at);
    for (uint64_t i = 0; ok && i < part; ++i)
      ok = page != nullptr && page->mapped.test(at % kPageBytes + i);
  });
  return ok;
}

bool Memory::Read(uint64_t addr, uint8_t* bytes, std::size_t size) const {
  const Page* page = Find(addr);
  const std::size_t at = addr % kPageBytes;
  std::memcpy(bytes, page->bytes + at, size);
  for (std::size_t i = 0; i < size; ++i)
    if (!page->defined.test(at + i)) return false;
  return true;
}

void Memory::Write(uint64_t addr, const uint8_t* bytes, std::size_t size,
                   uint64_t strobe) {
  Page* page = pages_.at(addr / kPageBytes).get();
  const std::size_t at = addr % kPageBytes;
  for (std::size_t i = 0; i < size; ++i) {
    if (((strobe >> i) & 1) == 0) continue;
    page->bytes[at + i] = bytes[i];
    page->defined.set(at + i);
  }
}

void Memory::Store(uint64_t addr, const uint8_t* bytes, std::size_t size) {
  ForPages(addr, size, [&](uint64_t at, uint64_t part) {
    Page* page = pages_.at(at / kPageBytes).get();
    std::memcpy(page->bytes + at % kPageBytes, bytes, part);
    for (uint64_t i = 0; i < part; ++i) page->defined.set(at % kPageBytes + i);
    bytes += part;
  });
}

void Memory::Load(uint64_t addr, uint8_t* bytes, std::size_t size) const {
  ForPages(addr, size, [&](uint64_t at, uint64_t part) {
    std::memcpy(bytes, pages_.at(at / kPageBytes)->bytes + at % kPageBytes,
                part);
    bytes += part;
  });
}
