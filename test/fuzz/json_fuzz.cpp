// Input: a JSON text.
#include <string>

#include "base/json.h"
#include "base/utf8.h"
#include "fuzz.h"

using namespace vecdb;
using fuzz::require;

namespace {

int depth_of(const Json& value) {
  if (!value.is_structured()) return 0;
  int deepest = 0;
  for (const Json& element : value) deepest = std::max(deepest, depth_of(element));
  return 1 + deepest;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value =
      fuzz::unless_refused(ErrorKind::k_io, [&] { return parse_json(text, "", ErrorKind::k_io); });
  if (!value) return 0;
  require(depth_of(*value) <= 64, "nested too deep");
  const std::string written = dump_json(*value);
  require(!find_invalid_utf8(written), "what is written is not UTF-8");
  require(written.find('\n') == std::string::npos, "what is written is not one line");
  const Json again = parse_json(written, "again", ErrorKind::k_io);
  require(again == *value, "written and read, the value is another one");
  require(dump_json(again) == written, "written twice, the text is another one");
  return 0;
}
