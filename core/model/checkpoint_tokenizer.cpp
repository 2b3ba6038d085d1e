#include "model/checkpoint_tokenizer.h"

#include "base/file.h"
namespace vecdb {
TokenizerSettings read_checkpoint_tokenizer(const std::filesystem::path& checkout,
                                            const std::filesystem::path& out) {
  TokenizerSettings s;
  if (std::filesystem::exists(checkout / "sentencepiece.bpe.model")) {
    s.kind = TokenizerKind::k_sentencepiece;
    s.file = "sentencepiece.bpe.model";
  } else
    s.file = "vocab.txt";
  copy_durably(checkout / s.file, out / s.file);
  return s;
}
}  // namespace vecdb
