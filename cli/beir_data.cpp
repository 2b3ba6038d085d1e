#include "beir_data.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "console.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t k_records_a_look = 1024;  // at the clock, for progress
constexpr std::uint64_t k_most_judgement_bytes = std::uint64_t{1} << 30U;

fs::path corpus_file(const fs::path& folder) { return folder / "corpus.jsonl"; }

// The next record; nothing at the end and when an interrupt is pending.
std::optional<BeirRecord> next_record(LineReader& lines, const std::string& name) {
  while (const auto line = lines.next()) {
    if (is_blank(*line)) continue;
    try {
      return parse_beir_record(*line, name + ":" + std::to_string(lines.number()));
    } catch (const Error& error) {
      throw Error(error.kind(), std::string(error.what()) + "; mend the line, or leave it out");
    }
  }
  return std::nullopt;
}

// Every record of a file, whose ids it keeps.
std::unordered_set<std::string> read_records(const fs::path& path, const GlobalOptions& global,
                                             const std::function<void(BeirRecord)>& take) {
  const FileDescriptor file = open_regular_file(path);
  LineReader lines(file.get(), path);
  std::unordered_set<std::string> ids;
  ProgressLine progress(global);
  while (auto record = next_record(lines, path)) {
    if (!ids.insert(record->id).second) {
      throw Error(ErrorKind::k_io, path.string() + ":" + std::to_string(lines.number()) +
                                       ": the id \"" + record->id +
                                       "\" comes twice; leave one of the records out");
    }
    take(std::move(*record));
    if (ids.size() % k_records_a_look == 0) {
      progress.show(-1, with_thousands(ids.size()) + " records of " + path.filename().string());
    }
  }
  return ids;
}

// "dev, train": the splits that there are beside one that is not; empty when there are none.
std::string splits_beside(const fs::path& file) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(file.parent_path(), error)) {
    if (entry.path().extension() == ".tsv") names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::vector<BeirJudgement> read_judgements(const fs::path& path) {
  std::error_code error;
  const std::string others = fs::exists(path, error) ? "" : splits_beside(path);
  if (!others.empty()) {
    throw Error(ErrorKind::k_io,
                path.string() + ": is not there; let --split be one of: " + others);
  }
  return parse_beir_judgements(read_file(path, k_most_judgement_bytes), path);
}

// Queries with a judgement each, by id, without their texts.
std::unordered_map<std::string, JudgedQuery> judged_queries(
    const std::vector<BeirJudgement>& judgements, BeirData& data) {
  std::unordered_map<std::string, JudgedQuery> queries;
  std::uint64_t contradictions = 0;
  for (const BeirJudgement& each : judgements) {
    JudgedQuery& query = queries[each.query];
    const auto [known, is_new] = query.judgements.emplace(each.document, each.relevance);
    if (is_new || known->second == each.relevance) continue;
    ++contradictions;
    known->second = each.relevance;
  }
  if (contradictions > 0) {
    data.warnings.push_back(counted(contradictions, "judgement") +
                            " with another score than the same before: the last counts");
  }
  return queries;
}

void warn_of_odd_judgements(BeirData& data) {
  std::uint64_t absent = 0;
  std::uint64_t without = 0;
  for (const JudgedQuery& query : data.queries) {
    bool has_relevant = false;
    for (const auto& [document, relevance] : query.judgements) {
      if (relevance <= 0) continue;
      has_relevant = true;
      absent += data.documents.contains(document) ? 0 : 1;
    }
    without += has_relevant ? 0 : 1;
  }
  if (absent > 0) {
    data.warnings.push_back(counted(absent, "judgement") +
                            " of a document that is not in the corpus: as not found");
  }
  if (without > 0) {
    data.warnings.push_back(std::to_string(without) + (without == 1 ? " query" : " queries") +
                            " without a relevant document: as 0, in the means too");
  }
}

}  // namespace

BeirData read_beir_data(const fs::path& folder, const std::string& split,
                        const GlobalOptions& global) {
  BeirData data;
  data.folder = folder;
  data.name = fs::weakly_canonical(folder).filename();
  const fs::path qrels = folder / "qrels" / (split + ".tsv");
  const std::vector<BeirJudgement> judgements = read_judgements(qrels);
  auto judged = judged_queries(judgements, data);

  const fs::path queries = folder / "queries.jsonl";
  const auto known = read_records(queries, global, [&](BeirRecord record) {
    const auto found = judged.find(record.id);
    if (found == judged.end()) return;
    found->second.id = std::move(record.id);
    found->second.text = std::move(record.text);
    data.queries.push_back(std::move(found->second));
  });
  if (pending_interrupt() != 0) return data;
  for (const BeirJudgement& each : judgements) {
    if (known.contains(each.query)) continue;
    throw Error(ErrorKind::k_io, qrels.string() + ":" + std::to_string(each.line) +
                                     ": the query \"" + each.query + "\" is not in " +
                                     queries.string() + "; add it, or leave the line out");
  }

  data.documents = read_records(corpus_file(folder), global, [](const BeirRecord&) {});
  if (pending_interrupt() != 0) return data;
  if (data.documents.empty()) {
    throw Error(ErrorKind::k_io, corpus_file(folder).string() +
                                     ": holds no document; write one a line, as JSON");
  }
  warn_of_odd_judgements(data);
  return data;
}

CorpusSources::CorpusSources(const BeirData& data)
    : m_name(corpus_file(data.folder)),
      m_file(open_regular_file(m_name)),
      m_lines(m_file.get(), m_name),
      m_total(data.documents.size()) {}

std::optional<Source> CorpusSources::next() {
  const auto record = next_record(m_lines, m_name);
  if (!record) return std::nullopt;
  return NamedBytes{record->id, record->passage(), "", NamedBytes::Content::k_text};
}

}  // namespace vecdb
