#include "text/load/beir.h"

#include <charconv>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "text/load/csv_reader.h"

namespace vecdb {

namespace {

constexpr const char* k_columns = "query-id, corpus-id and score with tabs between";

std::string string_of(const Json& record, const char* key, const std::string& where) {
  if (!record.contains(key)) {
    throw Error(ErrorKind::k_io, where + ": has no \"" + key + "\"");
  }
  if (!record[key].is_string()) {
    throw Error(ErrorKind::k_io, where + ": \"" + key + "\" is not a string");
  }
  return record[key].get<std::string>();
}

std::optional<int> whole_number(const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string BeirRecord::passage() const {
  if (title.empty() || text.empty()) return title + text;
  return title + " " + text;
}

BeirRecord parse_beir_record(std::string_view line, const std::string& where) {
  const Json record = parse_json(line, where, ErrorKind::k_io);
  if (!record.is_object()) {
    throw Error(ErrorKind::k_io, where + ": is not a JSON object");
  }
  const bool has_title = record.contains("title") && !record["title"].is_null();
  BeirRecord result{.id = string_of(record, "_id", where),
                    .title = has_title ? string_of(record, "title", where) : "",
                    .text = string_of(record, "text", where)};
  if (result.id.empty()) {
    throw Error(ErrorKind::k_io, where + ": \"_id\" is empty");
  }
  return result;
}

std::vector<BeirJudgement> parse_beir_judgements(std::string_view text, const std::string& name) {
  CsvReader rows(text, '\t');
  std::vector<BeirJudgement> judgements;
  bool is_header = true;
  while (auto row = rows.next()) {
    const auto refuse = [&](const std::string& why) {
      throw Error(ErrorKind::k_io, name + ":" + std::to_string(row->line) + ": " + why);
    };
    if (!row->problem.empty()) refuse(row->problem + "; mend it");
    auto& fields = row->fields;
    if (fields.size() != 3) {
      refuse("has " + std::to_string(fields.size()) +
             (fields.size() == 1 ? " field" : " fields") + ", not 3; write " + k_columns);
    }
    const auto relevance = whole_number(fields[2]);
    if (std::exchange(is_header, false)) {
      // BEIR passes over the first line whatever it holds, and loses a judgement here.
      if (relevance) refuse(std::string("is a judgement, not a header; begin with ") + k_columns);
      continue;
    }
    if (!relevance) refuse("the score \"" + fields[2] + "\" is not a whole number; write one");
    judgements.push_back({std::move(fields[0]), std::move(fields[1]), *relevance, row->line});
  }
  if (judgements.empty()) {
    throw Error(ErrorKind::k_io, name + ": holds no judgement; write " + k_columns +
                                     ", one a line below a header");
  }
  return judgements;
}

}  // namespace vecdb
