#include "file_sources.h"

#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>
#include <variant>

#include "base/interrupt.h"

namespace vecdb {

namespace fs = std::filesystem;

FileSources::FileSources(const InputOptions& options)
    : m_options(options),
      m_names(options, stop_token()),
      m_may_wait(options.files_from || std::ranges::count(options.paths, "-") > 0) {}

std::optional<Source> FileSources::next() {
  while (pending_interrupt() == 0) {
    std::optional<Source> source;
    if (!m_walk) {
      const auto name = m_names.next();
      if (!name) return std::nullopt;
      source = open(*name);
    } else if (auto found = m_walk->next()) {
      return std::visit([](auto&& each) { return Source(std::move(each)); }, std::move(*found));
    } else {
      m_walk.reset();
    }
    if (source) return source;
  }
  return std::nullopt;
}

void FileSources::count() {
  if (m_options.files_from) return;
  for (const std::string& path : m_options.paths) {
    std::error_code ignored;
    if (path == "-" || !fs::is_directory(path, ignored)) {
      ++m_total;
      continue;
    }
    for (FileWalk walk(path, m_options.walk); walk.next();) ++m_total;
  }
}

std::optional<Source> FileSources::open(const InputName& name) {
  if (name.is_stdin()) return take_stdin();
  const fs::path path = name.text;
  if (name.text.find('\0') != std::string::npos) {
    return Skipped{name.text, "is a name that holds a NUL byte; give -0 for a list of such ends"};
  }
  try {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      m_walk.emplace(path, m_options.walk);
      return std::nullopt;
    }
    if (belongs_to_store(path)) return skipped(path, "belongs to a store of vecdb");
    return FoundFile{path, stamp_of(path)};
  } catch (const Error& error) {
    return skipped(path, error);
  }
}

std::optional<Source> FileSources::take_stdin() const {
  const std::string& uri = m_options.stdin_name;
  try {
    std::string bytes = read_to_end(STDIN_FILENO, uri, m_options.max_file_size, stop_token());
    return NamedBytes{uri, std::move(bytes)};
  } catch (const Error& error) {
    if (pending_interrupt() != 0 || stop_token().stop_requested()) return std::nullopt;
    return Skipped{uri, reason_of(error, uri)};
  }
}

}  // namespace vecdb
