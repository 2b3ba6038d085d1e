// Input: a byte of options, then a store's HEAD. With the lowest bit the right checksum is put
// behind it, which no fuzzer finds.
#include <string>

#include "base/sha256.h"
#include "fuzz.h"
#include "store/head.h"
#include "temporary_folder.h"

using namespace vecdb;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::TemporaryFolder folder;
  fuzz::Parts parts(data, size);
  const bool add_checksum = (parts.byte() & 1U) != 0;
  const auto bytes = parts.rest();
  std::string content(bytes.begin(), bytes.end());
  if (add_checksum) content += "sha256 " + sha256_hex(content) + "\n";
  const auto path = folder.write("HEAD", content);
  const auto head = fuzz::unless_refused(ErrorKind::k_damaged, [&] { return read_head(path); });
  require(!head || looks_like_head(path), "a HEAD does not look like one");
  return 0;
}
