#pragma once

#include <string_view>
#include <vector>

// Single characters as Python 3.11 sees them. The properties come from ICU; vecdb has no tables.
namespace vecdb {

// str.isspace(): bidirectional class WS, B or S, or category Zs. Other than White_Space it holds
// U+001C to U+001F.
bool is_python_space(char32_t character);

// str.strip(): `text`, which must be well-formed UTF-8, without white space at both ends.
std::string_view strip_python_space(std::string_view text);

// str.isidentifier().
bool is_python_identifier(std::u32string_view text);

// All characters that Python's `re` takes for the same as this one under IGNORECASE, itself
// included, in ascending order: those with an equal lower-case form, or with lower-case forms that
// share their upper-case form. This is neither Unicode's case folding (I matches dotless i) nor
// PCRE2's.
std::vector<char32_t> python_case_variants(char32_t character);

}  // namespace vecdb
