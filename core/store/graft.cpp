#include "store/graft.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <system_error>

#include "base/file.h"
#include "store/catalogue.h"
#include "store/schema.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

// Of numbers in the header: 32 bits, big-endian.
constexpr std::size_t k_pages_offset = 28;
constexpr std::size_t k_user_version_offset = 60;
constexpr std::size_t k_application_id_offset = 68;

std::uint32_t number_at(std::span<const std::byte> header, std::size_t offset) {
  std::uint32_t number = 0;
  for (const std::byte byte : header.subspan(offset, 4)) {
    number = number << 8U | static_cast<std::uint32_t>(byte);
  }
  return number;
}

// All of a new catalogue.
std::string fresh_catalogue(const fs::path& folder) {
  const fs::path file = folder / "fresh.db";
  Catalogue::create(file, {.model = "", .fingerprint = "", .precision = "", .dimension = 1}, "");
  std::string bytes = read_file(file, std::uint64_t{1} << 20U);
  fs::remove(file);
  return bytes;
}

}  // namespace

fs::path graft_catalogue(const fs::path& catalogue, const fs::path& folder) {
  const std::string fresh = fresh_catalogue(folder);
  const MappedFile old(catalogue);
  const auto rest = old.bytes().subspan(std::min(k_catalogue_page, old.bytes().size()));
  std::string first = fresh.substr(0, k_catalogue_page);
  const std::size_t rest_pages = (rest.size() + k_catalogue_page - 1) / k_catalogue_page;
  // As many as the schema speaks of at least; those that are lost are empty.
  const std::size_t pages = std::max(rest_pages + 1, fresh.size() / k_catalogue_page);
  for (std::size_t i = 0; i < 4; ++i) {
    first[k_pages_offset + i] = static_cast<char>(pages >> (24 - 8 * i));
  }
  const std::string padding((pages - 1) * k_catalogue_page - rest.size(), '\0');

  fs::path copy = folder / catalogue.filename();
  AtomicFile file(copy);
  file.write(first);
  file.write(rest);
  file.write(padding);
  file.commit();
  const std::string log = catalogue.string() + "-wal";
  std::error_code error;
  if (fs::is_regular_file(log, error)) copy_durably(log, copy.string() + "-wal");
  return copy;
}

std::string format_of_catalogue(const fs::path& catalogue) {
  const MappedFile file(catalogue);
  const auto header = file.bytes().first(std::min(k_catalogue_page, file.bytes().size()));
  if (header.size() < k_catalogue_page ||
      number_at(header, k_application_id_offset) != k_application_id) {
    return {};
  }
  return std::to_string(number_at(header, k_user_version_offset));
}

}  // namespace vecdb
