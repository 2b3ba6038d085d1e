#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <set>
#include <system_error>
#include <utility>

#include "base/interrupt.h"
#include "base/random_hex.h"
#include "store/catalogue.h"
#include "store/catalogue_edit.h"
#include "store/compaction.h"
#include "store/consistency.h"
#include "store/damage.h"
#include "store/flat_segment.h"
#include "store/head.h"
#include "store/ivf_index.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/store.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr double k_unit_tolerance = 1e-3;
constexpr std::int64_t k_many_vectors = 200'000;                  // that are worth an index
constexpr std::uintmax_t k_long_log = std::uintmax_t{64} << 20U;  // bytes

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
  const std::string id = random_hex(32);
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

// Thrown by what an interrupt stops half-way.
struct Stopped {};

// Calls visit(first row, rows) for the live rows of a segment, in order, some thousands at a time.
template <typename Visit>
void each_live_run(const FlatSegment& segment, const Visit& visit) {
  constexpr std::int64_t k_most = 4096;
  const std::int64_t count = segment.row().count;
  for (std::int64_t row = 0; row < count;) {
    std::int64_t end = row;
    while (end < count && end - row < k_most && !segment.is_dead(end)) ++end;
    if (end > row) visit(row, end - row);
    row = end > row ? end : row + 1;
  }
}

// Removes a file that no commit names, unless kept.
class Undo {
 public:
  explicit Undo(fs::path file) : m_file(std::move(file)) {}
  Undo(Undo&& other) noexcept : m_file(std::exchange(other.m_file, {})) {}
  Undo& operator=(Undo&& other) noexcept {
    std::swap(m_file, other.m_file);
    return *this;
  }
  ~Undo() {
    std::error_code ignored;
    if (!m_file.empty()) fs::remove(m_file, ignored);
  }
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
    for (const SegmentRow& row : catalogue.segments()) {
      for (std::string& name : files_of(row, layout.catalogue)) named.insert(std::move(name));
    }
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

    const std::vector<std::string> gone = edit.bury();
    for (const DocumentRecord& record : touched) edit.touch_document(record);
    const SegmentRow row = write_vectors(edit.state(), documents);
    Undo segment(row.count > 0 ? layout.segment(row.name) : fs::path());
    if (row.count > 0) edit.add_segment(row);
    for (const NewDocument& document : documents) edit.add_document(document);
    finish(edit, segment, gone);
  }

  // Makes the edit durable, and with it the segment that `made` would take back; then removes the
  // files of the segments that are gone.
  void finish(CatalogueEdit& edit, Undo& made, const std::vector<std::string>& gone) {
    PendingHead head(layout.head,
                     {.store = catalogue.store_id(), .generation = edit.state().generation});
    // From here on the new generation may have reached the disk even if an error comes back, so its
    // segment stays, and this writer, whose view of the log may be another, stops.
    made.keep();
    failed = true;
    edit.commit();
    head.commit();
    failed = false;
    std::error_code ignored;  // what stays is swept later
    for (const std::string& name : gone) fs::remove(layout.segment(name), ignored);
  }

  // Writes neighbouring segments anew as one without their dead rows, or as none when all are dead.
  // Nothing has changed when it returns false, because of an interrupt.
  bool rewrite(std::span<const SegmentRow> old) {
    std::vector<FlatSegment> sources;
    std::vector<ChunkId> chunks;
    std::vector<std::string> gone;
    for (const SegmentRow& row : old) {
      FlatSegment& source = sources.emplace_back(layout.segment(row.name), row);
      source.check(FlatSegment::Check::k_cached);
      each_live_run(source, [&](std::int64_t first, std::int64_t rows) {
        for (std::int64_t i = 0; i < rows; ++i) chunks.push_back(source.chunk_at(first + i));
      });
      source.release_pages();  // large segments are not to fill the memory, one after another
      std::ranges::move(files_of(row, layout.catalogue), std::back_inserter(gone));
    }
    const EachBlock each_block = [&](const auto& visit) {
      for (const FlatSegment& source : sources) {
        each_live_run(source, [&](std::int64_t first, std::int64_t rows) {
          if (pending_interrupt() != 0) throw Stopped();
          visit(source.vectors(first, rows));
          source.release_pages();
        });
      }
    };
    CatalogueEdit edit(catalogue);
    for (const SegmentRow& row : old) edit.remove_segment(row);
    SegmentRow row = new_segment(edit.state());
    try {
      if (!chunks.empty()) write_flat_segment(layout.segments, chunks, each_block, row);
    } catch (const Stopped&) {
      return false;
    }
    Undo segment(chunks.empty() ? fs::path() : layout.segment(row.name));
    if (!chunks.empty()) edit.add_segment(row);
    finish(edit, segment, gone);
    return true;
  }

  // What every commit leaves to be done. The commit stands whatever happens here: where the room
  // for it is missing, a later one does it.
  void tidy() {
    try {
      for (;;) {
        const std::vector<SegmentRow> segments = catalogue.segments();
        const SegmentRun run = due_compaction(segments);
        if (run.count == 0 || !rewrite(std::span(segments).subspan(run.first, run.count))) return;
      }
    } catch (const Error& error) {
      if (failed || error.kind() != ErrorKind::k_io) throw;
    }
  }

  bool compact(const CompactOptions& options) {
    const std::vector<SegmentRow> segments = catalogue.segments();
    const bool has_dead = std::ranges::any_of(
        segments, [](const SegmentRow& segment) { return !segment.dead.empty(); });
    if ((segments.size() > 1 || has_dead) && !rewrite(segments)) return false;
    for (const SegmentRow& row : catalogue.segments()) {
      if (!settle_index(row, options)) return false;
    }
    catalogue.database().release_space();
    return true;
  }

  // Gives a segment without dead rows the index that is asked for, if it has not got it, or takes
  // away the one it has. False after an interrupt.
  bool settle_index(const SegmentRow& row, const CompactOptions& options) {
    const bool is_wanted = options.index == IndexKind::k_ivf ||
                           (options.index == IndexKind::k_auto && row.count >= k_many_vectors);
    if (is_wanted ? has_index(row, options.codes) : row.index.empty()) return true;
    std::vector<std::string> gone = files_of(row, layout.catalogue);
    gone.erase(gone.begin());  // the segment itself
    std::string text;
    Undo file{fs::path()};
    if (is_wanted) {
      FlatSegment segment(layout.segment(row.name), row);
      segment.check(FlatSegment::Check::k_cached);
      const auto index = make_ivf_index(layout.segments, segment, options.codes);
      if (!index) return false;
      text = to_text(*index);
      std::erase(gone, index->name);  // made anew with the same bytes
      if (!gone.empty() || row.index.empty()) file = Undo(layout.segment(index->name));
    }
    CatalogueEdit edit(catalogue);
    edit.set_index(row, text);
    finish(edit, file, gone);
    return true;
  }

  // Whether a segment has an index with such codes, and its file is sound.
  bool has_index(const SegmentRow& row, VectorCodes codes) const {
    if (row.index.empty()) return false;
    IvfRow known = parse_ivf_row(row, layout.catalogue);
    if (known.codes != codes) return false;
    const fs::path file = layout.segment(known.name);
    try {
      IvfIndex(file, std::move(known)).check(row, FlatSegment::Check::k_anew);
      return true;
    } catch (const Error&) {  // it is made anew
      return false;
    }
  }

  // The new segment, durable; of no rows and without a file when the documents have no chunks.
  SegmentRow write_vectors(const StateRow& state, std::span<const NewDocument> documents) const {
    SegmentRow row = new_segment(state);
    std::size_t count = 0;
    for (const NewDocument& document : documents) count += document.chunks.size();
    if (count == 0) return row;
    std::vector<ChunkId> chunks(count);
    std::iota(chunks.begin(), chunks.end(), state.next_chunk);
    const EachBlock each_block = [&](const auto& visit) {
      for (const NewDocument& document : documents) {
        visit(std::as_bytes(std::span(document.vectors)));
      }
    };
    write_flat_segment(layout.segments, chunks, each_block, row);
    return row;
  }

  SegmentRow new_segment(const StateRow& state) const {
    SegmentRow row;
    row.id = state.next_segment;
    row.dimension = to_signed(settings().dimension);
    row.generation = state.generation;
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

void StoreWriter::require_absent(std::span<const std::string> uris) const {
  m_impl->catalogue.require_absent(uris);
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
  m_impl->tidy();
}

bool StoreWriter::compact(const CompactOptions& options) { return m_impl->compact(options); }

void StoreWriter::shorten_log() {
  std::error_code error;
  const auto size = fs::file_size(m_impl->layout.catalogue.string() + "-wal", error);
  if (!error && size > k_long_log) m_impl->catalogue.database().checkpoint();
}

}  // namespace vecdb
