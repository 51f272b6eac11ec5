// A small strict JSON reader (RFC 8259) for model cards: bounded in depth and size, duplicate keys refused.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace pybridge {

class Json {
 public:
  enum class Type { null, boolean, number, text, list, object };

  // The whole of `text` as one value. Throws Error with the byte at fault.
  static Json parse(const char* text, std::size_t size);

  Type type() const { return type_; }
  bool is(Type type) const { return type_ == type; }
  double number() const { return number_; }
  const std::string& text() const { return text_; }
  const std::vector<Json>& list() const { return list_; }

  // The member of that name; a shared null where this is no object or has none.
  const Json& operator[](const std::string& key) const;

 private:
  friend class JsonParser;
  Type type_ = Type::null;
  double number_ = 0;  // 0 or 1 for a boolean
  std::string text_;
  std::vector<Json> list_;
  std::vector<std::pair<std::string, Json>> members_;
};

}  // namespace pybridge
