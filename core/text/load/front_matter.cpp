#include "text/load/front_matter.h"

#include <yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <memory>

#include "base/json.h"

namespace vecdb {

namespace {

constexpr std::size_t k_max_bytes = 64U << 10U;
constexpr int k_max_depth = 8;

struct NotUnderstood {};

// Events of libyaml, which resolves nothing by itself: an alias is only named.
class YamlReader {
 public:
  explicit YamlReader(std::string_view text) {
    if (yaml_parser_initialize(&m_parser) == 0) throw NotUnderstood();
    yaml_parser_set_encoding(&m_parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&m_parser, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~YamlReader() { yaml_parser_delete(&m_parser); }
  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;

  // The whole of the text: one document that is a mapping.
  Json read() {
    expect(YAML_STREAM_START_EVENT);
    expect(YAML_DOCUMENT_START_EVENT);
    const Event event = next();
    if (event->type != YAML_MAPPING_START_EVENT) throw NotUnderstood();
    Json object = value_of(*event, 0);
    expect(YAML_DOCUMENT_END_EVENT);
    expect(YAML_STREAM_END_EVENT);
    return object;
  }

 private:
  struct DeleteEvent {
    void operator()(yaml_event_t* event) const {
      yaml_event_delete(event);
      delete event;
    }
  };
  using Event = std::unique_ptr<yaml_event_t, DeleteEvent>;

  Event next() {
    auto event = std::make_unique<yaml_event_t>();
    if (yaml_parser_parse(&m_parser, event.get()) == 0) throw NotUnderstood();
    return Event(event.release());
  }

  void expect(yaml_event_type_t type) {
    if (next()->type != type) throw NotUnderstood();
  }

  Json value_of(const yaml_event_t& event, int depth) {
    if (depth == k_max_depth) throw NotUnderstood();
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        return scalar_of(event);
      case YAML_SEQUENCE_START_EVENT:
        if (event.data.sequence_start.anchor != nullptr ||
            event.data.sequence_start.tag != nullptr) {
          throw NotUnderstood();
        }
        return list(depth + 1);
      case YAML_MAPPING_START_EVENT:
        if (event.data.mapping_start.anchor != nullptr || event.data.mapping_start.tag != nullptr) {
          throw NotUnderstood();
        }
        return mapping(depth + 1);
      default:
        throw NotUnderstood();
    }
  }

  Json list(int depth) {
    Json values = Json::array();
    for (Event event = next(); event->type != YAML_SEQUENCE_END_EVENT; event = next()) {
      values.push_back(value_of(*event, depth));
    }
    return values;
  }

  Json mapping(int depth) {
    Json object = Json::object();
    for (Event key = next(); key->type != YAML_MAPPING_END_EVENT; key = next()) {
      if (key->type != YAML_SCALAR_EVENT) throw NotUnderstood();
      const std::string name = text_of(*key);
      if (object.contains(name) || name == "<<") throw NotUnderstood();
      const Event value = next();
      object[name] = value_of(*value, depth);
    }
    return object;
  }

  static std::string text_of(const yaml_event_t& event) {
    const auto& scalar = event.data.scalar;
    if (scalar.anchor != nullptr || scalar.tag != nullptr) throw NotUnderstood();
    return {reinterpret_cast<const char*>(scalar.value), scalar.length};
  }

  // A plain scalar by the core schema of YAML 1.2: "no" and "on" are words, "010" is a number.
  static Json scalar_of(const yaml_event_t& event) {
    std::string text = text_of(event);
    if (event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return text;
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
      return nullptr;
    }
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    const char* begin = text.data() + (text.front() == '+' ? 1 : 0);
    const char* end = text.data() + text.size();
    // from_chars also takes "inf" and "nan", which YAML writes with a dot in front.
    if (text.find_first_not_of("+-.0123456789eE") != std::string::npos) return text;
    std::int64_t whole = 0;
    if (const auto [stop, error] = std::from_chars(begin, end, whole);
        error == std::errc() && stop == end) {
      return whole;
    }
    double real = 0;
    if (const auto [stop, error] = std::from_chars(begin, end, real);
        error == std::errc() && stop == end && std::isfinite(real)) {
      return real;
    }
    return text;
  }

  yaml_parser_t m_parser{};
};

// The line at `begin`, without its end; `next` is where the one after it begins.
std::string_view line_at(std::string_view text, std::size_t begin, std::size_t& next) {
  const auto end = std::min(text.find('\n', begin), text.size());
  next = std::min(end + 1, text.size());
  std::string_view line = text.substr(begin, end - begin);
  const auto last = line.find_last_not_of(" \t\r");
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

std::optional<FrontMatter> read_front_matter(std::string_view text) {
  std::size_t begin = 0;
  if (line_at(text, 0, begin) != "---") return std::nullopt;
  FrontMatter matter;
  matter.lines = 1;
  for (std::size_t line_begin = begin; line_begin < text.size() && line_begin < k_max_bytes;) {
    const std::string_view line = line_at(text, line_begin, matter.end);
    ++matter.lines;
    if (line == "---" || line == "...") {
      try {
        matter.meta = dump_json(YamlReader(text.substr(begin, line_begin - begin)).read());
        return matter;
      } catch (const NotUnderstood&) {
        return std::nullopt;
      }
    }
    line_begin = matter.end;
  }
  return std::nullopt;
}

}  // namespace vecdb
