#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "base/file.h"
#include "pipeline/nearest_documents.h"

namespace vecdb {

// A file of rankings as trec_eval (https://github.com/usnistgov/trec_eval) reads them: a line
// "QUERY Q0 DOCUMENT RANK SCORE vecdb" for each document. There only when it was committed. Throws
// k_io, also when something of that name is there already.
class TrecRun {
 public:
  explicit TrecRun(const std::filesystem::path& path);

  // Throws k_io for an id that would be cut in such a file.
  static void require_writable(const std::string& id);

  void write(const std::string& query, std::span<const RankedDocument> documents);
  void commit();

 private:
  std::filesystem::path m_path;
  AtomicFile m_file;
};

}  // namespace vecdb
