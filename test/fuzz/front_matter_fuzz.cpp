// Input: a Markdown file.
#include <string>
#include <variant>

#include "fuzz.h"
#include "load_check.h"
#include "text/load/loader.h"

using namespace vecdb;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  LoadOptions options;
  options.type = FileType::k_markdown;
  const Loaded loaded = load_bytes("a.md", bytes, options);
  if (const auto* document = std::get_if<Document>(&loaded)) {
    fuzz::check_document(*document, bytes);
  } else {
    require(!std::get<Skipped>(loaded).reason.empty(), "skipped without a reason");
  }
  return 0;
}
