#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vecdb {

enum class FileType { k_text, k_markdown, k_html, k_pdf, k_csv, k_tsv, k_jsonl };

const char* name_of(FileType type);  // "text", "markdown", …

// What a file holds, by its first bytes (a PDF, whatever its name; a web page), else by the ending
// of its name, else text. `bytes` are decompressed, and `name` has lost the ending that said so.
FileType guess_type(std::string_view name, std::string_view bytes);

// What bytes that are no text seem to be, with its article: "a ZIP archive". Nothing when unknown.
std::optional<std::string> known_binary(std::string_view bytes);

}  // namespace vecdb
