// Input: a byte of window, a text with its length, then a tokenizer.vecdb.
#include <string>

#include "fuzz.h"
#include "model/tokenizer/subword_file.h"
#include "model/tokenizer/subword_tokenizer.h"
#include "tokenizer_check.h"

using namespace vecdb;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const std::size_t window = 2 + parts.byte();
  const auto text = parts.part();
  const auto file = parts.rest();
  const auto read = fuzz::unless_refused(
      ErrorKind::k_model, [&] { return read_subword_file(fuzz::view(file), "tokenizer.vecdb"); });
  if (!read) return 0;
  const std::string written = write_subword_file(*read);
  fuzz::require(write_subword_file(read_subword_file(written, "again")) == written,
                "written and read, the file is another one");
  const auto tokenizer = make_subword_tokenizer(written, "again");
  fuzz::check_tokenizer(*tokenizer, fuzz::well_formed(fuzz::view(text)), window);
  return 0;
}
