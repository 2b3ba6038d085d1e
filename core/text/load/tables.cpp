#include "text/load/tables.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/load/csv_reader.h"
#include "text/load/skipped.h"
#include "text/split/unicode.h"

namespace vecdb {

namespace {

constexpr const char* k_row = "row";
constexpr std::size_t k_max_named = 100;

class Rows {
 public:
  explicit Rows(Document& document) : m_document(document) {}

  // `meta`: its other fields; a field "row" of its own stays what it is.
  void add(std::uint64_t number, std::string text, SourceRange range, std::uint64_t line,
           Json meta) {
    if (strip_python_space(text).empty()) return;
    if (!meta.contains(k_row)) meta[k_row] = number;
    Section section;
    section.map.add_whole(text.size(), range);
    section.text = std::move(text);
    section.line = line;
    section.meta = dump_json(meta);
    m_document.sections.push_back(std::move(section));
  }

  void skip(std::uint64_t line, std::string problem) {
    if (++m_skipped <= k_max_named) {
      m_document.skipped.push_back(
          {m_document.uri + ":" + std::to_string(line), std::move(problem)});
    }
  }

  void finish() {
    if (m_skipped > k_max_named) {
      m_document.skipped.push_back(
          {m_document.uri, std::to_string(m_skipped - k_max_named) + " more rows are malformed"});
    }
  }

 private:
  Document& m_document;
  std::size_t m_skipped = 0;
};

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::size_t column_of(const std::vector<std::string>& header, const std::string& name) {
  const auto found = std::ranges::find(header, name);
  if (found == header.end()) {
    refuse("has no column " + name + "; its columns are " + joined(header));
  }
  if (std::set(header.begin(), header.end()).size() < header.size()) {
    refuse("names two columns alike, so that they cannot be metadata; its columns are " +
           joined(header));
  }
  return static_cast<std::size_t>(found - header.begin());
}

std::string all_columns(const std::vector<std::string>& header,
                        const std::vector<std::string>& fields) {
  std::string text;
  bool is_empty = true;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string_view value = strip_python_space(fields[i]);
    is_empty = is_empty && value.empty();
    if (i > 0) text += '\n';
    text += strip_python_space(header[i]);
    text += ": ";
    text += value;
  }
  return is_empty ? "" : text;
}

}  // namespace

void read_csv(Document& document, char delimiter, const std::string& text_field) {
  CsvReader reader(document.decoded.text, delimiter);
  const auto header = reader.next();
  if (!header) return;
  if (!header->problem.empty()) refuse("has no header that can be read: " + header->problem);
  const std::vector<std::string>& names = header->fields;
  const std::size_t column = text_field.empty() ? names.size() : column_of(names, text_field);
  Rows rows(document);
  std::uint64_t number = 0;
  while (auto row = reader.next()) {
    ++number;
    if (row->problem.empty() && row->fields.size() != names.size()) {
      row->problem = "the number of fields is " + std::to_string(row->fields.size()) +
                     ", in the header " + std::to_string(names.size());
    }
    if (!row->problem.empty()) {
      rows.skip(row->line, std::move(row->problem));
      continue;
    }
    Json meta = Json::object();
    std::string text;
    if (column == names.size()) {
      text = all_columns(names, row->fields);
    } else {
      text = std::move(row->fields[column]);
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (i != column) meta[names[i]] = std::move(row->fields[i]);
      }
    }
    rows.add(number, std::move(text), row->range, row->line, std::move(meta));
  }
  rows.finish();
}

void read_json_lines(Document& document, const std::string& text_field) {
  const std::string field = text_field.empty() ? "text" : text_field;
  const std::string_view text = document.decoded.text;
  Rows rows(document);
  std::uint64_t number = 0;
  std::uint64_t line = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    SourceRange range{begin, end};
    begin = end + 1;
    ++line;
    const std::string_view record = text.substr(range.begin, range.end - range.begin);
    if (record.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    range.end = range.begin + record.find_last_not_of(" \t\r") + 1;
    ++number;
    try {
      Json object = parse_json(record, "the record", ErrorKind::k_io);
      if (!object.is_object()) refuse("is not a JSON object");
      const auto found = object.find(field);
      if (found == object.end()) refuse("has no \"" + field + "\"");
      if (!found->is_string()) refuse(field + " is not a string");
      std::string value = std::move(found->get_ref<std::string&>());
      object.erase(found);
      rows.add(number, std::move(value), range, line, std::move(object));
    } catch (const Error& error) {
      rows.skip(line, error.what());
    }
  }
  rows.finish();
}

}  // namespace vecdb
