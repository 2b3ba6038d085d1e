#include "trec_run.h"

#include <charconv>

#include "base/error.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view k_separators(" \t\n\r\v\f\0", 7);

fs::path require_free(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return path;
  throw Error(ErrorKind::k_io,
              path.string() + ": is there already; remove it, or name another file");
}

// As many digits as keep different scores apart, because trec_eval sorts by them.
std::string digits_of(double score) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, score).ptr};
}

}  // namespace

TrecRun::TrecRun(const fs::path& path)
    : m_path(require_free(fs::absolute(path))), m_file(m_path) {}

void TrecRun::require_writable(const std::string& id) {
  if (id.find_first_of(k_separators) == std::string::npos) return;
  throw Error(ErrorKind::k_io, "--run: the id \"" + id +
                                   "\" holds white space, where a TREC run would cut it; change "
                                   "it, or leave --run out");
}

void TrecRun::write(const std::string& query, std::span<const RankedDocument> documents) {
  std::string lines;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    lines += query + " Q0 " + documents[i].uri + " " + std::to_string(i + 1) + " " +
             digits_of(documents[i].score) + " vecdb\n";
  }
  m_file.write(lines);
}

void TrecRun::commit() {
  require_free(m_path);
  m_file.commit();
}

}  // namespace vecdb
