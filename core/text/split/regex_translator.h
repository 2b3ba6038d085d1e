#pragma once

#include <string>
#include <string_view>

namespace vecdb {

enum class WholeMatch { k_plain, k_captured };

// The PCRE2 form of a regular expression of Python 3.11's `re` on str: same syntax accepted, same
// matches, same numbers of groups. With k_captured it is read inside ( ), so that group 1 is the
// whole match and the expression's own groups, and its references to them, count from 2 and from 1:
// what Python makes of f"({expression})".
//
// The result wants PCRE2_UTF, PCRE2_UCP, PCRE2_DOTALL and newline LF. It only uses constructs that
// both read alike, everything else spelled out, so no other option and no setting of the library
// changes it. Throws k_usage for what Python refuses and for what cannot be made exact: names of
// characters, references to groups under IGNORECASE, repeats over 65535.
std::string translate_python_regex(std::string_view expression, WholeMatch whole);

}  // namespace vecdb
