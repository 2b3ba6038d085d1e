// Input: a byte that says whether it is CSV, TSV or JSON Lines and whether it has a text field, and
// the table.
#include <string>
#include <variant>

#include "fuzz.h"
#include "load_check.h"
#include "text/load/loader.h"

using namespace vecdb;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const unsigned choice = parts.byte();
  constexpr FileType k_types[] = {FileType::k_csv, FileType::k_tsv, FileType::k_jsonl};
  LoadOptions options;
  options.type = k_types[choice % 3];
  options.text_field = choice / 3 % 2 == 0 ? "" : "text";
  const auto rest = parts.rest();
  const std::string bytes(fuzz::view(rest));
  const Loaded loaded = load_bytes("a", bytes, options);
  if (const auto* document = std::get_if<Document>(&loaded)) {
    fuzz::check_document(*document, bytes);
    require(document->skipped.size() <= 101, "too many rows are named");
  } else {
    require(!std::get<Skipped>(loaded).reason.empty(), "skipped without a reason");
  }
  return 0;
}
