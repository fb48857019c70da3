// Reproducible randomness for the memory model.

#ifndef EPGEN_RNG_H_
#define EPGEN_RNG_H_

#include <cstdint>

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators", OOPSLA 2014): the same sequence on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // A number in [0, n); n >= 1. The bias, below n/2^32, does not matter here.
  uint32_t Below(uint32_t n) {
    return static_cast<uint32_t>(((Next() >> 32) * n) >> 32);
  }

 private:
  uint64_t state_;
};

// Gaps of one side of one channel: Hold() is asked once per cycle and says
// whether VALID or READY is held back. The channel wanders between regimes
// (no gaps; rare short ones; every other cycle; rare long ones), so that both
// full throughput and starvation occur in every run.
class Gaps {
 public:
  Gaps(bool enabled, uint64_t seed) : enabled_(enabled), random_(seed) {}

  bool Hold() {
    if (!enabled_) return false;
    if (gap_ > 0) {
      --gap_;
      return true;
    }
    if (left_-- == 0) NewRegime();
    if (period_ == 0 || random_.Below(period_) != 0) return false;
    gap_ = random_.Below(longest_);
    return true;
  }

 private:
  void NewRegime() {
    left_ = 100 + random_.Below(1500);
    switch (random_.Below(4)) {
      case 0:
        period_ = 0;
        break;
      case 1:
        period_ = 16;
        longest_ = 3;
        break;
      case 2:
        period_ = 2;
        longest_ = 2;
        break;
      default:
        period_ = 256;
        longest_ = 200;
        break;
    }
  }

  bool enabled_;
  Random random_;
  uint32_t left_ = 0, gap_ = 0, period_ = 0, longest_ = 1;
};

#endif  // EPGEN_RNG_H_
