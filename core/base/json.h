#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace vecdb {

// Objects keep the order in which keys were written. The one third-party type that vecdb's own
// .cpp files share; no public header of a module takes or returns it.
using Json = nlohmann::ordered_json;

// Parses one JSON value, strictly: the whole of `text`, at most 64 levels deep, no duplicate keys,
// well-formed UTF-8. `what` names the source in the error, which has the given kind.
Json parse_json(std::string_view text, const std::string& what, ErrorKind kind);

// The members of two JSON objects as one object, on one line: where both have a key, that of `over`
// counts. An empty text stands for an object without members. Throws as parse_json() does.
std::string merge_json(std::string_view under, std::string_view over, const std::string& what,
                       ErrorKind kind);

// One line, without a trailing newline; the reverse of parse_json. Strings must be UTF-8.
std::string dump_json(const Json& value);

// The same, with U+FFFD in place of what is not UTF-8: for messages that name files.
std::string dump_json_of_any_bytes(const Json& value);

// Appends what dump_json() makes of a string, without a value in between: for many and long ones.
void append_json_string(std::string& out, std::string_view text);

// Appends a finite number in the shortest decimal form that reads back as the same float, bit by
// bit: a zero keeps its sign.
void append_json_float(std::string& out, float value);

}  // namespace vecdb
