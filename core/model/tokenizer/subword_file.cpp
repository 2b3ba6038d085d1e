#include "model/tokenizer/subword_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>
#include <span>
#include <type_traits>

#include "base/error.h"
#include "base/utf8.h"
#include "model/json_fields.h"
#include "model/tokenizer/sentencepiece_charsmap.h"

namespace vecdb {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view k_magic = "vecdb tokenizer 1\n";
constexpr std::size_t k_max_tokens = 1U << 24U;
constexpr std::uint32_t k_last_code_point = 0x10FFFF;

// Names of enumerators in the file, in the order of their values.
constexpr std::array k_splits = {"none", "words", "white space"};
constexpr std::array k_forms = {"plain", "metaspace", "byte level"};
constexpr std::array k_alphabets = {"bytes", "characters"};

template <typename Enum, std::size_t Count>
const char* name_of(Enum value, const std::array<const char*, Count>& names) {
  return names.at(static_cast<std::size_t>(value));
}

template <typename Enum, std::size_t Count>
Enum read_enum(JsonFields& fields, const std::string& key,
               const std::array<const char*, Count>& names) {
  const std::string text = fields.text(key);
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) throw fields.wrong(key + " is \"" + text + "\", which is not known");
  return static_cast<Enum>(found - names.begin());
}

// ---- sections: a size in bytes as 64 bits, then that many bytes ----

template <typename Value>
void append_section(std::string& file, std::span<const Value> values) {
  static_assert(std::has_unique_object_representations_v<Value> || std::is_same_v<Value, double>);
  const std::uint64_t size = values.size_bytes();
  file.append(reinterpret_cast<const char*>(&size), sizeof(size));
  file.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

void append_section(std::string& file, const std::string& bytes) {
  append_section(file, std::span<const char>(bytes));
}

class Reader {
 public:
  Reader(std::string_view file, const std::string& name) : m_rest(file), m_name(name) {}

  Error wrong(const std::string& why) const {
    return {ErrorKind::k_model,
            m_name + ": not a tokenizer of vecdb: " + why + "; add the model again"};
  }

  std::string_view line() {
    const std::size_t end = m_rest.find('\n');
    if (end == std::string_view::npos) throw wrong("it ends inside a line");
    return take(end + 1).substr(0, end);
  }

  std::string_view section() {
    std::uint64_t size = 0;
    const std::string_view bytes = take(sizeof(size));
    std::memcpy(&size, bytes.data(), sizeof(size));
    return take(size);
  }

  template <typename Value>
  std::vector<Value> values() {
    const std::string_view bytes = section();
    if (bytes.size() % sizeof(Value) != 0) throw wrong("a section has a wrong size");
    std::vector<Value> found(bytes.size() / sizeof(Value));
    if (!found.empty()) std::memcpy(found.data(), bytes.data(), bytes.size());
    return found;
  }

  void finish() const {
    if (!m_rest.empty()) throw wrong("it goes on behind its last section");
  }

 private:
  std::string_view take(std::uint64_t count) {
    if (count > m_rest.size()) throw wrong("it ends inside a section");
    const std::string_view bytes = m_rest.substr(0, count);
    m_rest.remove_prefix(count);
    return bytes;
  }

  std::string_view m_rest;
  const std::string& m_name;
};

// ---- the settings ----

Json json_of(const AddedToken& token) {
  return {{"content", token.content},
          {"id", token.id},
          {"takes_space_before", token.takes_space_before},
          {"in_normalized", token.in_normalized}};
}

Json json_of(const NormalizerOptions& options) {
  Json json = {{"composes", options.composes},
               {"lower_case", options.letter_case == LetterCase::k_lower},
               {"strip_left", options.strip_left},
               {"strip_right", options.strip_right}};
  if (options.spaces) json["spaces"] = *options.spaces;
  return json;
}

Json json_of(const WordOptions& options) {
  return {{"split", name_of(options.split, k_splits)},
          {"form", name_of(options.form, k_forms)},
          {"space_before", options.space_before},
          {"by_pattern", options.by_pattern}};
}

Json json_of(const BpeParts& model) {
  Json json = {{"kind", "bpe"},
               {"alphabet", name_of(model.alphabet, k_alphabets)},
               {"fuse_unknown", model.fuse_unknown}};
  if (model.unknown) json["unknown"] = *model.unknown;
  return json;
}

Json json_of(const UnigramParts& model) {
  return {{"kind", "unigram"}, {"unknown", model.unknown}};
}

Json settings_of(const SubwordParts& parts) {
  Json added = Json::array();
  for (const AddedToken& token : parts.added) added.push_back(json_of(token));
  return {{"tokens", parts.tokens},
          {"opening", parts.opening},
          {"closing", parts.closing},
          {"added", std::move(added)},
          {"normalizer", json_of(parts.normalizer)},
          {"words", json_of(parts.words)},
          {"model", std::visit([](const auto& model) { return json_of(model); }, parts.model)}};
}

class SettingsReader {
 public:
  SettingsReader(const Json& json, const std::string& name) : m_name(name), m_fields(json, name) {}

  SubwordParts read() {
    m_parts.tokens = m_fields.count("tokens", 1, k_max_tokens);
    m_parts.opening = id(m_fields, "opening");
    m_parts.closing = id(m_fields, "closing");
    read_added(m_fields.array("added"));
    read_normalizer(m_fields.object("normalizer"));
    read_words(m_fields.object("words"));
    read_model(m_fields.object("model"));
    m_fields.finish();
    return std::move(m_parts);
  }

 private:
  TokenId id(JsonFields& fields, const std::string& key) const {
    return static_cast<TokenId>(fields.count(key, 0, m_parts.tokens - 1));
  }

  void read_added(const Json& json) {
    std::set<std::string> contents;
    for (const Json& each : json) {
      JsonFields fields(each, m_name + ": added");
      m_parts.added.push_back({.content = fields.text("content"),
                               .id = id(fields, "id"),
                               .takes_space_before = fields.flag("takes_space_before"),
                               .in_normalized = fields.flag("in_normalized")});
      fields.finish();
      const std::string& content = m_parts.added.back().content;
      if (content.empty() || !contents.insert(content).second) {
        throw fields.wrong("content is empty or stands twice");
      }
    }
    if (m_parts.added.size() > k_max_added_tokens) throw m_fields.wrong("added holds too many");
  }

  void read_normalizer(const Json& json) {
    JsonFields fields(json, m_name + ": normalizer");
    m_parts.normalizer.composes = fields.flag("composes");
    m_parts.normalizer.letter_case =
        fields.flag("lower_case") ? LetterCase::k_lower : LetterCase::k_keep;
    m_parts.normalizer.strip_left = fields.flag("strip_left");
    m_parts.normalizer.strip_right = fields.flag("strip_right");
    if (fields.has("spaces")) m_parts.normalizer.spaces = fields.text("spaces");
    fields.finish();
  }

  void read_words(const Json& json) {
    JsonFields fields(json, m_name + ": words");
    m_parts.words = {.split = read_enum<WordSplit>(fields, "split", k_splits),
                     .form = read_enum<WordForm>(fields, "form", k_forms),
                     .space_before = fields.flag("space_before"),
                     .by_pattern = fields.flag("by_pattern")};
    fields.finish();
  }

  void read_model(const Json& json) {
    JsonFields fields(json, m_name + ": model");
    if (fields.choice("kind", {"bpe", "unigram"}) == "bpe") {
      BpeParts model;
      model.alphabet = read_enum<BpeAlphabet>(fields, "alphabet", k_alphabets);
      model.fuse_unknown = fields.flag("fuse_unknown");
      if (fields.has("unknown")) model.unknown = id(fields, "unknown");
      m_parts.model = std::move(model);
    } else {
      UnigramParts model;
      model.unknown = id(fields, "unknown");
      m_parts.model = std::move(model);
    }
    fields.finish();
  }

  const std::string& m_name;
  JsonFields m_fields;
  SubwordParts m_parts;
};

// ---- the models ----

void append_model(std::string& file, const BpeParts& model) {
  append_section(file, std::span(model.symbols));
  append_section(file, std::span(model.merges));
}

void append_model(std::string& file, const UnigramParts& model) {
  append_section(file, model.texts);
  append_section(file, std::span(model.ends));
  append_section(file, std::span(model.scores));
}

void read_model(BpeParts& model, std::size_t tokens, Reader& reader) {
  const auto is_id = [tokens](TokenId id) {
    return id >= 0 && static_cast<std::size_t>(id) < tokens;
  };
  model.symbols = reader.values<BpeParts::Symbol>();
  model.merges = reader.values<BpeParts::Merge>();
  if (model.symbols.size() > tokens || model.merges.size() > k_max_tokens) {
    throw reader.wrong("it holds too many symbols or merges");
  }
  const std::uint32_t last = model.alphabet == BpeAlphabet::k_bytes ? 0xFF : k_last_code_point;
  for (const auto& symbol : model.symbols) {
    if (symbol.value > last || !is_id(symbol.id)) throw reader.wrong("a symbol is out of range");
  }
  for (const auto& [left, right, merged] : model.merges) {
    if (!is_id(left) || !is_id(right) || !is_id(merged)) {
      throw reader.wrong("a merge is out of range");
    }
  }
}

void read_model(UnigramParts& model, std::size_t tokens, Reader& reader) {
  model.texts = reader.section();
  model.ends = reader.values<std::uint32_t>();
  model.scores = reader.values<double>();
  if (model.ends.empty() || model.ends.size() > tokens ||
      model.scores.size() != model.ends.size()) {
    throw reader.wrong("it does not hold a score for each piece");
  }
  if (!std::ranges::all_of(model.scores, [](double score) { return std::isfinite(score); })) {
    throw reader.wrong("a score is not finite");
  }
  if (model.ends.back() != model.texts.size() || find_invalid_utf8(model.texts)) {
    throw reader.wrong("its pieces are not UTF-8");
  }
  std::size_t start = 0;
  for (const std::uint32_t end : model.ends) {
    if (end <= start || end > model.texts.size() || end - start > k_max_piece_bytes ||
        (static_cast<unsigned char>(model.texts[start]) & 0xC0U) == 0x80U) {
      throw reader.wrong("a piece is empty, too long or not UTF-8");
    }
    start = end;
  }
}

}  // namespace

std::string write_subword_file(const SubwordParts& parts) {
  std::string file(k_magic);
  file += dump_json(settings_of(parts)) + "\n";
  append_section(file, parts.normalizer.charsmap);
  std::visit([&file](const auto& model) { append_model(file, model); }, parts.model);
  return file;
}

SubwordParts read_subword_file(std::string_view file, const std::string& name) {
  Reader reader(file, name);
  if (!file.starts_with(k_magic)) throw reader.wrong("it does not begin as one");
  reader.line();
  const Json settings = parse_json(reader.line(), name, ErrorKind::k_model);
  SubwordParts parts = SettingsReader(settings, name).read();
  parts.normalizer.charsmap = reader.section();
  if (!parts.normalizer.charsmap.empty()) {
    if (const auto fault = find_charsmap_fault(parts.normalizer.charsmap)) {
      throw reader.wrong("its map of characters is broken: " + *fault);
    }
  }
  std::visit([&](auto& model) { read_model(model, parts.tokens, reader); }, parts.model);
  reader.finish();
  return parts;
}

}  // namespace vecdb
