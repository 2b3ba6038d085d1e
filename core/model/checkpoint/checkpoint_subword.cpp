#include "model/checkpoint/checkpoint_subword.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "model/checkpoint/checkpoint_files.h"
#include "model/tokenizer/subword_file.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_subword_file = "tokenizer.vecdb";

using Ids = std::unordered_map<std::string, TokenId>;

Ids ids_of(const std::vector<std::string>& tokens, const JsonFields& model) {
  Ids ids(2 * tokens.size());
  for (const std::string& token : tokens) {
    if (!ids.emplace(token, static_cast<TokenId>(ids.size())).second) {
      throw model.wrong("vocab: the token " + dump_json(token) + " stands twice");
    }
  }
  return ids;
}

// `tokenizers` numbers added tokens that are not in the vocabulary from its end on, whatever their
// id says.
void add_tokens(const TokenizerJson& json, Ids& ids, SubwordParts& parts) {
  parts.added = json.added_tokens();
  for (const AddedToken& token : parts.added) {
    const auto [entry, is_new] = ids.emplace(token.content, static_cast<TokenId>(ids.size()));
    if (entry->second != token.id) {
      throw json.wrong("added_tokens: the id of " + token.content + " is " +
                       std::to_string(token.id) + ", not " + std::to_string(entry->second));
    }
  }
  parts.tokens = ids.size();
}

void wrap(const TokenizerJson& json, const Ids& ids, SubwordParts& parts) {
  const auto wrapping = json.wrapping();
  const auto check = [&](const std::string& token, TokenId id) {
    const auto found = ids.find(token);
    if (found == ids.end() || found->second != id) {
      throw json.wrong("post_processor: the id of " + token + " is not the vocabulary's");
    }
  };
  check(wrapping.opening, wrapping.opening_id);
  check(wrapping.closing, wrapping.closing_id);
  parts.opening = wrapping.opening_id;
  parts.closing = wrapping.closing_id;
}

// Everything but the model; `ids` gets the added tokens too.
SubwordParts read_pipeline(const TokenizerJson& json, Ids& ids) {
  SubwordParts parts;
  parts.normalizer = json.normalizer();
  parts.words = json.words();
  add_tokens(json, ids, parts);
  wrap(json, ids, parts);
  return parts;
}

CheckpointFile make_file(const TokenizerJson& json, const SubwordParts& parts) {
  CheckpointFile file;
  file.source = json.path();
  file.settings.kind = TokenizerKind::k_subword;
  file.settings.file = k_subword_file;
  file.content = write_subword_file(parts);
  file.lower_case = parts.normalizer.letter_case == LetterCase::k_lower;
  return file;
}

// ---- BPE ----

// The one character that stands for each byte in a byte-level vocabulary: itself where it is
// printable, else the next one from U+0100 on (bytes_to_unicode of GPT-2's encoder.py).
constexpr auto k_byte_characters = [] {
  std::array<char32_t, 256> characters{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
                           (byte >= 0xAE && byte <= 0xFF);
    characters[byte] = printable ? byte : next++;
  }
  return characters;
}();

// Whether the byte occurs in UTF-8.
bool is_utf8_byte(std::size_t byte) { return byte < 0xC0 || (byte > 0xC1 && byte < 0xF5); }

std::optional<char32_t> only_character(const std::string& token) {
  if (token.empty()) return std::nullopt;
  std::size_t end = 0;
  const char32_t character = decode_code_point(token, end);
  return end == token.size() ? std::optional(character) : std::nullopt;
}

void add_byte_symbols(const Ids& ids, BpeParts& model, const JsonFields& fields) {
  for (std::size_t byte = 0; byte < k_byte_characters.size(); ++byte) {
    std::string token;
    append_utf8(token, k_byte_characters[byte]);
    if (const auto found = ids.find(token); found != ids.end()) {
      model.symbols.push_back({static_cast<std::uint32_t>(byte), found->second});
    } else if (is_utf8_byte(byte) && !model.unknown) {
      throw fields.wrong("vocab: lacks " + token + ", the byte " + std::to_string(byte));
    }
  }
}

void add_character_symbols(const std::vector<std::string>& tokens, BpeParts& model,
                           const JsonFields& fields) {
  if (!model.unknown) throw fields.wrong("unk_token is null: unknown characters would be lost");
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (const auto character = only_character(tokens[id])) {
      model.symbols.push_back({*character, static_cast<TokenId>(id)});
    }
  }
}

// A merge in either spelling: "a b" or ["a", "b"].
std::pair<std::string, std::string> read_merge(const Json& json, const JsonFields& fields) {
  if (json.is_array() && json.size() == 2 && json[0].is_string() && json[1].is_string()) {
    return {json[0].get<std::string>(), json[1].get<std::string>()};
  }
  if (json.is_string()) {
    const auto text = json.get<std::string>();
    const std::size_t space = text.find(' ');
    // A comment to the library, although it could be a merge.
    const bool is_version = text.starts_with("#version");
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos &&
        !is_version) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  }
  throw fields.wrong("merges: " + dump_json(json) + " is not two tokens");
}

void add_merges(const Json& merges, const Ids& ids, BpeParts& model, const JsonFields& fields) {
  model.merges.reserve(merges.size());
  std::set<std::pair<TokenId, TokenId>> pairs;
  for (const Json& each : merges) {
    const auto [left, right] = read_merge(each, fields);
    const auto id_of = [&](const std::string& token) {
      const auto found = ids.find(token);
      if (found != ids.end()) return found->second;
      throw fields.wrong("merges: " + dump_json(each) + ": " + dump_json(token) +
                         " is not in the vocabulary");
    };
    model.merges.push_back({id_of(left), id_of(right), id_of(left + right)});
    if (!pairs.emplace(id_of(left), id_of(right)).second) {
      throw fields.wrong("merges: " + dump_json(each) + " stands twice");
    }
  }
}

void check_bpe_config(const fs::path& checkout, const WordOptions& words) {
  const fs::path path = checkout / "tokenizer_config.json";
  if (words.form != WordForm::k_byte_level || !fs::exists(path)) return;
  const Json config = read_checkpoint_json(path);
  JsonFields(config, path.string(), "tokenizer.json says otherwise; take another model")
      .expect_if_there("add_prefix_space", words.space_before);
}

// ---- Unigram ----

// The score as `tokenizers` reads it: serde_json divides the decimal digits by a power of ten,
// which is not always the nearest 64-bit float (of one in eight it is its neighbour), and of two
// ways to cut "......" the last bit decides. Taken from the shortest decimal form, in which these
// files are.
double as_read_by_serde(double score) {
  std::array<char, 32> text;
  const auto end =
      std::to_chars(text.begin(), text.end(), std::abs(score), std::chars_format::scientific).ptr;
  const auto mark = std::find(text.begin(), end, 'e');
  std::uint64_t digits = 0;
  int exponent = 0;
  std::from_chars(*(mark + 1) == '+' ? mark + 2 : mark + 1, end, exponent);
  for (const char* at = text.begin(); at != mark; ++at) {
    if (*at == '.') {
      exponent -= static_cast<int>(mark - at) - 1;
    } else {
      digits = 10 * digits + static_cast<std::uint64_t>(*at - '0');
    }
  }
  if (digits == 0 || std::abs(exponent) > std::numeric_limits<double>::max_exponent10) return score;
  double power = 0;
  const std::string power_text = "1e" + std::to_string(std::abs(exponent));
  std::from_chars(power_text.data(), power_text.data() + power_text.size(), power);
  const auto value = static_cast<double>(digits);
  return std::copysign(exponent < 0 ? value / power : value * power, score);
}

void read_pieces(const Json& vocabulary, UnigramParts& model, std::vector<std::string>& tokens,
                 const JsonFields& fields) {
  for (const Json& each : vocabulary) {
    if (!each.is_array() || each.size() != 2 || !each[0].is_string() || !each[1].is_number()) {
      throw fields.wrong("vocab holds what is not a piece and its score");
    }
    auto piece = each[0].get<std::string>();
    const double score = as_read_by_serde(each[1].get<double>());
    if (piece.empty() || piece.size() > k_max_piece_bytes) {
      throw fields.wrong("vocab: the piece " + std::to_string(tokens.size()) + " has " +
                         std::to_string(piece.size()) + " bytes, not 1 … " +
                         std::to_string(k_max_piece_bytes));
    }
    if (!std::isfinite(score)) {
      throw fields.wrong("vocab: the score of " + dump_json(piece) + " is not finite");
    }
    model.texts += piece;
    model.ends.push_back(static_cast<std::uint32_t>(model.texts.size()));
    model.scores.push_back(score);
    tokens.push_back(std::move(piece));
  }
}

}  // namespace

CheckpointFile read_bpe_json(const TokenizerJson& json, const fs::path& checkout) {
  JsonFields fields = json.component("model");
  fields.choice("type", {"BPE"});
  fields.expect_if_there("dropout", nullptr);
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    fields.expect_if_there(key, "");
  }
  for (const char* key : {"byte_fallback", "ignore_merges"}) fields.expect_if_there(key, false);
  const auto tokens = tokens_in_order(fields.object("vocab"), fields);
  const Ids vocabulary = ids_of(tokens, fields);
  Ids ids = vocabulary;
  SubwordParts parts = read_pipeline(json, ids);

  BpeParts model;
  if (fields.has("unk_token")) {
    const auto found = vocabulary.find(fields.text("unk_token"));
    if (found == vocabulary.end()) throw fields.wrong("unk_token is not in the vocabulary");
    model.unknown = found->second;
  }
  model.fuse_unknown = fields.has("fuse_unk") && fields.flag("fuse_unk");
  fields.pass_over({"unk_token", "fuse_unk"});
  if (parts.words.form == WordForm::k_byte_level) {
    model.alphabet = BpeAlphabet::k_bytes;
    add_byte_symbols(vocabulary, model, fields);
  } else {
    model.alphabet = BpeAlphabet::k_characters;
    add_character_symbols(tokens, model, fields);
  }
  add_merges(fields.array("merges"), vocabulary, model, fields);
  fields.finish();
  check_bpe_config(checkout, parts.words);
  parts.model = std::move(model);
  return make_file(json, parts);
}

CheckpointFile read_unigram_json(const TokenizerJson& json) {
  JsonFields fields = json.component("model");
  fields.choice("type", {"Unigram"});
  fields.expect_if_there("byte_fallback", false);
  UnigramParts model;
  std::vector<std::string> tokens;
  const Json& vocabulary = fields.array("vocab");
  read_pieces(vocabulary, model, tokens, fields);
  if (tokens.empty()) throw fields.wrong("vocab is empty");
  model.unknown = static_cast<TokenId>(fields.count("unk_id", 0, tokens.size() - 1));
  fields.finish();
  Ids ids = ids_of(tokens, fields);
  SubwordParts parts = read_pipeline(json, ids);
  parts.model = std::move(model);
  return make_file(json, parts);
}

}  // namespace vecdb
