#pragma once

#include <string>
#include <string_view>
#include <vector>

// Helpers around the argument parser that know nothing of any one option.
namespace vecdb {

// Carries the values of the given flags past the parser, which would drop an empty value and take
// one that begins with a dash for a flag: "--separator" "V" and "--separator=V" both become
// "--separator=" + shielded(V). Everything after "--" is left alone.
std::vector<std::string> shield_values(std::vector<std::string> arguments,
                                       const std::vector<std::string_view>& flags);

// The reverse for one value.
std::string unshielded(std::string_view value);

}  // namespace vecdb
