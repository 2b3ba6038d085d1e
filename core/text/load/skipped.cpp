#include "text/load/skipped.h"

#include <string_view>
#include <system_error>
#include <utility>

#include "base/utf8.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

std::string printable(std::string_view name) {
  constexpr std::string_view k_digits = "0123456789ABCDEF";
  std::string out;
  while (const auto offset = find_invalid_utf8(name)) {
    out += name.substr(0, *offset);
    const auto byte = static_cast<unsigned char>(name[*offset]);
    out += {'\\', 'x', k_digits[byte >> 4U], k_digits[byte & 0x0FU]};
    name.remove_prefix(*offset + 1);
  }
  return out += name;
}

}  // namespace

Skipped skipped(const fs::path& path, std::string reason) {
  return {printable(uri_of(path)), std::move(reason)};
}

Skipped skipped(const fs::path& path, const Error& error) {
  return skipped(path, reason_of(error, path.string()));
}

std::string reason_of(const Error& error, const std::string& what) {
  const std::string message = error.what();
  const std::string prefix = what + ": ";
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

void refuse(const std::string& reason) { throw Error(ErrorKind::k_io, reason); }

std::string uri_of(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  if (error) {
    throw Error(ErrorKind::k_io, path.string() + ": cannot make it absolute: " + error.message() +
                                     "; give a path from the root");
  }
  std::string uri = absolute.lexically_normal().string();
  if (uri.size() > 1 && uri.ends_with('/')) uri.pop_back();  // of "folder/" and "."
  return uri;
}

}  // namespace vecdb
