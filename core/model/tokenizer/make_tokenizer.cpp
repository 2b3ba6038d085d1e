#include "model/tokenizer/make_tokenizer.h"

#include "model/tokenizer/sentencepiece_tokenizer.h"
#include "model/tokenizer/subword_tokenizer.h"

namespace vecdb {

std::unique_ptr<Tokenizer> make_tokenizer(const TokenizerSettings& settings,
                                          std::string_view content, const std::string& name) {
  switch (settings.kind) {
    case TokenizerKind::k_sentencepiece:
      return make_sentencepiece_tokenizer(content, name);
    case TokenizerKind::k_subword:
      return make_subword_tokenizer(content, name);
    case TokenizerKind::k_wordpiece:
      break;
  }
  return make_wordpiece_tokenizer(content, name, settings.wordpiece);
}

}  // namespace vecdb
