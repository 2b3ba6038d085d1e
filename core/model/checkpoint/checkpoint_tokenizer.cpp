#include "model/checkpoint/checkpoint_tokenizer.h"

#include "base/error.h"
#include "base/file.h"
#include "model/checkpoint/checkpoint_files.h"
#include "model/checkpoint/checkpoint_sentencepiece.h"
#include "model/checkpoint/checkpoint_subword.h"
#include "model/checkpoint/checkpoint_wordpiece.h"
#include "model/tokenizer/make_tokenizer.h"
#include "model/tokenizer/tokenizer_json.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_sentencepiece_file = "sentencepiece.bpe.model";

// What a checkout says of its tokenizer, with the content of the model folder's file.
CheckpointFile read_file_of(const fs::path& checkout) {
  const fs::path path = checkout / "tokenizer.json";
  const fs::path sentencepiece = checkout / k_sentencepiece_file;
  const bool has_sentencepiece = fs::exists(sentencepiece);
  if (!fs::exists(path)) {
    return has_sentencepiece ? read_sentencepiece_alone(checkout, sentencepiece)
                             : read_wordpiece_vocabulary(checkout);
  }
  const TokenizerJson json(path);
  const std::string type = json.model_type();
  if (type == "WordPiece") return read_wordpiece_json(json, checkout);
  if (type == "Unigram" && has_sentencepiece) return read_sentencepiece_json(json, sentencepiece);
  if (type == "Unigram") return read_unigram_json(json);
  if (type == "BPE") return read_bpe_json(json, checkout);
  throw json.wrong("model: type is \"" + type +
                   "\"; only WordPiece, Unigram and BPE are known here");
}

void check_truncation_side(const fs::path& checkout) {
  const fs::path path = checkout / "tokenizer_config.json";
  if (!fs::exists(path)) return;
  const Json config = read_checkpoint_json(path);
  JsonFields(config, path.string(), "vecdb cuts texts on the right, take another model")
      .expect_if_there("truncation_side", "right");
}

// sentence-transformers lower-cases a text itself where its own settings say so, whatever the
// tokenizer does; accents stay as the tokenizer has it. (Of a Greek word's last sigma it makes
// another letter than BERT's lower-casing.)
void obey_letter_case(const fs::path& checkout, CheckpointFile& file) {
  const fs::path path = checkout / "sentence_bert_config.json";
  if (!fs::exists(path) || file.lower_case) return;
  const Json config = read_checkpoint_json(path);
  JsonFields fields(config, path.string(), "the tokenizer keeps case, take another model");
  if (file.settings.kind != TokenizerKind::k_wordpiece) {
    fields.expect_if_there("do_lower_case", false);
  } else if (fields.has("do_lower_case") && fields.flag("do_lower_case")) {
    file.settings.wordpiece.letter_case = LetterCase::k_lower;
  }
}

}  // namespace

CheckpointTokenizer read_checkpoint_tokenizer(const fs::path& checkout, const fs::path& out) {
  CheckpointFile file = read_file_of(checkout);
  check_truncation_side(checkout);
  obey_letter_case(checkout, file);
  auto tokenizer = make_tokenizer(file.settings, file.content, file.source.string());
  AtomicFile written(out / file.settings.file);
  written.write(file.content);
  written.commit();
  return {std::move(file.settings), std::move(tokenizer)};
}

}  // namespace vecdb
