#include "model/checkpoint/checkpoint_sentencepiece.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "model/checkpoint/checkpoint_files.h"
#include "model/tokenizer/protobuf_reader.h"
#include "model/tokenizer/sentencepiece_model_check.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t k_max_bytes = 256U << 20U;
// A tokenizer.json has the file's 32-bit scores in decimals, at times shortened ones.
constexpr double k_score_tolerance = 1e-5;
constexpr std::size_t k_first_pieces = 3;  // <unk> <s> </s>

struct Piece {
  std::string_view text;
  double score = 0;
};

// What a tokenizer.json repeats of the file; refers to it.
struct SentencePieceFile {
  std::vector<Piece> pieces;
  std::string_view charsmap;
};

Piece read_piece(std::string_view message) {
  Piece piece;
  ProtobufReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number() == 1) piece.text = field->bytes();
    if (field->number() == 2) piece.score = static_cast<double>(field->number_f32());
  }
  return piece;
}

std::string_view read_charsmap(std::string_view message) {
  ProtobufReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number() == 2) return field->bytes();
  }
  return {};
}

// Of a file that check_sentencepiece_model has proved.
SentencePieceFile read_fields(std::string_view content) {
  SentencePieceFile file;
  ProtobufReader reader(content);
  while (const auto field = reader.next()) {
    if (field->number() == 1) file.pieces.push_back(read_piece(field->bytes()));
    if (field->number() == 3) file.charsmap = read_charsmap(field->bytes());
  }
  return file;
}

CheckpointFile make_file(const fs::path& path) {
  CheckpointFile file;
  file.source = path;
  file.settings.kind = TokenizerKind::k_sentencepiece;
  file.settings.file = path.filename().string();
  file.content = read_file(path, k_max_bytes);
  check_sentencepiece_model(file.content, path.string());
  return file;
}

void check_pieces(const Json& vocabulary, const std::vector<Piece>& pieces,
                  const JsonFields& model) {
  std::vector<Piece> wanted = {{"<s>"}, {"<pad>"}, {"</s>"}, {"<unk>"}};
  const std::size_t specials = wanted.size();
  wanted.insert(wanted.end(), pieces.begin() + k_first_pieces, pieces.end());
  if (vocabulary.size() == wanted.size() + 1) wanted.push_back({"<mask>"});
  if (vocabulary.size() != wanted.size()) {
    throw model.wrong("vocab has " + std::to_string(vocabulary.size()) + " tokens, and " +
                      std::to_string(pieces.size()) + " pieces are in sentencepiece.bpe.model");
  }
  const std::size_t last_piece = specials + pieces.size() - k_first_pieces;
  for (std::size_t id = 0; id < wanted.size(); ++id) {
    const Json& entry = vocabulary[id];
    const bool is_entry =
        entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_number();
    if (!is_entry || entry[0].get<std::string>() != wanted[id].text) {
      throw model.wrong("vocab: the token " + std::to_string(id) + " is not " +
                        dump_json(std::string(wanted[id].text)) +
                        " as in sentencepiece.bpe.model in XLM-R's order");
    }
    const double score = wanted[id].score;
    const bool is_piece = id >= specials && id < last_piece;
    const double difference = std::abs(entry[1].get<double>() - score);
    if (is_piece && !(difference <= k_score_tolerance * std::max(1.0, std::abs(score)))) {
      throw model.wrong("vocab: the score of the token " + std::to_string(id) +
                        " is not that of sentencepiece.bpe.model");
    }
  }
}

// What XLM-RoBERTa's tokenizer.json says of the way to the pieces, which the library does by
// itself.
void check_pipeline(const TokenizerJson& json, std::string_view charsmap) {
  const NormalizerOptions normalizer = json.normalizer();
  if (normalizer.charsmap != charsmap || normalizer.composes || normalizer.strip_left ||
      normalizer.letter_case != LetterCase::k_keep) {
    throw json.wrong("normalizer: is not that of sentencepiece.bpe.model");
  }
  if (normalizer.spaces && *normalizer.spaces != " " && *normalizer.spaces != "\u2581") {
    throw json.wrong("normalizer: does another thing with spaces than sentencepiece.bpe.model");
  }
  const WordOptions words = json.words();
  if (words.form != WordForm::k_metaspace || words.split == WordSplit::k_words) {
    throw json.wrong("pre_tokenizer: is not SentencePiece's Metaspace");
  }
}

// Those that make_sentencepiece_tokenizer() looks for.
void check_added_tokens(const TokenizerJson& json, std::size_t tokens) {
  const std::vector<std::pair<std::string, std::size_t>> known = {
      {"<s>", 0}, {"<pad>", 1}, {"</s>", 2}, {"<unk>", 3}, {"<mask>", tokens - 1}};
  for (const AddedToken& token : json.added_tokens()) {
    const auto id = static_cast<std::size_t>(token.id);
    if (std::find(known.begin(), known.end(), std::pair(token.content, id)) == known.end()) {
      throw json.wrong("added_tokens: " + dump_json(token.content) + " with the id " +
                       std::to_string(id) + " is none of XLM-RoBERTa's");
    }
  }
}

}  // namespace

CheckpointFile read_sentencepiece_json(const TokenizerJson& json, const fs::path& path) {
  CheckpointFile file = make_file(path);
  const SentencePieceFile content = read_fields(file.content);
  JsonFields model = json.component("model");
  model.choice("type", {"Unigram"});
  model.count("unk_id", 3, 3);
  model.expect_if_there("byte_fallback", false);
  check_pieces(model.array("vocab"), content.pieces, model);
  model.finish();
  check_pipeline(json, content.charsmap);
  check_added_tokens(json, model.array("vocab").size());
  const auto wrapping = json.wrapping();
  if (wrapping.opening != "<s>" || wrapping.closing != "</s>" || wrapping.opening_id != 0 ||
      wrapping.closing_id != 2) {
    throw json.wrong("post_processor does not put a text between <s> and </s>");
  }
  return file;
}

CheckpointFile read_sentencepiece_alone(const fs::path& checkout, const fs::path& file) {
  const fs::path path = checkout / "tokenizer_config.json";
  const Json config = read_checkpoint_json(path);
  JsonFields(config, path.string(), "vecdb has no such tokenizer, take another model")
      .choice("tokenizer_class", {"XLMRobertaTokenizer", "XLMRobertaTokenizerFast"});
  return make_file(file);
}

}  // namespace vecdb
