// Input: a byte of window, a text with its length, then a sentencepiece.bpe.model. What our check
// lets through is run by the library, which trusts its file, built with the same sanitizers.
#include <memory>
#include <string_view>

#include "fuzz.h"
#include "model/tokenizer/sentencepiece_model_check.h"
#include "model/tokenizer/sentencepiece_tokenizer.h"
#include "tokenizer_check.h"

using namespace vecdb;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const std::size_t window = 2 + parts.byte();
  const auto text = parts.part();
  const auto file = parts.rest();
  const auto tokenizer = fuzz::unless_refused(ErrorKind::k_model, [&] {
    return make_sentencepiece_tokenizer(fuzz::view(file), "fuzz.model");
  });
  if (!tokenizer) return 0;
  const std::size_t pieces = check_sentencepiece_model(fuzz::view(file), "fuzz.model");
  fuzz::require((*tokenizer)->vocabulary_size() == pieces + 2, "pieces were lost or made up");
  fuzz::check_tokenizer(**tokenizer, fuzz::well_formed(fuzz::view(text)), window);
  return 0;
}
