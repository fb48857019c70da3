// A small writer of indented JSON.

#ifndef EPGEN_JSON_H_
#define EPGEN_JSON_H_

#include <cstdint>
#include <string>

// Values are written in the order of the calls. Inside an object every value
// follows its Key.
class Json {
 public:
  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginArray() { Open('['); }
  void EndArray() { Close(']'); }
  void Key(const std::string& name);

  void String(const std::string& value);
  void Int(int64_t value);
  void Uint(uint64_t value);
  void Double(double value);  // six significant digits
  void Bool(bool value);
  void Null();
  void Raw(const std::string& json);  // text that is JSON already

  const std::string& text() const { return text_; }

 private:
  void Open(char c);
  void Close(char c);
  void Separate();

  std::string text_;
  int depth_ = 0;
  bool first_ = true;
  bool after_key_ = false;
};

#endif  // EPGEN_JSON_H_
