// Input: three parts, the uri, the document's and the chunk's metadata; the rest, a filter.
#include <string>

#include "base/json.h"
#include "fuzz.h"
#include "search/filter.h"

using namespace vecdb;
using fuzz::require;

namespace {

std::optional<Filter> read(std::string_view text) {
  return fuzz::unless_refused(ErrorKind::k_usage, [&] { return parse_filter(text, "filter"); });
}

bool is_object(std::string_view text) {
  const auto json = fuzz::unless_refused(
      ErrorKind::k_io, [&] { return parse_json(text, "metadata", ErrorKind::k_io); });
  return json && json->is_object();
}

// Of an object, as a store keeps them; nothing for nothing.
std::string keys_of(std::string_view object) {
  if (object.empty()) return "";
  const Json json = parse_json(object, "metadata", ErrorKind::k_io);
  Json keys = Json::array();
  for (const auto& [key, value] : json.items()) {
    keys.push_back(key);
  }
  return dump_json(keys);
}

void check_document(const Filter& filter, const Filter& again,
                    const std::optional<Filter>& opposite, const DocumentFacts& facts,
                    std::string_view meta, std::string_view chunk) {
  const bool passes = filter.matches(facts, meta, chunk);
  require(again.matches(facts, meta, chunk) == passes, "printed and read, it says otherwise");
  require(!opposite || opposite->matches(facts, meta, chunk) != passes,
          "its negation says the same");
  const auto verdict = filter.decide(facts);
  require(!verdict || *verdict == passes, "the facts alone say otherwise");
  const auto of_document = filter.decide(facts, meta, keys_of(chunk));
  require(!of_document || *of_document == passes, "the document alone says otherwise");
  require(of_document || !chunk.empty(), "undecided without metadata of the chunk");
  require(verdict || filter.uses_metadata(), "undecided without metadata");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const fuzz::Parts::Bytes uri = parts.part();
  const fuzz::Parts::Bytes meta = parts.part();
  const fuzz::Parts::Bytes chunk = parts.part();
  const fuzz::Parts::Bytes text = parts.rest();
  const auto filter = read(fuzz::view(text));
  if (!filter) return 0;
  const std::string printed = filter->text();
  if (printed.size() > 64 * 1024) return 0;  // longer than what it was read from
  const auto again = read(printed);
  require(again.has_value(), "what is printed is refused");
  require(again->text() == printed, "printed twice, it is another one");
  require(again->keys() == filter->keys(), "printed and read, it reads other keys");
  const auto opposite = read("not (" + printed + ")");  // nothing where it is nested too deep then
  const std::string_view object = is_object(fuzz::view(meta)) ? fuzz::view(meta) : "{}";
  const std::string_view stronger = is_object(fuzz::view(chunk)) ? fuzz::view(chunk) : "";
  check_document(*filter, *again, opposite,
                 {fuzz::view(uri), "text", "00", size, static_cast<std::int64_t>(size) << 40U},
                 object, stronger);
  check_document(*filter, *again, opposite, {fuzz::view(uri), "", "", 0, 0}, object, stronger);
  return 0;
}
