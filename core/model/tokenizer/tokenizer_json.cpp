#include "model/tokenizer/tokenizer_json.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/base64.h"
#include "base/error.h"
#include "model/checkpoint/checkpoint_files.h"
#include "model/tokenizer/sentencepiece_charsmap.h"
#include "model/tokenizer/subword_file.h"

namespace vecdb {

namespace {

constexpr std::uint64_t k_max_id = (1U << 24U) - 1;
constexpr const char* k_advice = "vecdb has no such tokenizer, take another model";

// The components of a Sequence, of one in another as well; of null none, of another one itself.
// `list` is the key under which a Sequence holds them.
std::vector<const Json*> flatten(const Json& component, const std::string& where,
                                 const std::string& list) {
  if (component.is_null()) return {};
  JsonFields fields(component, where, k_advice);
  if (fields.text("type") != "Sequence") return {&component};
  std::vector<const Json*> parts;
  for (const Json& each : fields.array(list)) {
    for (const Json* part : flatten(each, where, list)) parts.push_back(part);
  }
  fields.finish();
  return parts;
}

// ---- post_processor ----

using Wrapping = TokenizerJson::Wrapping;

// ["[SEP]", 102]
void read_pair(JsonFields& fields, const std::string& key, std::string& token, TokenId& id) {
  const Json& pair = fields.array(key);
  if (pair.size() != 2 || !pair[0].is_string() || !pair[1].is_number_unsigned() ||
      pair[1].get<std::uint64_t>() > k_max_id) {
    throw fields.wrong(key + " is not a token and its id");
  }
  token = pair[0].get<std::string>();
  id = pair[1].get<TokenId>();
}

Wrapping read_pair_wrapping(JsonFields& fields) {
  Wrapping wrapping;
  read_pair(fields, "cls", wrapping.opening, wrapping.opening_id);
  read_pair(fields, "sep", wrapping.closing, wrapping.closing_id);
  fields.pass_over({"trim_offsets", "add_prefix_space"});  // of offsets
  return wrapping;
}

// What the template puts at one place: {"SpecialToken": {"id": "[CLS]", "type_id": 0}}.
std::string read_place(const Json& json, const std::string& kind, const JsonFields& parent) {
  JsonFields place(json, parent.where("single"), k_advice);
  JsonFields content(place.object(kind), place.where(kind), k_advice);
  content.count("type_id", 0, 0);
  std::string id = content.text("id");
  content.finish();
  place.finish();
  return id;
}

TokenId read_template_id(const Json& tokens, const std::string& name, const JsonFields& parent) {
  const std::string where = parent.where("special_tokens");
  JsonFields all(tokens, where, k_advice);
  JsonFields token(all.object(name), where + ": " + name, k_advice);
  const Json& ids = token.array("ids");
  const bool is_one = token.text("id") == name && token.array("tokens") == Json::array({name}) &&
                      ids.size() == 1 && ids[0].is_number_unsigned() &&
                      ids[0].get<std::uint64_t>() <= k_max_id;
  if (!is_one) throw token.wrong("is not one token");
  token.finish();
  return ids[0].get<TokenId>();
}

Wrapping read_template(JsonFields& fields) {
  const Json& single = fields.array("single");
  if (single.size() != 3) throw fields.wrong("single does not put one token before and behind");
  Wrapping wrapping;
  wrapping.opening = read_place(single[0], "SpecialToken", fields);
  if (read_place(single[1], "Sequence", fields) != "A") throw fields.wrong("single has no text A");
  wrapping.closing = read_place(single[2], "SpecialToken", fields);
  const Json& tokens = fields.object("special_tokens");
  wrapping.opening_id = read_template_id(tokens, wrapping.opening, fields);
  wrapping.closing_id = read_template_id(tokens, wrapping.closing, fields);
  fields.pass_over({"pair"});
  return wrapping;
}

// Nothing for ByteLevel, which only changes offsets.
std::optional<Wrapping> read_processor(const Json& json, const std::string& where) {
  JsonFields fields(json, where, k_advice);
  const std::string type = fields.choice(
      "type", {"TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel"});
  std::optional<Wrapping> wrapping;
  if (type == "ByteLevel") {
    fields.pass_over({"add_prefix_space", "trim_offsets", "use_regex"});
  } else {
    wrapping = type == "TemplateProcessing" ? read_template(fields) : read_pair_wrapping(fields);
  }
  fields.finish();
  return wrapping;
}

// ---- normalizer ----

void read_precompiled(JsonFields& fields, NormalizerOptions& options) {
  auto charsmap = decode_base64(fields.text("precompiled_charsmap"));
  if (!charsmap || charsmap->empty()) throw fields.wrong("precompiled_charsmap is not in base 64");
  if (const auto fault = find_charsmap_fault(*charsmap)) {
    throw fields.wrong("precompiled_charsmap is broken: " + *fault);
  }
  options.charsmap = std::move(*charsmap);
}

void read_replace(JsonFields& fields, NormalizerOptions& options) {
  if (fields.object("pattern") != Json{{"Regex", " {2,}"}}) {
    throw fields.wrong("Replace has another pattern than the one for two or more spaces");
  }
  options.spaces = fields.choice("content", {" ", "\u2581"});
}

// ---- pre_tokenizer ----

void read_metaspace(JsonFields& fields, WordOptions& options) {
  fields.choice("replacement", {"\u2581"});
  for (const char* key : {"add_prefix_space", "split"}) fields.expect_if_there(key, true);
  fields.expect_if_there("prepend_scheme", "always");
  fields.expect_if_there("str_rep", "\u2581");
  options.form = WordForm::k_metaspace;
}

void read_byte_level(JsonFields& fields, WordOptions& options) {
  options.form = WordForm::k_byte_level;
  options.space_before = fields.flag("add_prefix_space");
  options.by_pattern = !fields.has("use_regex") || fields.flag("use_regex");
  fields.pass_over({"trim_offsets", "use_regex"});
}

}  // namespace

TokenizerJson::TokenizerJson(std::filesystem::path path)
    : m_path(std::move(path)), m_name(m_path.string()), m_root(read_checkpoint_json(m_path)) {
  JsonFields fields(m_root, m_name, k_advice);
  fields.pass_over({"version", "padding", "decoder"});
  fields.object("model");
  fields.array("added_tokens");
  for (const char* key : {"normalizer", "pre_tokenizer", "post_processor"}) fields.value(key);
  if (fields.has("truncation")) {
    JsonFields(fields.object("truncation"), m_name + ": truncation", k_advice)
        .expect_if_there("direction", "Right");
  }
  fields.pass_over({"truncation"});
  fields.finish();
}

std::string TokenizerJson::model_type() const { return component("model").text("type"); }

JsonFields TokenizerJson::component(const std::string& key) const {
  return {m_root.at(key), m_name + ": " + key, k_advice};
}

Error TokenizerJson::wrong(const std::string& why) const {
  return {ErrorKind::k_model, m_name + ": " + why + "; " + k_advice};
}

TokenizerJson::Wrapping TokenizerJson::wrapping() const {
  const std::string where = m_name + ": post_processor";
  std::optional<Wrapping> found;
  for (const Json* part : flatten(m_root.at("post_processor"), where, "processors")) {
    const auto wrapping = read_processor(*part, where);
    if (wrapping && found) throw wrong("post_processor puts tokens around a text twice");
    if (wrapping) found = wrapping;
  }
  if (!found) throw wrong("post_processor puts no tokens around a text");
  return *found;
}

std::vector<AddedToken> TokenizerJson::added_tokens() const {
  std::vector<AddedToken> tokens;
  std::set<std::string> contents;
  for (const Json& each : m_root.at("added_tokens")) {
    JsonFields fields(each, m_name + ": added_tokens", k_advice);
    AddedToken token{.content = fields.text("content"),
                     .id = static_cast<TokenId>(fields.count("id", 0, k_max_id)),
                     .takes_space_before = fields.flag("lstrip"),
                     .in_normalized = fields.flag("normalized")};
    if (token.content.empty() || !contents.insert(token.content).second) {
      throw fields.wrong("the token \"" + token.content + "\" is empty or stands twice");
    }
    for (const char* key : {"rstrip", "single_word"}) {
      if (fields.flag(key))
        throw fields.wrong(key + (" of the token " + token.content) + " is true");
    }
    fields.pass_over({"special"});
    fields.finish();
    tokens.push_back(std::move(token));
  }
  if (tokens.size() > k_max_added_tokens) {
    throw wrong("added_tokens holds " + std::to_string(tokens.size()) + " tokens, more than " +
                std::to_string(k_max_added_tokens));
  }
  return tokens;
}

NormalizerOptions TokenizerJson::normalizer() const {
  // In the order in which StretchNormalizer applies them.
  constexpr std::array<const char*, 5> k_types = {"Precompiled", "NFC", "Lowercase", "Strip",
                                                  "Replace"};
  const std::string where = m_name + ": normalizer";
  NormalizerOptions options;
  std::size_t next = 0;
  for (const Json* part : flatten(m_root.at("normalizer"), where, "normalizers")) {
    JsonFields fields(*part, where, k_advice);
    const std::string type =
        fields.choice("type", {"Precompiled", "NFC", "Lowercase", "Strip", "Replace"});
    const auto place = static_cast<std::size_t>(std::ranges::find(k_types, type) - k_types.begin());
    if (place < next) throw fields.wrong(type + " stands behind what vecdb does after it");
    next = place + 1;
    if (type == "Precompiled") {
      read_precompiled(fields, options);
    } else if (type == "NFC") {
      options.composes = true;
    } else if (type == "Lowercase") {
      options.letter_case = LetterCase::k_lower;
    } else if (type == "Strip") {
      options.strip_left = fields.flag("strip_left");
      options.strip_right = fields.flag("strip_right");
    } else {
      read_replace(fields, options);
    }
    fields.finish();
  }
  return options;
}

WordOptions TokenizerJson::words() const {
  const std::string where = m_name + ": pre_tokenizer";
  WordOptions options;
  for (const Json* part : flatten(m_root.at("pre_tokenizer"), where, "pretokenizers")) {
    JsonFields fields(*part, where, k_advice);
    const std::string type =
        fields.choice("type", {"Whitespace", "WhitespaceSplit", "Metaspace", "ByteLevel"});
    const bool splits = type.starts_with("Whitespace");
    if (options.form != WordForm::k_plain || (splits && options.split != WordSplit::k_none)) {
      throw fields.wrong(type + " stands behind another that vecdb does in its place");
    }
    if (splits) {
      options.split = type == "Whitespace" ? WordSplit::k_words : WordSplit::k_white_space;
    } else if (type == "Metaspace") {
      read_metaspace(fields, options);
    } else {
      read_byte_level(fields, options);
    }
    fields.finish();
  }
  return options;
}

std::vector<std::string> tokens_in_order(const Json& vocabulary, const JsonFields& fields) {
  std::vector<std::string> tokens(vocabulary.size());
  std::vector<bool> taken(vocabulary.size());
  for (const auto& [token, id] : vocabulary.items()) {
    const bool is_id = id.is_number_unsigned() && id.get<std::uint64_t>() < tokens.size();
    if (!is_id || taken[id.get<std::size_t>()]) {
      throw fields.wrong("vocab: the ids are not 0 … " + std::to_string(tokens.size() - 1) +
                         " without a gap at " + dump_json(token));
    }
    taken[id.get<std::size_t>()] = true;
    tokens[id.get<std::size_t>()] = token;
  }
  return tokens;
}

}  // namespace vecdb
