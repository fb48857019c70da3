#include "verdict.h"

#include <cinttypes>
#include <cmath>
#include <cstdio>

#include "design.h"

std::string HeadName(int layer) {
  return layer > design::kStateLayers ? design::kLayers[layer - 1].name : "";
}

std::string Place(const Mismatch& m) {
  std::string s;
  const auto add = [&s](const char* name, int v) {
    if (v < 0) return;
    if (!s.empty()) s += ' ';
    s += name;
    s += ' ';
    s += std::to_string(v);
  };
  if (!m.phase.empty()) s = "phase " + m.phase;
  add("step", m.step);
  const std::string head = HeadName(m.layer);
  if (head.empty())
    add("layer", m.layer);
  else
    s += (s.empty() ? "" : " ") + head;
  add("sample", m.sample);
  add("channel", m.channel);
  add("input channel", m.input_channel);
  add("y", m.y);
  add("x", m.x);
  return s;
}

std::string Hex(int64_t value, int bits) {
  const uint64_t mask =
      bits <= 0 || bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  char text[32];
  std::snprintf(text, sizeof text, "0x%0*" PRIx64,
                bits > 0 ? (bits + 3) / 4 : 1,
                static_cast<uint64_t>(value) & mask);
  return text;
}

std::string Real(int64_t value, int frac) {
  char text[48];
  std::snprintf(text, sizeof text, "%.9g",
                std::ldexp(static_cast<double>(value), -frac));
  return text;
}

std::string Describe(const Mismatch& m) {
  std::string s = "cycle " + std::to_string(m.cycle);
  const std::string place = Place(m);
  if (!place.empty()) s += ", " + place;
  s += ": " + m.message;
  if (m.has_values) {
    s += "; expected " + Hex(m.expected, m.bits);
    if (m.frac >= 0) s += " = " + Real(m.expected, m.frac);
    s += ", got " + Hex(m.got, m.bits);
    if (m.frac >= 0) s += " = " + Real(m.got, m.frac);
  }
  if (!m.signal.empty()) s += " (" + m.signal + ")";
  return s;
}
