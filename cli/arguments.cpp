#include "arguments.h"

#include <algorithm>

namespace vecdb {

namespace {

constexpr char k_shield = '=';  // any character that no parser takes for the start of a flag

}  // namespace

std::vector<std::string> shield_values(std::vector<std::string> arguments,
                                       const std::vector<std::string_view>& flags) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") {
      result.insert(result.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i),
                    arguments.end());
      break;
    }
    const auto equals = arguments[i].find('=');
    const auto name = std::string_view(arguments[i]).substr(0, equals);
    const bool shielded = std::find(flags.begin(), flags.end(), name) != flags.end();
    if (!shielded || (equals == std::string::npos && i + 1 == arguments.size())) {
      result.push_back(arguments[i]);  // a flag without its value is for the parser to refuse
      continue;
    }
    const std::string value =
        equals == std::string::npos ? arguments[i + 1] : arguments[i].substr(equals + 1);
    result.push_back(std::string(name) + '=' + k_shield + value);
    if (equals == std::string::npos) ++i;
  }
  return result;
}

std::string unshielded(std::string_view value) { return std::string(value.substr(1)); }

}  // namespace vecdb
