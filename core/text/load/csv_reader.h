#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/load/source_map.h"

namespace vecdb {

struct CsvRow {
  std::vector<std::string> fields;
  SourceRange range;       // without the line end
  std::uint64_t line = 1;  // where it begins
  std::string problem;     // why it is no row; empty when it is one
};

// Reads comma- or tab-separated values row by row: RFC 4180, with any of the three line ends. A
// field may be quoted, and then hold delimiters, line ends and doubled quotes; a quote inside a
// field that does not begin with one is a character like any other.
class CsvReader {
 public:
  CsvReader(std::string_view text, char delimiter) : m_text(text), m_delimiter(delimiter) {}

  // The next row that is not an empty line; nothing at the end. A row in which something other than
  // a delimiter follows a closing quote, or whose last quote is never closed, has a problem; the
  // reading goes on after it.
  std::optional<CsvRow> next();

 private:
  void read_quoted(CsvRow& row, std::string& field);
  bool is_at_line_end() const;
  void pass_line_end();

  std::string_view m_text;
  char m_delimiter;
  std::size_t m_at = 0;
  std::uint64_t m_line = 1;
};

}  // namespace vecdb
