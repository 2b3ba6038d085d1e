#include "base/json.h"

#include <set>
#include <vector>

#include "base/utf8.h"

namespace vecdb {

namespace {

constexpr int k_max_depth = 64;

}  // namespace

Json parse_json(std::string_view text, const std::string& what, ErrorKind kind) {
  const auto refuse = [&](const std::string& why) -> Error {
    return {kind, what + ": not valid JSON: " + why};
  };
  if (const auto offset = find_invalid_utf8(text)) {
    throw refuse("byte " + std::to_string(*offset) + " is not UTF-8");
  }
  // Depth and duplicate keys are watched while parsing, before a deep value can be built: copying
  // or destroying one recurses.
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        if (depth >= k_max_depth) throw refuse("nested deeper than 64 levels");
        keys.emplace_back();
        break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        keys.pop_back();
        break;
      case Json::parse_event_t::key:
        if (!keys.back().insert(parsed.get<std::string>()).second) {
          throw refuse("the key \"" + parsed.get<std::string>() + "\" stands twice");
        }
        break;
      case Json::parse_event_t::value:
        break;
    }
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const nlohmann::json::parse_error& error) {
    throw refuse("error at byte " + std::to_string(error.byte));
  } catch (const nlohmann::json::exception&) {
    throw refuse("a number is out of range");
  }
}

std::string dump_json(const Json& value) { return value.dump(); }

}  // namespace vecdb
