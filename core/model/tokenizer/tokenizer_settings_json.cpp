#include "model/tokenizer/tokenizer_settings_json.h"

#include "model/json_fields.h"

namespace vecdb {

namespace {

constexpr const char* k_wordpiece = "wordpiece";
constexpr const char* k_sentencepiece = "sentencepiece";
constexpr const char* k_subword = "subword";

const char* name_of(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::k_sentencepiece:
      return k_sentencepiece;
    case TokenizerKind::k_subword:
      return k_subword;
    case TokenizerKind::k_wordpiece:
      break;
  }
  return k_wordpiece;
}

Json json_of(const WordPieceOptions& options) {
  return {{"lower_case", options.letter_case == LetterCase::k_lower},
          {"strip_accents", options.accents == Accents::k_strip},
          {"split_chinese", options.chinese_characters == ChineseCharacters::k_split}};
}

}  // namespace

Json json_of(const TokenizerSettings& settings) {
  Json json = {{"kind", name_of(settings.kind)}, {"file", settings.file}};
  if (settings.kind == TokenizerKind::k_wordpiece) json.update(json_of(settings.wordpiece));
  return json;
}

Json identity_of(const TokenizerSettings& settings) {
  // WordPiece was the only kind once and therefore has no name here.
  if (settings.kind == TokenizerKind::k_wordpiece) return json_of(settings.wordpiece);
  return {{"tokenizer", name_of(settings.kind)}};
}

TokenizerSettings tokenizer_settings_of(const Json& json, const std::string& where) {
  JsonFields fields(json, where);
  TokenizerSettings settings;
  const auto kind = fields.choice("kind", {k_wordpiece, k_sentencepiece, k_subword});
  settings.file = fields.text("file");
  if (kind == k_sentencepiece) {
    settings.kind = TokenizerKind::k_sentencepiece;
  } else if (kind == k_subword) {
    settings.kind = TokenizerKind::k_subword;
  } else {
    settings.wordpiece = {
        .letter_case = fields.flag("lower_case") ? LetterCase::k_lower : LetterCase::k_keep,
        .accents = fields.flag("strip_accents") ? Accents::k_strip : Accents::k_keep,
        .chinese_characters =
            fields.flag("split_chinese") ? ChineseCharacters::k_split : ChineseCharacters::k_keep};
  }
  fields.finish();
  return settings;
}

}  // namespace vecdb
