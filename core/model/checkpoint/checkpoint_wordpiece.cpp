#include "model/checkpoint/checkpoint_wordpiece.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "model/checkpoint/checkpoint_files.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_vocabulary = "vocab.txt";
constexpr const char* k_config = "tokenizer_config.json";
constexpr std::uint64_t k_max_vocabulary_bytes = 64U << 20U;
constexpr const char* k_advice = "vecdb has no such tokenizer, take another model";
constexpr std::array<const char*, 5> k_special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
constexpr std::array<const char*, 5> k_special_keys = {"pad_token", "unk_token", "cls_token",
                                                       "sep_token", "mask_token"};

// BERT strips accents exactly when it lower-cases, unless told.
CheckpointFile make_file(fs::path source, std::string content, bool lower,
                         std::optional<bool> strip, bool chinese) {
  CheckpointFile file;
  file.source = std::move(source);
  file.settings.file = k_vocabulary;
  file.settings.wordpiece = {
      .letter_case = lower ? LetterCase::k_lower : LetterCase::k_keep,
      .accents = strip.value_or(lower) ? Accents::k_strip : Accents::k_keep,
      .chinese_characters = chinese ? ChineseCharacters::k_split : ChineseCharacters::k_keep};
  file.content = std::move(content);
  file.lower_case = lower;
  return file;
}

std::optional<bool> optional_flag(JsonFields& fields, const std::string& key) {
  fields.value(key);  // must be there, and may be null
  return fields.has(key) ? std::optional(fields.flag(key)) : std::nullopt;
}

std::string write_vocabulary(const std::vector<std::string>& tokens, const JsonFields& fields) {
  std::string content;
  for (const std::string& token : tokens) {
    if (token.empty() || token.find('\n') != std::string::npos || token.ends_with('\r')) {
      throw fields.wrong("vocab holds " + dump_json(token) + ", which vocab.txt cannot hold");
    }
    content += token + "\n";
  }
  return content;
}

// With the line ends that write_vocabulary makes.
std::string as_written(std::string vocabulary) {
  for (std::size_t at = 0; (at = vocabulary.find("\r\n", at)) != std::string::npos;) {
    vocabulary.erase(at, 1);
  }
  if (!vocabulary.ends_with('\n')) vocabulary += '\n';
  return vocabulary;
}

// vecdb's WordPiece recognises exactly these inside a text, as it is.
void check_added_tokens(const TokenizerJson& json, const std::vector<std::string>& tokens) {
  const std::vector<AddedToken> added = json.added_tokens();
  for (const AddedToken& token : added) {
    const bool known = std::ranges::find(k_special, token.content) != k_special.end();
    if (!known || token.takes_space_before || token.in_normalized) {
      throw json.wrong("added_tokens: the token " + token.content + " is not one of BERT's");
    }
    const auto id = static_cast<std::size_t>(token.id);
    if (id >= tokens.size() || tokens[id] != token.content) {
      throw json.wrong("added_tokens: the id of " + token.content + " is not the vocabulary's");
    }
  }
  for (const char* special : k_special) {
    if (std::ranges::find(added, special, &AddedToken::content) == added.end()) {
      throw json.wrong(std::string("added_tokens: lacks ") + special);
    }
  }
}

void check_wrapping(const TokenizerJson& json, const std::vector<std::string>& tokens) {
  const auto wrapping = json.wrapping();
  const auto is = [&tokens](TokenId id, const std::string& token) {
    return static_cast<std::size_t>(id) < tokens.size() &&
           tokens[static_cast<std::size_t>(id)] == token;
  };
  if (wrapping.opening != "[CLS]" || wrapping.closing != "[SEP]" ||
      !is(wrapping.opening_id, "[CLS]") || !is(wrapping.closing_id, "[SEP]")) {
    throw json.wrong("post_processor does not put a text between [CLS] and [SEP]");
  }
}

// A library that reads tokenizer_config.json too changes the tokenizer to what that says.
void check_config(const fs::path& checkout, const CheckpointFile& file) {
  const fs::path path = checkout / k_config;
  if (!fs::exists(path)) return;
  const Json config = read_checkpoint_json(path);
  JsonFields fields(config, path.string(), "tokenizer.json says otherwise; take another model");
  fields.expect_if_there("do_lower_case", file.lower_case);
  fields.expect_if_there("tokenize_chinese_chars",
                         file.settings.wordpiece.chinese_characters == ChineseCharacters::k_split);
  fields.expect_if_there("strip_accents", file.settings.wordpiece.accents == Accents::k_strip);
}

std::string text_of_token(JsonFields& fields, const std::string& key) {
  const Json& token = fields.value(key);
  return token.is_object() ? JsonFields(token, fields.where(key), fields.advice()).text("content")
                           : fields.text(key);
}

}  // namespace

CheckpointFile read_wordpiece_json(const TokenizerJson& json, const fs::path& checkout) {
  JsonFields model = json.component("model");
  model.choice("type", {"WordPiece"});
  model.choice("unk_token", {"[UNK]"});
  model.choice("continuing_subword_prefix", {"##"});
  model.count("max_input_chars_per_word", 100, 100);
  const auto tokens = tokens_in_order(model.object("vocab"), model);
  model.finish();
  JsonFields normalizer = json.component("normalizer");
  normalizer.choice("type", {"BertNormalizer"});
  if (!normalizer.flag("clean_text")) throw normalizer.wrong("clean_text is not true");
  const bool lower = normalizer.flag("lowercase");
  const bool chinese = normalizer.flag("handle_chinese_chars");
  const auto strip = optional_flag(normalizer, "strip_accents");
  normalizer.finish();
  JsonFields words = json.component("pre_tokenizer");
  words.choice("type", {"BertPreTokenizer"});
  words.finish();
  check_added_tokens(json, tokens);
  check_wrapping(json, tokens);

  CheckpointFile file =
      make_file(json.path(), write_vocabulary(tokens, model), lower, strip, chinese);
  check_config(checkout, file);
  const fs::path listed = checkout / k_vocabulary;
  if (!fs::exists(listed)) return file;
  std::string content = read_file(listed, k_max_vocabulary_bytes);
  if (as_written(content) != file.content) {
    throw Error(ErrorKind::k_model, listed.string() +
                                        ": is not the vocabulary of tokenizer.json; take a "
                                        "checkout whose files belong together");
  }
  file.content = std::move(content);
  file.source = listed;
  return file;
}

CheckpointFile read_wordpiece_vocabulary(const fs::path& checkout) {
  const fs::path path = checkout / k_config;
  const Json config = read_checkpoint_json(path);
  JsonFields fields(config, path.string(), k_advice);
  fields.choice("tokenizer_class", {"BertTokenizer", "BertTokenizerFast"});
  fields.expect_if_there("do_basic_tokenize", true);
  if (fields.has("never_split")) fields.expect_if_there("never_split", Json::array());
  for (std::size_t i = 0; i < k_special.size(); ++i) {
    if (fields.has(k_special_keys[i]) && text_of_token(fields, k_special_keys[i]) != k_special[i]) {
      throw fields.wrong(std::string(k_special_keys[i]) + " is not " + k_special[i]);
    }
  }
  const bool lower = fields.flag("do_lower_case");
  const auto strip = optional_flag(fields, "strip_accents");
  const bool chinese = fields.flag("tokenize_chinese_chars");
  const fs::path source = checkout / k_vocabulary;
  return make_file(source, read_file(source, k_max_vocabulary_bytes), lower, strip, chinese);
}

}  // namespace vecdb
