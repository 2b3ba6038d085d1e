#include "text/load/csv_reader.h"

#include <algorithm>

namespace vecdb {

std::optional<CsvRow> CsvReader::next() {
  while (m_at < m_text.size() && is_at_line_end()) pass_line_end();
  if (m_at == m_text.size()) return std::nullopt;
  CsvRow row;
  row.range.begin = m_at;
  row.line = m_line;
  const char ends[] = {m_delimiter, '\n', '\r'};
  for (;;) {
    std::string field;
    if (m_at < m_text.size() && m_text[m_at] == '"') {
      read_quoted(row, field);
    } else {
      const auto end = std::min(m_text.find_first_of({ends, 3}, m_at), m_text.size());
      field = m_text.substr(m_at, end - m_at);
      m_at = end;
    }
    row.fields.push_back(std::move(field));
    if (m_at == m_text.size() || m_text[m_at] != m_delimiter) break;
    ++m_at;
  }
  row.range.end = m_at;
  if (m_at < m_text.size()) pass_line_end();
  return row;
}

// Ends at a delimiter, a line end or the end of the text.
void CsvReader::read_quoted(CsvRow& row, std::string& field) {
  const std::uint64_t begin_line = m_line;
  ++m_at;
  for (;;) {
    const auto quote = m_text.find('"', m_at);
    const std::string_view part = m_text.substr(m_at, quote - m_at);
    field += part;
    m_line += static_cast<std::uint64_t>(std::ranges::count(part, '\n'));
    if (quote == std::string_view::npos) {
      m_at = m_text.size();
      row.problem = "the quote that opens in line " + std::to_string(begin_line) +
                    " is never closed, so that the rest of the file is not read";
      return;
    }
    m_at = quote + 1;
    if (m_at == m_text.size() || m_text[m_at] == m_delimiter || is_at_line_end()) return;
    if (m_text[m_at] != '"') break;
    field += '"';
    ++m_at;
  }
  row.problem = "something stands between a closing quote and the end of its field";
  const char ends[] = {m_delimiter, '\n', '\r'};
  m_at = std::min(m_text.find_first_of({ends, 3}, m_at), m_text.size());
}

bool CsvReader::is_at_line_end() const { return m_text[m_at] == '\n' || m_text[m_at] == '\r'; }

void CsvReader::pass_line_end() {
  if (m_text.substr(m_at).starts_with("\r\n")) ++m_at;
  // Lines are counted as everywhere: a lone "\r" ends a row, but no line.
  if (m_text[m_at] == '\n') ++m_line;
  ++m_at;
}

}  // namespace vecdb
