#include "model_file/json.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/status.h"

namespace pybridge {

namespace {

constexpr std::size_t size_limit = std::size_t(4) << 20;  // bytes of a card
constexpr int depth_limit = 32;                           // nested lists and objects
constexpr std::size_t member_limit = 4096;                // of one object

}  // namespace

const Json& Json::operator[](const std::string& key) const {
  static const Json none;
  for (const auto& member : members_)
    if (member.first == key) return member.second;
  return none;
}

class JsonParser {
 public:
  JsonParser(const char* text, std::size_t size) : begin_(text), at_(text), end_(text + size) {}

  Json whole() {
    Json value = read(0);
    skip_space();
    if (at_ != end_) fail("unexpected text after the value");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error("not valid JSON at byte " + std::to_string(at_ - begin_) + ": " + what);
  }

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }

  char peek() const {
    if (at_ == end_) fail("the text ends early");
    return *at_;
  }

  bool accept(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(std::string("expected ") + c);
  }

  void expect_word(const char* word) {
    const std::size_t length = std::strlen(word);
    if (static_cast<std::size_t>(end_ - at_) < length || std::memcmp(at_, word, length) != 0)
      fail(std::string("expected ") + word);
    at_ += length;
  }

  Json read(int depth) {
    if (depth > depth_limit) fail("nested too deeply");
    skip_space();
    Json value;
    switch (peek()) {
      case '{':
        value.type_ = Json::Type::object;
        read_members(value, depth);
        break;
      case '[':
        value.type_ = Json::Type::list;
        read_items(value, depth);
        break;
      case '"':
        value.type_ = Json::Type::text;
        value.text_ = read_text();
        break;
      case 't':
        expect_word("true");
        value.type_ = Json::Type::boolean;
        value.number_ = 1;
        break;
      case 'f':
        expect_word("false");
        value.type_ = Json::Type::boolean;
        break;
      case 'n':
        expect_word("null");
        break;
      default:
        value.type_ = Json::Type::number;
        value.number_ = read_number();
    }
    return value;
  }

  void read_members(Json& value, int depth) {
    expect('{');
    skip_space();
    if (accept('}')) return;
    do {
      skip_space();
      std::string key = read_text();
      for (const auto& member : value.members_)
        if (member.first == key) fail("\"" + key + "\" stands twice");
      if (value.members_.size() == member_limit) fail("too many members in one object");
      skip_space();
      expect(':');
      value.members_.emplace_back(std::move(key), read(depth + 1));
      skip_space();
    } while (accept(','));
    expect('}');
  }

  void read_items(Json& value, int depth) {
    expect('[');
    skip_space();
    if (accept(']')) return;
    do {
      value.list_.push_back(read(depth + 1));
      skip_space();
    } while (accept(','));
    expect(']');
  }

  std::string read_text() {
    expect('"');
    std::string text;
    while (!accept('"')) {
      const char c = peek();
      if (static_cast<unsigned char>(c) < 0x20) fail("control character in a text");
      ++at_;
      if (c == '\\')
        read_escape(text);
      else
        text += c;
    }
    if (!is_utf8(text)) fail("a text that is not UTF-8");
    return text;
  }

  // Lead byte, then as many continuation bytes as it announces; no overlong forms or surrogates.
  static bool is_utf8(const std::string& text) {
    for (std::size_t i = 0; i < text.size();) {
      // A text ends with a zero, which no continuation is: nothing beyond it is looked at.
      const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
      const unsigned char lead = byte(i), second = byte(i + 1);
      const std::size_t length = lead < 0x80   ? 1
                                 : lead < 0xC2 ? 0
                                 : lead < 0xE0 ? 2
                                 : lead < 0xF0 ? 3
                                 : lead < 0xF5 ? 4
                                               : 0;
      if (length == 0) return false;
      for (std::size_t k = 1; k < length; ++k)
        if ((byte(i + k) & 0xC0) != 0x80) return false;
      if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
          (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F))
        return false;
      i += length;
    }
    return true;
  }

  void read_escape(std::string& text) {
    const char c = peek();
    ++at_;
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (const char* found = c == '\0' ? nullptr : std::strchr(from, c)) {
      text += to[found - from];
    } else if (c == 'u') {
      append_utf8(text, read_code_point());
    } else {
      fail("unknown escape");
    }
  }

  std::uint32_t read_hex() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      const std::uint32_t digit = c >= '0' && c <= '9'   ? static_cast<std::uint32_t>(c - '0')
                                  : c >= 'a' && c <= 'f' ? static_cast<std::uint32_t>(c - 'a' + 10)
                                  : c >= 'A' && c <= 'F' ? static_cast<std::uint32_t>(c - 'A' + 10)
                                                         : 16;
      if (digit == 16) fail("expected four hexadecimal digits");
      value = value * 16 + digit;
    }
    return value;
  }

  std::uint32_t read_code_point() {
    const std::uint32_t high = read_hex();
    if (high < 0xD800 || high > 0xDFFF) return high;
    if (high > 0xDBFF || !accept('\\') || !accept('u')) fail("half of a surrogate pair");
    const std::uint32_t low = read_hex();
    if (low < 0xDC00 || low > 0xDFFF) fail("half of a surrogate pair");
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  }

  static void append_utf8(std::string& text, std::uint32_t code) {
    const auto tail = [&](int shift) { text += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else if (code < 0x800) {
      text += static_cast<char>(0xC0 | code >> 6);
      tail(0);
    } else if (code < 0x10000) {
      text += static_cast<char>(0xE0 | code >> 12);
      tail(6);
      tail(0);
    } else {
      text += static_cast<char>(0xF0 | code >> 18);
      tail(12);
      tail(6);
      tail(0);
    }
  }

  bool digits() {
    const char* first = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ != first;
  }

  double read_number() {
    const char* first = at_;
    accept('-');
    if (!accept('0') && !digits()) fail("expected a value");
    if (accept('.') && !digits()) fail("expected digits after the point");
    if (accept('e') || accept('E')) {
      if (!accept('+')) accept('-');
      if (!digits()) fail("expected digits in the exponent");
    }
    // Not strtod, which follows the host's locale, where a comma may be the decimal point.
    double value = 0;
    const std::from_chars_result result = std::from_chars(first, at_, value);
    if (result.ec != std::errc() || !std::isfinite(value)) fail("number out of range");
    return value;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
};

Json Json::parse(const char* text, std::size_t size) {
  if (size > size_limit) throw Error("JSON text larger than 4 MiB");
  return JsonParser(text, size).whole();
}

}  // namespace pybridge
