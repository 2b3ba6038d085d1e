// Input: a byte of options, a byte of window, a text with its length, a tokenizer_config.json with
// its length, then a tokenizer.json, or with the lowest bit a vocab.txt.
#include <filesystem>
#include <string>

#include "base/file.h"
#include "fuzz.h"
#include "model/checkpoint/checkpoint_tokenizer.h"
#include "model/tokenizer/make_tokenizer.h"
#include "temporary_folder.h"
#include "tokenizer_check.h"

using namespace vecdb;
using fuzz::require;

namespace {

constexpr std::uint64_t k_max_bytes = std::uint64_t{64} << 20U;

void write_or_remove(const fuzz::TemporaryFolder& folder, const std::string& name,
                     const fuzz::Parts::Bytes& content, bool wanted) {
  if (wanted) {
    folder.write(name, content);
  } else {
    std::filesystem::remove(folder.path() / name);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::TemporaryFolder checkout;
  static const fuzz::TemporaryFolder model;
  fuzz::Parts parts(data, size);
  const bool is_json = (parts.byte() & 1U) == 0;
  const std::size_t window = 2 + parts.byte();
  const auto text_bytes = parts.part();
  const std::string_view text = fuzz::well_formed(fuzz::view(text_bytes));
  const auto config = parts.part();
  const auto tokenizer = parts.rest();
  write_or_remove(checkout, "tokenizer_config.json", config, !is_json || !config.empty());
  write_or_remove(checkout, "tokenizer.json", tokenizer, is_json);
  write_or_remove(checkout, "vocab.txt", tokenizer, !is_json);

  const auto read = fuzz::unless_refused(
      ErrorKind::k_model, [&] { return read_checkpoint_tokenizer(checkout.path(), model.path()); });
  if (!read) return 0;
  fuzz::check_tokenizer(*read->tokenizer, text, window);

  const std::string written = read_file(model.path() / read->settings.file, k_max_bytes);
  const auto again = make_tokenizer(read->settings, written, "again");
  require(again->vocabulary_size() == read->tokenizer->vocabulary_size(),
          "written and read, the vocabulary has another size");
  require(again->tokenize(text, window).ids == read->tokenizer->tokenize(text, window).ids,
          "written and read, the tokenizer gives other ids");
  return 0;
}
