#include "store/page_scan.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "store/row_columns.h"
#include "store/schema.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::byte>;

constexpr std::size_t k_log_header = 32;
constexpr std::size_t k_frame_header = 24;  // a frame is this and a page
constexpr std::size_t k_file_header = 100;  // of the first page
constexpr std::size_t k_page_header = 8;    // of a leaf; pointers to cells follow
constexpr auto k_table_leaf = std::byte{0x0d};
constexpr std::size_t k_overflow_bytes = k_catalogue_page - 4;  // after the next page's number
constexpr std::size_t k_document_columns = 18;
constexpr std::size_t k_chunk_columns = 12;
constexpr std::size_t k_segment_columns = 15;

std::uint64_t big_endian(Bytes bytes) {
  std::uint64_t number = 0;
  for (const std::byte byte : bytes) number = number << 8U | static_cast<std::uint64_t>(byte);
  return number;
}

// Takes a number of SQLite's variable length from the front; nothing when the bytes end in it.
std::optional<std::uint64_t> take_varint(Bytes& bytes) {
  constexpr std::size_t k_most = 9;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < k_most && i < bytes.size(); ++i) {
    const auto byte = static_cast<std::uint64_t>(bytes[i]);
    const bool is_last = i + 1 == k_most;
    number = is_last ? number << 8U | byte : number << 7U | (byte & 0x7fU);
    if (is_last || byte < 0x80U) {
      bytes = bytes.subspan(i + 1);
      return number;
    }
  }
  return std::nullopt;
}

// How many bytes of a payload stand in the cell itself.
std::size_t local_bytes(std::size_t payload) {
  constexpr std::size_t k_most = k_catalogue_page - 35;
  constexpr std::size_t k_least = (k_catalogue_page - 12) * 32 / 255 - 23;
  if (payload <= k_most) return payload;
  const std::size_t wanted = k_least + (payload - k_least) % k_overflow_bytes;
  return wanted <= k_most ? wanted : k_least;
}

// The bytes that a value takes, by its serial type; nothing for a type that is reserved.
std::optional<std::uint64_t> bytes_of(std::uint64_t type) {
  constexpr std::uint64_t k_numbers[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
  if (type >= 12) return (type - 12) / 2;
  if (type >= std::size(k_numbers)) return std::nullopt;
  return k_numbers[type];
}

}  // namespace

// The columns of one cell.
class PageScan::Row {
 public:
  // Nothing when the bytes are no record.
  static std::optional<Row> parse(std::int64_t id, std::string payload) {
    Row row;
    row.m_id = id;
    row.m_payload = std::move(payload);
    const Bytes all = std::as_bytes(std::span(row.m_payload));
    Bytes types = all;
    const auto header = take_varint(types);
    if (!header || *header > all.size()) return std::nullopt;
    std::size_t offset = *header;
    types = all.subspan(all.size() - types.size());
    while (all.size() - types.size() < *header) {
      const auto type = take_varint(types);
      const auto bytes = type ? bytes_of(*type) : std::nullopt;
      if (!bytes || *bytes > all.size() - offset) return std::nullopt;
      row.m_fields.push_back({.type = *type, .offset = offset, .bytes = *bytes});
      offset += *bytes;
    }
    return row;
  }

  std::size_t columns() const noexcept { return m_fields.size(); }

  // Of the first column, SQLite's row number; 0 for what is no integer.
  std::int64_t integer(int column) const {
    const Field& field = m_fields[static_cast<std::size_t>(column)];
    if (column == 0 && field.type == 0) return m_id;
    if (field.type == 9) return 1;
    if (field.type == 0 || field.type > 6) return 0;
    const auto shift = static_cast<unsigned>(64 - 8 * field.bytes);  // for the sign
    const std::uint64_t number =
        big_endian(std::as_bytes(std::span(m_payload)).subspan(field.offset, field.bytes));
    return static_cast<std::int64_t>(number << shift) >> shift;
  }

  // Empty for what is no text.
  std::string text(int column) const {
    const Field& field = m_fields[static_cast<std::size_t>(column)];
    const bool is_text = field.type >= 13 && field.type % 2 == 1;
    return is_text ? m_payload.substr(field.offset, field.bytes) : std::string();
  }

 private:
  struct Field {
    std::uint64_t type = 0;
    std::size_t offset = 0;
    std::size_t bytes = 0;
  };
  std::int64_t m_id = 0;
  std::string m_payload;
  std::vector<Field> m_fields;
};

PageScan::PageScan(const fs::path& catalogue)
    : m_path(catalogue),
      m_file(catalogue),
      m_file_pages(m_file.bytes().size() / k_catalogue_page) {
  const fs::path log = catalogue.string() + "-wal";
  std::error_code error;
  if (!fs::is_regular_file(log, error)) return;
  m_log.emplace(log);
  const std::size_t bytes = m_log->bytes().size();
  if (bytes > k_log_header) {
    m_log_pages = (bytes - k_log_header) / (k_frame_header + k_catalogue_page);
  }
}

Bytes PageScan::page_at(std::size_t page) const {
  if (page < m_file_pages) {
    return m_file.bytes().subspan(page * k_catalogue_page, k_catalogue_page);
  }
  const std::size_t frame = page - m_file_pages;
  const std::size_t offset =
      k_log_header + frame * (k_frame_header + k_catalogue_page) + k_frame_header;
  return m_log->bytes().subspan(offset, k_catalogue_page);
}

Bytes PageScan::page_of_number(std::uint64_t number) const {
  for (std::size_t frame = m_log_pages; frame > 0; --frame) {
    const std::size_t offset = k_log_header + (frame - 1) * (k_frame_header + k_catalogue_page);
    if (big_endian(m_log->bytes().subspan(offset, 4)) == number) {
      return page_at(m_file_pages + frame - 1);
    }
  }
  return number > 0 && number <= m_file_pages ? page_at(number - 1) : Bytes();
}

void PageScan::scan() {
  if (std::exchange(m_is_scanned, true)) return;
  for (std::size_t page = 0; page < page_count(); ++page) scan_page(page);
  for (auto* places : {&m_documents, &m_chunks, &m_segments}) {
    std::ranges::stable_sort(*places, {}, &Place::id);
  }
}

void PageScan::scan_page(std::size_t page) {
  const Bytes bytes = page_at(page).subspan(page == 0 ? k_file_header : 0);
  if (bytes[0] != k_table_leaf) return;
  const std::size_t cells =
      std::min<std::size_t>(big_endian(bytes.subspan(3, 2)), (bytes.size() - k_page_header) / 2);
  for (std::size_t cell = 0; cell < cells; ++cell) {
    Place place{.id = 0, .page = page, .cell = cell};
    const std::size_t offset = big_endian(bytes.subspan(k_page_header + 2 * cell, 2));
    if (offset >= k_catalogue_page) continue;
    Bytes content = page_at(page).subspan(offset);
    if (!take_varint(content)) continue;
    const auto id = take_varint(content);
    const Bytes record = content;
    const auto header = id ? take_varint(content) : std::nullopt;
    if (!header || *header > record.size()) continue;
    // The types of all columns stand in the cell: they are far fewer bytes than the least part of a
    // payload that does.
    std::size_t columns = 0;
    while (record.size() - content.size() < *header && take_varint(content)) ++columns;
    place.id = static_cast<std::int64_t>(*id);
    if (columns == k_document_columns) m_documents.push_back(place);
    if (columns == k_chunk_columns) m_chunks.push_back(place);
    if (columns == k_segment_columns) m_segments.push_back(place);
  }
}

std::optional<PageScan::Row> PageScan::row_at(const Place& place) const {
  const Bytes page = page_at(place.page);
  const std::size_t pointers = (place.page == 0 ? k_file_header : 0) + k_page_header;
  Bytes content = page.subspan(big_endian(page.subspan(pointers + 2 * place.cell, 2)));
  const auto bytes = take_varint(content);
  const auto id = bytes ? take_varint(content) : std::nullopt;
  if (!id || *bytes > page_count() * k_catalogue_page) return std::nullopt;
  const std::size_t local = local_bytes(*bytes);
  if (local > content.size()) return std::nullopt;
  std::string payload(reinterpret_cast<const char*>(content.data()), local);
  content = content.subspan(local);
  while (payload.size() < *bytes) {  // each turn adds to it, so a circle ends too
    if (content.size() < 4) return std::nullopt;
    content = page_of_number(big_endian(content.first(4)));
    if (content.empty()) return std::nullopt;
    const std::size_t more = std::min(k_overflow_bytes, *bytes - payload.size());
    payload.append(reinterpret_cast<const char*>(content.data()) + 4, more);
  }
  return Row::parse(static_cast<std::int64_t>(*id), std::move(payload));
}

template <typename Read>
auto PageScan::find(const std::vector<Place>& places, std::int64_t id, const Read& read) const
    -> decltype(read(std::declval<const Row&>())) {
  const auto first = std::ranges::lower_bound(places, id, {}, &Place::id);
  for (auto place = std::ranges::upper_bound(places, id, {}, &Place::id); place != first;) {
    const auto row = row_at(*--place);
    if (!row) continue;
    try {
      if (auto found = read(*row)) return found;
    } catch (const Error& error) {  // of another version of the row
      if (error.kind() != ErrorKind::k_damaged) throw;
    }
  }
  return std::nullopt;
}

std::vector<std::int64_t> PageScan::numbers_in(const std::vector<Place>& places) {
  std::vector<std::int64_t> numbers;
  for (const Place& place : places) {
    if (numbers.empty() || numbers.back() != place.id) numbers.push_back(place.id);
  }
  return numbers;
}

std::vector<std::int64_t> PageScan::numbers_of_documents() {
  scan();
  return numbers_in(m_documents);
}

std::vector<std::int64_t> PageScan::numbers_of_segments() {
  scan();
  return numbers_in(m_segments);
}

std::optional<SegmentRow> PageScan::segment(std::int64_t number, std::size_t dimension) {
  scan();
  return find(m_segments, number, [&](const Row& row) -> std::optional<SegmentRow> {
    if (row.columns() != k_segment_columns) return std::nullopt;
    return segment_from(row, dimension, m_path);
  });
}

std::optional<DocumentRow> PageScan::document(std::int64_t number) {
  scan();
  return find(m_documents, number, [&](const Row& row) -> std::optional<DocumentRow> {
    if (row.columns() != k_document_columns) return std::nullopt;
    return document_from(row, 0, m_path);
  });
}

std::optional<ChunkRow> PageScan::chunk(const DocumentRow& document, ChunkId id) {
  scan();
  const DocumentSummary& summary = document.summary;
  return find(m_chunks, id, [&](const Row& row) -> std::optional<ChunkRow> {
    if (row.columns() != k_chunk_columns) return std::nullopt;
    ChunkRow chunk = chunk_from(row, summary.record.uri, m_path);
    const bool agrees = chunk.document == document.id && chunk.number == id - summary.first_chunk;
    return agrees ? std::optional(std::move(chunk)) : std::nullopt;
  });
}

}  // namespace vecdb
