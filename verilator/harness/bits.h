// Access to the model's ports, whatever C++ type Verilator chose for a width.
//
// Ports of up to 64 bits are unsigned integers, wider ones VlWide arrays of
// 32-bit words, lowest first. On a little-endian host both are plain
// little-endian bytes in memory, which is what everything here relies on.

#ifndef EPGEN_BITS_H_
#define EPGEN_BITS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "verilated.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "ports are copied as little-endian bytes");

// The bytes of a port.
template <typename T>
inline uint8_t* PortBytes(T& port) {
  return reinterpret_cast<uint8_t*>(&port);
}
template <std::size_t N>
inline uint8_t* PortBytes(VlWide<N>& port) {
  return reinterpret_cast<uint8_t*>(port.data());
}

// Bits [lo, lo+width) of a little-endian byte string, as an unsigned number.
// width is 1..63; at most 9 bytes from lo/8 on are looked at, of which those
// beyond size count as zero.
inline uint64_t GetBits(const uint8_t* bytes, std::size_t size, int lo,
                        int width) {
  const std::size_t first = static_cast<std::size_t>(lo) / 8;
  uint64_t word = 0;
  const std::size_t left = size - first;
  std::memcpy(&word, bytes + first, left < 8 ? left : 8);
  word >>= lo % 8;
  if (lo % 8 + width > 64 && left > 8)
    word |= static_cast<uint64_t>(bytes[first + 8]) << (64 - lo % 8);
  return word & ((uint64_t{1} << width) - 1);
}

// The two's complement value of the low `width` bits, 1..63.
inline int64_t SignExtend(uint64_t bits, int width) {
  const uint64_t sign = uint64_t{1} << (width - 1);
  return static_cast<int64_t>((bits ^ sign) - sign);
}

// A signed little-endian element of 1, 2, 4 or 8 bytes.
inline int64_t LoadElement(const uint8_t* bytes, int size) {
  uint64_t bits = 0;
  std::memcpy(&bits, bytes, static_cast<std::size_t>(size));
  return size == 8 ? static_cast<int64_t>(bits) : SignExtend(bits, 8 * size);
}

#endif  // EPGEN_BITS_H_
