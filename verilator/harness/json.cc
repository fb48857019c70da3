#include "json.h"

#include <cmath>
#include <cstdio>

void Json::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (!first_) text_ += ',';
  if (depth_ > 0) text_ += '\n' + std::string(2 * static_cast<size_t>(depth_), ' ');
  first_ = false;
}

void Json::Open(char c) {
  Separate();
  text_ += c;
  ++depth_;
  first_ = true;
}

void Json::Close(char c) {
  --depth_;
  if (!first_) text_ += '\n' + std::string(2 * static_cast<size_t>(depth_), ' ');
  text_ += c;
  first_ = false;
  if (depth_ == 0) text_ += '\n';
}

void Json::Key(const std::string& name) {
  String(name);
  text_ += ": ";
  after_key_ = true;
}

void Json::String(const std::string& value) {
  Separate();
  text_ += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') text_ += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      text_ += escape;
    } else {
      text_ += c;
    }
  }
  text_ += '"';
}

void Json::Int(int64_t value) {
  Separate();
  text_ += std::to_string(value);
}

void Json::Uint(uint64_t value) {
  Separate();
  text_ += std::to_string(value);
}

void Json::Double(double value) {
  Separate();
  char number[32];
  std::snprintf(number, sizeof number, "%.6g", value);
  text_ += std::isfinite(value) ? number : "null";
}

void Json::Bool(bool value) { Raw(value ? "true" : "false"); }

void Json::Null() { Raw("null"); }

void Json::Raw(const std::string& json) {
  Separate();
  text_ += json;
}
