#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include "base/utf8.h"

namespace vecdb {

namespace {

constexpr std::size_t k_max_depth = 64;

constexpr std::string_view k_hex_digits = "0123456789abcdef";

bool needs_escape(char character) {
  return static_cast<unsigned char>(character) < 0x20 || character == '"' || character == '\\';
}

void append_escaped(std::string& out, char character) {
  constexpr std::string_view k_named = "\"\\\b\f\n\r\t";
  constexpr std::string_view k_names = "\"\\bfnrt";
  const auto named = k_named.find(character);
  if (named != std::string_view::npos) {
    out += {'\\', k_names[named]};
  } else {
    const auto byte = static_cast<unsigned char>(character);
    out += {'\\', 'u', '0', '0', k_hex_digits[byte >> 4U], k_hex_digits[byte & 0x0FU]};
  }
}

// Reads a text without building a value: copying or destroying a deep one recurses. (The library's
// own callback for parsing would do too, but looks at all elements of an array for each object in
// it.)
class Inspector final : public nlohmann::json_sax<Json> {
 public:
  const std::string& problem() const noexcept { return m_problem; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    return m_keys.back().insert(name).second || refuse("the key \"" + name + "\" stands twice");
  }

  bool parse_error(std::size_t byte, const std::string&, const Json::exception& error) override {
    return refuse(dynamic_cast<const nlohmann::json::out_of_range*>(&error) != nullptr
                      ? "a number is out of range"
                      : "error at byte " + std::to_string(byte));
  }

 private:
  bool open() {
    if (m_keys.size() == k_max_depth) return refuse("nested deeper than 64 levels");
    m_keys.emplace_back();
    return true;
  }

  bool close() {
    m_keys.pop_back();
    return true;
  }

  bool refuse(std::string why) {
    m_problem = std::move(why);
    return false;
  }

  std::vector<std::set<std::string>> m_keys;  // of the objects and arrays around
  std::string m_problem;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& what, ErrorKind kind) {
  const auto refuse = [&](const std::string& why) -> Error {
    return {kind, what + ": not valid JSON: " + why};
  };
  if (const auto offset = find_invalid_utf8(text)) {
    throw refuse("byte " + std::to_string(*offset) + " is not UTF-8");
  }
  Inspector inspector;
  if (!Json::sax_parse(text, &inspector)) throw refuse(inspector.problem());
  return Json::parse(text);
}

std::string merge_json(std::string_view under, std::string_view over, const std::string& what,
                       ErrorKind kind) {
  const auto is_empty = [](std::string_view object) { return object.empty() || object == "{}"; };
  if (is_empty(over)) return is_empty(under) ? "{}" : std::string(under);
  if (is_empty(under)) return std::string(over);
  Json merged = parse_json(under, what, kind);
  merged.update(parse_json(over, what, kind));
  return dump_json(merged);
}

std::string dump_json(const Json& value) { return value.dump(); }

std::string dump_json_of_any_bytes(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (auto rest = text.begin(); rest != text.end();) {
    const auto special = std::find_if(rest, text.end(), needs_escape);
    out.append(rest, special);
    rest = special;
    if (rest != text.end()) append_escaped(out, *rest++);
  }
  out.push_back('"');
}

void append_json_float(std::string& out, float value) {
  char digits[32];
  const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), value);
  static_cast<void>(error);  // 32 characters hold any float
  out.append(digits, end);
  if (out.ends_with("-0") && end - digits == 2) out += ".0";  // "-0" is an integer to many readers
}

}  // namespace vecdb
