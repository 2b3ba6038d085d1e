#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "inputs.h"
#include "pipeline/ingest.h"
#include "search/retrieval_measures.h"
#include "text/load/beir.h"

// A folder in BEIR's layout: corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv.
namespace vecdb {

struct JudgedQuery {
  std::string id;
  std::string text;
  Judgements judgements;
};

struct BeirData {
  std::filesystem::path folder;
  std::string name;                           // of the folder
  std::unordered_set<std::string> documents;  // ids
  std::vector<JudgedQuery> queries;           // in the order of queries.jsonl
  std::vector<std::string> warnings;          // what BEIR takes in silence
};

// Reads queries and judgements and looks at every line of the corpus, so that nothing is wrong with
// it after an hour of encoding. Throws k_io, naming file and line, for what BEIR's format does not
// allow, an id that comes twice and a judgement of a query that is not there. After an interrupt
// not all is there. Shows that there is progress.
BeirData read_beir_data(const std::filesystem::path& folder, const std::string& split,
                        const GlobalOptions& global);

// The corpus as documents to store, each under its id. Throws k_io like read_beir_data().
class CorpusSources final : public SourceStream {
 public:
  explicit CorpusSources(const BeirData& data);

  std::optional<Source> next() override;
  std::uint64_t total() const override { return m_total; }

 private:
  std::string m_name;
  FileDescriptor m_file;
  LineReader m_lines;
  std::uint64_t m_total;
};

}  // namespace vecdb
