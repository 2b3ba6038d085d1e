#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The files of a retrieval benchmark as BEIR (https://github.com/beir-cellar/beir) lays them out.
namespace vecdb {

// A line of corpus.jsonl or queries.jsonl.
struct BeirRecord {
  std::string id;  // never empty
  std::string title;
  std::string text;

  // What is to be found by: title and text with a space between, or the one that is not empty.
  std::string passage() const;
};

// Throws k_io, naming `where` and the key, for what is not one JSON object with strings "_id",
// which is not empty, and "text". "title" may be missing or null; other keys are let be.
BeirRecord parse_beir_record(std::string_view line, const std::string& where);

// A line of qrels/SPLIT.tsv: how relevant a document is to a query.
struct BeirJudgement {
  std::string query;
  std::string document;
  int relevance = 0;
  std::uint64_t line = 1;
};

// All of a file `name`: rows of query, document and a whole number below a header, with fields that
// may be quoted. Throws k_io, naming the line, for a row of another form and for a file without a
// judgement.
std::vector<BeirJudgement> parse_beir_judgements(std::string_view text, const std::string& name);

}  // namespace vecdb
