#pragma once

#include <string>
#include <string_view>
#include <vector>

// Where sources of programming and markup languages are best split: the presets of LangChain's
// RecursiveCharacterTextSplitter.from_language (langchain-text-splitters 1.1.3).
namespace vecdb {

// Names in byte order: "c", "cobol", …
std::vector<std::string> known_languages();

// Regular expressions of Python's `re`, the coarsest first; none for a language that is not known.
std::vector<std::string> separators_of_language(std::string_view name);

}  // namespace vecdb
