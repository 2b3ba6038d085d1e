#include "text/load/path_patterns.h"

#include <algorithm>
#include <utility>

namespace vecdb {

namespace {

// A backslash keeps the space behind it.
std::string_view without_trailing_spaces(std::string_view line) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == ' ') continue;
    if (line[i] == '\\') ++i;
    end = std::min(i + 1, line.size());
  }
  return line.substr(0, end);
}

}  // namespace

PathPatterns PathPatterns::parse(std::string_view content) {
  constexpr std::string_view k_utf8_mark = "\xEF\xBB\xBF";
  if (content.starts_with(k_utf8_mark)) content.remove_prefix(k_utf8_mark.size());
  PathPatterns patterns;
  while (!content.empty()) {
    const auto end = std::min(content.find('\n'), content.size());
    std::string_view line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    patterns.add(line);
  }
  return patterns;
}

bool PathPatterns::add(std::string_view line) {
  if (line.starts_with('#')) return false;
  line = without_trailing_spaces(line.substr(0, line.find('\0')));  // git ends a line at a NUL
  const bool negated = line.starts_with('!');
  if (negated) line.remove_prefix(1);
  const bool folders_only = line.ends_with('/');
  if (folders_only) line.remove_suffix(1);
  const bool whole_path = line.find('/') != std::string_view::npos;
  if (line.starts_with('/')) line.remove_prefix(1);
  if (line.empty()) return false;
  Glob glob(line);
  if (!glob.is_valid()) return false;
  m_patterns.push_back({std::move(glob), negated, folders_only, whole_path});
  return true;
}

std::optional<bool> PathPatterns::verdict(std::string_view path, PathKind kind) const {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (auto pattern = m_patterns.rbegin(); pattern != m_patterns.rend(); ++pattern) {
    if (pattern->folders_only && kind != PathKind::k_folder) continue;
    if (pattern->glob.matches(pattern->whole_path ? path : name)) return !pattern->negated;
  }
  return std::nullopt;
}

}  // namespace vecdb
