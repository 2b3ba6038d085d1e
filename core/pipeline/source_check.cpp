#include "pipeline/source_check.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/sha256.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_block_bytes = std::size_t{1} << 20U;

// Nothing after an interrupt.
std::optional<std::string> sha256_of_file(const fs::path& path) {
  const FileDescriptor file = open_regular_file(path);
  std::vector<std::byte> block(k_block_bytes);
  Sha256 hash;
  while (pending_interrupt() == 0) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw Error(ErrorKind::k_io, path.string() + ": cannot be read: " + last_system_error());
    }
    if (got == 0) return hash.hex_digest();
    hash.update(std::span(block).first(static_cast<std::size_t>(got)));
  }
  return std::nullopt;
}

// What a file's uri is; records and stdin have no times. A file may be dated 1970.
bool is_file(const DocumentRecord& record) {
  return (record.mtime_ns != 0 || record.ctime_ns != 0) && record.uri.starts_with('/');
}

// Nothing after an interrupt.
std::optional<SourceFinding> check_source(const DocumentRecord& record) {
  SourceFinding finding{.uri = record.uri, .state = SourceCheck::k_same, .why = ""};
  try {
    const auto sha256 = sha256_of_file(record.uri);
    if (!sha256) return std::nullopt;
    if (*sha256 != record.sha256) finding.state = SourceCheck::k_changed;
  } catch (const Error& error) {
    std::error_code status;
    const bool is_gone = !fs::exists(record.uri, status) && !status;
    finding.state = is_gone ? SourceCheck::k_gone : SourceCheck::k_unreadable;
    finding.why = error.what();
  }
  return finding;
}

}  // namespace

SourceCounts check_sources(const StoreReader& store,
                           const std::function<void(const SourceFinding&)>& on_difference) {
  SourceCounts counts;
  store.each_document([&](const DocumentSummary& document) {
    if (!is_file(document.record)) {
      ++counts.no_files;
      return true;
    }
    const auto finding = check_source(document.record);
    counts.interrupted = !finding;
    if (!finding) return false;
    ++counts.compared;
    if (finding->state != SourceCheck::k_same) {
      ++counts.differing;
      on_difference(*finding);
    }
    return true;
  });
  return counts;
}

}  // namespace vecdb
