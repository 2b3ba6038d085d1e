#include "text/load/record.h"

#include <limits>
#include <utility>

#include "base/json.h"

namespace vecdb {

namespace {

constexpr std::uint64_t k_max_number = std::numeric_limits<std::int64_t>::max();  // the store's

class Fields {
 public:
  Fields(std::string_view line, const std::string& where)
      : m_where(where), m_object(parse_json(line, where, ErrorKind::k_io)) {
    if (!m_object.is_object()) throw wrong("is not a JSON object");
  }

  bool has(const char* key) const { return m_object.contains(key); }

  std::string text(const char* key) const {
    if (!has(key)) throw wrong(std::string("has no \"") + key + "\"");
    if (!m_object[key].is_string()) throw wrong(std::string(key) + " is not a string");
    return m_object[key].get<std::string>();
  }

  std::uint64_t number(const char* key, std::uint64_t otherwise) const {
    if (!has(key)) return otherwise;
    const Json& value = m_object[key];
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > k_max_number) {
      throw wrong(std::string(key) + " is not a whole number from 0");
    }
    return value.get<std::uint64_t>();
  }

  std::optional<std::string> object(const char* key) const {
    if (!has(key)) return std::nullopt;
    if (!m_object[key].is_object()) throw wrong(std::string(key) + " is not an object");
    return dump_json(m_object[key]);
  }

  std::optional<std::string> any(const std::string& key) const {
    if (!m_object.contains(key)) return std::nullopt;
    return dump_json(m_object[key]);
  }

  Error wrong(const std::string& why) const { return {ErrorKind::k_io, m_where + ": " + why}; }

 private:
  std::string m_where;
  Json m_object;
};

Chunk ready_chunk(const Fields& fields, std::string text) {
  if (text.empty()) throw fields.wrong("a chunk without text");
  Chunk chunk;
  chunk.start = fields.number("start", 0);
  chunk.end = fields.number("end", chunk.start + text.size());
  chunk.line = fields.number("line", 1);
  if (chunk.end < chunk.start || chunk.end > k_max_number || chunk.line == 0) {
    throw fields.wrong("the chunk's place is none");
  }
  chunk.text = std::move(text);
  return chunk;
}

}  // namespace

Record parse_record(std::string_view line, const std::string& where,
                    std::span<const std::string_view> others) {
  const Fields fields(line, where);
  Record record;
  record.text = fields.text("text");
  if (fields.has("uri")) record.uri = fields.text("uri");
  record.meta = fields.object("meta");
  if (fields.has("chunk") && fields.has("start")) {
    record.number = fields.number("chunk", 0);
    if (record.uri.empty()) throw fields.wrong("a chunk without uri");
    record.ready_chunk = ready_chunk(fields, std::move(record.text));
    if (record.meta && *record.meta != "{}") record.ready_chunk->meta = *record.meta;
  }
  for (const std::string_view key : others) {
    if (auto value = fields.any(std::string(key))) record.others.emplace(key, std::move(*value));
  }
  return record;
}

}  // namespace vecdb
