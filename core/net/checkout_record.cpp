#include "net/checkout_record.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"

namespace vecdb {

namespace {

constexpr std::uint64_t k_max_bytes = std::uint64_t{1} << 20U;

void write_json(const std::filesystem::path& path, const Json& value) {
  AtomicFile file(path);
  file.write(dump_json(value) + "\n");
  file.commit();
}

std::optional<Json> read_json(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  return parse_json(read_file(path, k_max_bytes), path.string(), ErrorKind::k_io);
}

Error not_ours(const std::filesystem::path& path) {
  return {ErrorKind::k_io, path.string() + ": is not as vecdb wrote it; remove it"};
}

}  // namespace

void write_record(const std::filesystem::path& path, const CheckoutRecord& record) {
  Json files = Json::object();
  for (const auto& [name, file] : record.files) {
    files[name] = {{"size", file.size}, {"sha256", file.sha256}};
  }
  write_json(path, {{"source", record.source}, {"files", files}});
}

std::optional<CheckoutRecord> read_record(const std::filesystem::path& path) {
  const auto value = read_json(path);
  if (!value) return std::nullopt;
  try {
    CheckoutRecord record{value->at("source").get<std::string>(), {}};
    for (const auto& [name, file] : value->at("files").items()) {
      const FetchedFile fetched{file.at("size").get<std::uint64_t>(),
                                file.at("sha256").get<std::string>()};
      if (!is_hex(fetched.sha256, 64)) throw not_ours(path);
      record.files.emplace(name, fetched);
    }
    return record;
  } catch (const Json::exception&) {
    throw not_ours(path);
  }
}

std::map<std::string, std::string> read_revisions(const std::filesystem::path& path) {
  const auto value = read_json(path);
  if (!value) return {};
  try {
    return value->get<std::map<std::string, std::string>>();
  } catch (const Json::exception&) {
    throw not_ours(path);
  }
}

void write_revisions(const std::filesystem::path& path,
                     const std::map<std::string, std::string>& revisions) {
  write_json(path, Json(revisions));
}

}  // namespace vecdb
