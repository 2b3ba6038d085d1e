#include <cmath>
#include <random>
#include <set>
#include <system_error>
#include <utility>

#include "store/catalogue.h"
#include "store/catalogue_edit.h"
#include "store/consistency.h"
#include "store/damage.h"
#include "store/flat_segment.h"
#include "store/head.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/store.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr double k_unit_tolerance = 1e-3;

std::string random_id() {
  constexpr char k_digits[] = "0123456789abcdef";
  std::random_device random;
  std::string id;
  while (id.size() < 32) id += k_digits[random() & 15];
  return id;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  const fs::path absolute = fs::absolute(folder);
  if (fs::is_directory(absolute, error)) return;
  make_folder(absolute.parent_path());
  fs::create_directory(absolute, error);
  if (error) {
    throw Error(ErrorKind::k_io, folder.string() + ": cannot create: " + error.message());
  }
  sync_folder(absolute.parent_path());
}

// HEAD comes first and the catalogue, which makes the folder a store, last.
void create_store(const StoreLayout& layout, const StoreSettings& settings) {
  if (settings.dimension == 0 || settings.dimension > 1'000'000) {
    throw Error(ErrorKind::k_usage, "a store's dimension must be from 1 to 1000000");
  }
  const auto head = read_head(layout.head);
  if ((head && head->generation > 0) || has_segments(layout)) {
    throw damaged(layout.catalogue, "is missing");
  }
  make_folder(layout.segments);
  const std::string id = random_id();
  PendingHead(layout.head, {.store = id, .generation = 0}).commit();
  Catalogue::create(layout.catalogue, settings, id);
}

void refuse_vectors(const NewDocument& document, std::size_t dimension) {
  const std::string& uri = document.record.uri;
  if (document.vectors.size() != document.chunks.size() * dimension) {
    throw Error(ErrorKind::k_usage, uri + ": has " + std::to_string(document.vectors.size()) +
                                        " floats for " + std::to_string(document.chunks.size()) +
                                        " chunks of " + std::to_string(dimension) + " dimensions");
  }
  for (std::size_t first = 0; first < document.vectors.size(); first += dimension) {
    double square = 0;
    for (const float x : std::span(document.vectors).subspan(first, dimension)) {
      square += static_cast<double>(x) * static_cast<double>(x);
    }
    if (std::abs(square - 1) < k_unit_tolerance) continue;  // false for a NaN too
    throw Error(ErrorKind::k_usage, uri + ": the vector of chunk " +
                                        std::to_string(first / dimension) +
                                        " is not of unit length");
  }
}

void refuse_commit(std::span<const NewDocument> documents, std::span<const std::string> removed,
                   std::span<const DocumentRecord> touched, std::size_t dimension) {
  std::set<std::string_view> uris;
  const auto add = [&](const std::string& uri) {
    if (!uris.insert(uri).second) throw Error(ErrorKind::k_usage, uri + ": is there twice");
  };
  for (const NewDocument& document : documents) {
    add(document.record.uri);
    refuse_vectors(document, dimension);
  }
  for (const std::string& uri : removed) add(uri);
  for (const DocumentRecord& record : touched) add(record.uri);
}

// Removes a file that no commit names, unless kept.
class Undo {
 public:
  explicit Undo(fs::path file) : m_file(std::move(file)) {}
  ~Undo() {
    std::error_code ignored;
    if (!m_file.empty()) fs::remove(m_file, ignored);
  }
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  void keep() { m_file.clear(); }

 private:
  fs::path m_file;
};

}  // namespace

struct StoreWriter::Impl {
  // What was committed must be whole before anything is swept: the sweep believes the catalogue.
  Impl(const StoreLayout& store_layout, StoreLock held, const Notice& notice)
      : layout(store_layout),
        lock(std::move(held)),
        catalogue(Catalogue::open_to_write(layout.catalogue)) {
    const Head head = require_store(layout);
    compare_with_head(layout, catalogue, head);
    std::set<std::string> named;
    for (const SegmentRow& row : catalogue.segments()) named.insert(row.name);
    const std::int64_t generation = catalogue.state().generation;
    if (generation > head.generation) {  // the last writer died between the two
      PendingHead(layout.head, {.store = head.store, .generation = generation}).commit();
    }
    make_folder(layout.segments);
    const std::size_t swept = sweep(layout, named);
    if (!notice) return;
    const std::string folder = layout.folder.string();
    if (swept > 0) {
      notice(folder + ": removed " + std::to_string(swept) +
             (swept == 1 ? " file that no commit names" : " files that no commit names"));
    }
    if (is_on_network(layout.folder)) {
      notice(folder +
             ": lies on a network file system, where locks may not hold; use one computer");
    }
  }

  ~Impl() {
    if (failed) return;
    try {
      catalogue.database().checkpoint();
    } catch (const std::exception&) {  // all is durable in the log; the next writer tries again
    }
  }

  void commit(std::span<const NewDocument> documents, std::span<const std::string> removed,
              std::span<const DocumentRecord> touched) {
    CatalogueEdit edit(catalogue);
    bool is_change = !documents.empty() || !touched.empty();
    for (const std::string& uri : removed) is_change |= edit.remove_document(uri);
    for (const NewDocument& document : documents) edit.remove_document(document.record.uri);
    if (!is_change) return;

    for (const DocumentRecord& record : touched) edit.touch_document(record);
    const SegmentRow row = write_vectors(edit.state(), documents);
    Undo segment(row.count > 0 ? layout.segment(row.name) : fs::path());
    if (row.count > 0) edit.add_segment(row);
    RowId first{.segment = row.id, .row = 0};
    for (const NewDocument& document : documents) {
      edit.add_document(document, first);
      first.row += to_signed(document.chunks.size());
    }
    const std::vector<std::string> gone = edit.bury();
    PendingHead head(layout.head,
                     {.store = catalogue.store_id(), .generation = edit.state().generation});
    // From here on the new generation may have reached the disk even if an error comes back, so its
    // segment stays, and this writer, whose view of the log may be another, stops.
    segment.keep();
    failed = true;
    edit.commit();
    head.commit();
    failed = false;
    std::error_code ignored;  // what stays is swept later
    for (const std::string& name : gone) fs::remove(layout.segment(name), ignored);
  }

  // The new segment, durable; of no rows and without a file when the documents have no chunks.
  SegmentRow write_vectors(const StateRow& state, std::span<const NewDocument> documents) const {
    SegmentRow row{.id = state.next_segment,
                   .name = {},
                   .bytes = 0,
                   .sha256 = {},
                   .dimension = to_signed(settings().dimension),
                   .count = 0,
                   .generation = state.generation,
                   .dead = {}};
    for (const NewDocument& document : documents) row.count += to_signed(document.chunks.size());
    if (row.count > 0) write_flat_segment(layout.segments, documents, row);
    return row;
  }

  const StoreSettings& settings() const { return catalogue.settings(); }

  StoreLayout layout;
  StoreLock lock;  // destroyed after the catalogue is closed
  Catalogue catalogue;
  bool failed = false;
};

StoreWriter::StoreWriter() = default;
StoreWriter::~StoreWriter() = default;
StoreWriter::StoreWriter(StoreWriter&&) noexcept = default;

StoreWriter StoreWriter::open_or_create(const fs::path& store, const StoreSettings& settings,
                                        double wait_seconds, const Notice& notice) {
  const StoreLayout layout(store);
  refuse_foreign_folder(layout);
  make_folder(layout.folder);
  StoreLock lock(layout.lock, wait_seconds);
  std::error_code error;
  if (!fs::exists(layout.catalogue, error) && !error) create_store(layout, settings);
  StoreWriter writer;
  writer.m_impl = std::make_unique<Impl>(layout, std::move(lock), notice);
  return writer;
}

StoreWriter StoreWriter::open(const fs::path& store, double wait_seconds, const Notice& notice) {
  const StoreLayout layout(store);
  require_store(layout);
  StoreWriter writer;
  writer.m_impl = std::make_unique<Impl>(layout, StoreLock(layout.lock, wait_seconds), notice);
  return writer;
}

const StoreSettings& StoreWriter::settings() const noexcept { return m_impl->settings(); }

std::optional<DocumentSummary> StoreWriter::find_document(const std::string& uri) const {
  auto row = m_impl->catalogue.find_document(uri);
  if (!row) return std::nullopt;
  return std::move(row->summary);
}

void StoreWriter::commit(std::span<const NewDocument> documents,
                         std::span<const std::string> removed,
                         std::span<const DocumentRecord> touched) {
  if (m_impl->failed) {
    throw Error(ErrorKind::k_io,
                m_impl->layout.folder.string() + ": an earlier commit failed; open the store anew");
  }
  refuse_commit(documents, removed, touched, m_impl->settings().dimension);
  m_impl->commit(documents, removed, touched);
}

}  // namespace vecdb
