#include "pipeline/exchange_line.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/hex.h"
#include "base/json.h"
#include "pipeline/store_model.h"

namespace vecdb {

namespace {

constexpr std::array k_fits = {WindowFit::k_whole, WindowFit::k_truncated, WindowFit::k_split,
                               WindowFit::k_averaged};
constexpr std::uint64_t k_max_number = std::numeric_limits<std::int64_t>::max();  // the store's
constexpr std::string_view k_spaces = " \t\r\n";
constexpr std::string_view k_vector = "\"vector\"";

void append_number(std::string& out, std::string_view key, std::int64_t value) {
  out.append(",\"").append(key).append("\":").append(std::to_string(value));
}

void append_object(std::string& out, std::string_view key, std::string_view json) {
  out.append(",\"").append(key).append("\":").append(json.empty() ? "{}" : json);
}

std::string to_json(const DocumentSummary& document) {
  const DocumentRecord& record = document.record;
  std::string json = "{\"sha256\":";
  append_json_string(json, record.sha256);
  append_number(json, "size", static_cast<std::int64_t>(record.size));
  append_number(json, "mtime_ns", record.mtime_ns);
  append_number(json, "ctime_ns", record.ctime_ns);
  json += ",\"type\":";
  append_json_string(json, record.type);
  append_number(json, "chunks", static_cast<std::int64_t>(document.chunks));
  append_object(json, "recipe", record.recipe);
  append_object(json, "meta", record.meta);
  return json + "}";
}

std::string to_json(const EncoderIdentity& encoder) {
  return dump_json({{"model", encoder.model},
                    {"fingerprint", encoder.fingerprint},
                    {"precision", encoder.precision}});
}

// The members of one JSON object that a line has.
class Members {
 public:
  Members(const std::string& json, std::string where)
      : m_where(std::move(where)), m_object(parse_json(json, m_where, ErrorKind::k_io)) {
    if (!m_object.is_object()) throw wrong("is not an object");
  }

  std::string text(const char* key) const {
    if (!m_object.contains(key) || !m_object[key].is_string()) {
      throw wrong(std::string("has no \"") + key + "\" that is a string");
    }
    return m_object[key].get<std::string>();
  }

  std::int64_t number(const char* key, std::int64_t otherwise, std::int64_t least) const {
    if (!m_object.contains(key)) return otherwise;
    const Json& value = m_object[key];
    const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= k_max_number
                                                 : value.is_number_integer();
    if (!fits || value.get<std::int64_t>() < least) {
      throw wrong(std::string(key) + " is not a whole number from " + std::to_string(least));
    }
    return value.get<std::int64_t>();
  }

  std::string object(const char* key) const {
    if (!m_object.contains(key)) return "{}";
    if (!m_object[key].is_object()) throw wrong(std::string(key) + " is not an object");
    return dump_json(m_object[key]);
  }

  Error wrong(const std::string& why) const { return {ErrorKind::k_io, m_where + " " + why}; }

 private:
  std::string m_where;
  Json m_object;
};

ExchangeDocument parse_document(const std::string& json, const std::string& where) {
  constexpr std::int64_t k_least_time = std::numeric_limits<std::int64_t>::min();
  const Members members(json, where + ": document");
  ExchangeDocument document;
  DocumentRecord& record = document.record;
  record.sha256 = members.text("sha256");
  if (!is_hex(record.sha256, 64)) {
    throw members.wrong("has a sha256 that is not 64 hexadecimal digits");
  }
  record.size = static_cast<std::uint64_t>(members.number("size", 0, 0));
  record.mtime_ns = members.number("mtime_ns", 0, k_least_time);
  record.ctime_ns = members.number("ctime_ns", 0, k_least_time);
  record.type = members.text("type");
  record.recipe = members.object("recipe");
  record.meta = members.object("meta");
  document.chunks = static_cast<std::uint64_t>(members.number("chunks", 0, 0));
  return document;
}

EncoderIdentity parse_encoder(const std::string& json, const std::string& where) {
  const Members members(json, where + ": encoder");
  EncoderIdentity encoder{.model = members.text("model"),
                          .fingerprint = members.text("fingerprint"),
                          .precision = members.text("precision")};
  if (!is_hex(encoder.fingerprint, 64)) {
    throw members.wrong("has a fingerprint that is not 64 hexadecimal digits");
  }
  if (!precision_named(encoder.precision)) {
    throw members.wrong("has a precision that is not f32, bf16 or int8");
  }
  return encoder;
}

// A place in a line of JSON that moves on.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : m_text(text) {}

  std::size_t at() const noexcept { return m_at; }
  bool ended() const noexcept { return m_at >= m_text.size(); }
  char here() const noexcept { return ended() ? '\0' : m_text[m_at]; }
  void step() noexcept { ++m_at; }

  void skip_spaces() {
    const auto next = m_text.find_first_not_of(k_spaces, m_at);
    m_at = next == std::string_view::npos ? m_text.size() : next;
  }

  // From a quote to behind the one that ends the string.
  std::string_view string() {
    const std::size_t begin = m_at;
    for (++m_at; !ended() && here() != '"'; ++m_at) {
      m_at = m_text.find_first_of("\"\\", m_at);
      if (m_at == std::string_view::npos) break;
      if (here() == '"') break;
      ++m_at;  // what is escaped
    }
    m_at = m_at == std::string_view::npos ? m_text.size() : std::min(m_at + 1, m_text.size());
    return m_text.substr(begin, m_at - begin);
  }

 private:
  std::string_view m_text;
  std::size_t m_at = 0;
};

// Where the value of the outermost object's first "vector" stands, when that is an array of what
// are not strings, objects or arrays. The line need not be JSON: what is found is only taken when
// the rest of it is.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};
std::optional<Span> find_vector(std::string_view line) {
  int depth = 0;
  for (Scanner scanner(line); !scanner.ended();) {
    const char here = scanner.here();
    if (here != '"') {
      depth += here == '{' || here == '[' ? 1 : here == '}' || here == ']' ? -1 : 0;
      scanner.step();
      continue;
    }
    if (scanner.string() != k_vector || depth != 1) continue;
    scanner.skip_spaces();
    if (scanner.here() != ':') continue;  // it is a value
    scanner.step();
    scanner.skip_spaces();
    if (scanner.here() != '[') return std::nullopt;
    const std::size_t begin = scanner.at();
    const auto end = line.find_first_of("]\"[{", begin + 1);
    if (end == std::string_view::npos || line[end] != ']') return std::nullopt;
    return Span{begin, end + 1};
  }
  return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether JSON writes a number so.
bool is_number(std::string_view text) {
  const auto digits = [&text] {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    text.remove_prefix(count);
    return count;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool has_zero = text.starts_with('0');
  const std::size_t whole = digits();
  if (whole == 0 || (has_zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

// The nearest float; an infinite one where there is none near.
float to_float(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  static_cast<void>(end);
  // Out of range is also what is too near to zero: strtof() tells the two apart.
  return error == std::errc() ? value : std::strtof(std::string(text).c_str(), nullptr);
}

// Numbers are read as floats at once: by way of a double, one in billions would be another float.
std::vector<float> parse_vector(std::string_view array, const std::string& where) {
  std::vector<float> vector;
  const auto refuse = [&where] {
    throw Error(ErrorKind::k_io, where + ": vector is not an array of numbers");
  };
  std::string_view rest = array.substr(1, array.size() - 2);
  if (rest.find_first_not_of(k_spaces) == std::string_view::npos) return vector;
  for (;;) {
    const auto comma = rest.find(',');
    std::string_view number = rest.substr(0, comma);
    const auto begin = number.find_first_not_of(k_spaces);
    if (begin == std::string_view::npos) refuse();
    number = number.substr(begin, number.find_last_not_of(k_spaces) - begin + 1);
    if (!is_number(number)) refuse();
    vector.push_back(to_float(number));
    if (comma == std::string_view::npos) return vector;
    rest.remove_prefix(comma + 1);
  }
}

constexpr std::array<std::string_view, 7> k_others = {"document", "encoder", "fit",   "id",
                                                      "tokens",   "truncated", "vector"};

WindowFit parse_fit(const std::string& json, const std::string& where) {
  for (const WindowFit fit : k_fits) {
    if (json == '"' + std::string(name_of(fit)) + '"') return fit;
  }
  throw Error(ErrorKind::k_io, where + ": fit is not whole, truncated, split or averaged");
}

std::int64_t parse_count(const std::string& json, const char* key, std::int64_t most,
                         const std::string& where) {
  std::int64_t value = 0;
  const char* const end = json.data() + json.size();
  const auto [stop, error] = std::from_chars(json.data(), end, value);
  if (error != std::errc() || stop != end || value < 0 || value > most) {
    throw Error(ErrorKind::k_io, where + ": " + key + " is not a whole number from 0");
  }
  return value;
}

}  // namespace

const char* name_of(WindowFit fit) {
  switch (fit) {
    case WindowFit::k_whole:
      return "whole";
    case WindowFit::k_truncated:
      return "truncated";
    case WindowFit::k_split:
      return "split";
    case WindowFit::k_averaged:
      return "averaged";
  }
  return "unknown";
}

EncoderIdentity encoder_of(const StoreSettings& settings) {
  return {.model = settings.model,
          .fingerprint = settings.fingerprint,
          .precision = settings.precision};
}

ExchangeLines::ExchangeLines(const std::optional<EncoderIdentity>& encoder) {
  if (encoder) m_encoder = ",\"encoder\":" + to_json(*encoder);
}

void ExchangeLines::begin(const DocumentSummary& document) {
  m_uri.clear();
  append_json_string(m_uri, document.record.uri);
  m_document = ",\"document\":" + to_json(document);
}

std::string_view ExchangeLines::line(ChunkId id, std::uint64_t number, const ChunkRecord& record,
                                     std::span<const float> vector) {
  const Chunk& chunk = record.chunk;
  m_line.assign("{\"uri\":").append(m_uri);
  append_number(m_line, "chunk", static_cast<std::int64_t>(number));
  append_number(m_line, "start", static_cast<std::int64_t>(chunk.start));
  append_number(m_line, "end", static_cast<std::int64_t>(chunk.end));
  append_number(m_line, "line", static_cast<std::int64_t>(chunk.line));
  m_line += ",\"text\":";
  append_json_string(m_line, chunk.text);
  append_object(m_line, "meta", chunk.meta);
  append_number(m_line, "tokens", record.tokens);
  m_line += record.fit == WindowFit::k_truncated ? ",\"truncated\":true" : ",\"truncated\":false";
  m_line.append(",\"fit\":\"").append(name_of(record.fit)).append("\"");
  append_number(m_line, "id", id);
  m_line.append(m_document).append(m_encoder);
  if (!vector.empty()) {
    m_line += ",\"vector\":[";
    for (const float value : vector) {
      append_json_float(m_line, value);
      m_line += ',';
    }
    m_line.back() = ']';
  }
  m_line += "}\n";
  return m_line;
}

ExchangeLine ExchangeLineReader::read(std::string_view line, const std::string& where) {
  ExchangeLine result;
  std::string without;  // the vector
  if (const auto span = find_vector(line)) {
    result.vector = parse_vector(line.substr(span->begin, span->end - span->begin), where);
    without.append(line.substr(0, span->begin)).append("[]").append(line.substr(span->end));
    line = without;
  }
  result.record = parse_record(line, where, k_others);
  result.number = result.record.number;
  const auto& others = result.record.others;
  if (const auto found = others.find("vector"); found != others.end() && found->second != "[]") {
    throw Error(ErrorKind::k_io, where + ": vector is not an array of numbers");
  }
  if (const auto found = others.find("truncated"); found != others.end()) {
    if (found->second == "true") result.fit = WindowFit::k_truncated;
  }
  if (const auto found = others.find("fit"); found != others.end()) {
    result.fit = parse_fit(found->second, where);
  }
  if (const auto found = others.find("tokens"); found != others.end()) {
    constexpr std::int64_t k_most = std::numeric_limits<std::uint32_t>::max();
    result.tokens =
        static_cast<std::uint32_t>(parse_count(found->second, "tokens", k_most, where));
  }
  if (const auto found = others.find("document"); found != others.end()) {
    if (found->second != m_document_text || !m_document) {
      m_document = parse_document(found->second, where);
      m_document_text = found->second;
    }
    result.document = m_document;
    if (!result.record.ready_chunk) {
      throw Error(ErrorKind::k_io, where + ": has a document and lacks chunk, start or uri");
    }
    result.document->record.uri = result.record.uri;
    // An id is only known to be that of a chunk in a line that export wrote.
    if (const auto id = others.find("id"); id != others.end()) {
      result.id = parse_count(id->second, "id", std::numeric_limits<std::int64_t>::max(), where);
    }
  }
  if (const auto found = others.find("encoder"); found != others.end()) {
    if (found->second != m_encoder_text || !m_encoder) {
      m_encoder = parse_encoder(found->second, where);
      m_encoder_text = found->second;
    }
    result.encoder = m_encoder;
  }
  return result;
}

}  // namespace vecdb
