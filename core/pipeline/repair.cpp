#include "pipeline/repair.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "model/embedder.h"
#include "store/catalogue.h"
#include "store/consistency.h"
#include "store/damage.h"
#include "store/format.h"
#include "store/graft.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/page_scan.h"
#include "store/replacement.h"
#include "store/salvage.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

// A commit after so much.
constexpr std::size_t k_batch_chunks = 4096;
constexpr std::size_t k_batch_documents = 50'000;
constexpr std::size_t k_batch_text_bytes = std::size_t{16} << 20U;

// The folder STORE.repairing, that goes when this does, with all that is in it. What a killed
// repair left of it goes before.
class Workplace {
 public:
  explicit Workplace(const fs::path& store) : m_folder(folder_of(store)) {
    remove(m_folder);
    // For nobody else to read: the store may not be either.
    if (::mkdir(m_folder.c_str(), S_IRWXU) == 0) return;
    throw Error(ErrorKind::k_io, m_folder.string() + ": cannot create: " + last_system_error());
  }
  ~Workplace() {
    std::error_code ignored;  // the next repair removes it
    fs::remove_all(m_folder, ignored);
  }
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  fs::path draft() const { return m_folder / k_draft; }
  fs::path catalogue() const { return m_folder / k_catalogue; }

  static fs::path folder_of(const fs::path& store) { return store.string() + ".repairing"; }

  // Nothing when there is none.
  static void remove(const fs::path& folder) {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(folder, error))) return;
    if (!is_own(folder)) {
      throw Error(ErrorKind::k_io, folder.string() +
                                       ": stands where a repair works, and is not what one leaves; "
                                       "move it away");
    }
    fs::remove_all(folder, error);
    if (!error) return;
    throw Error(ErrorKind::k_io, folder.string() + ": cannot remove: " + error.message());
  }

 private:
  static constexpr const char* k_draft = "store";
  static constexpr const char* k_catalogue = "catalogue";

  static bool is_own(const fs::path& folder) {
    std::error_code error;
    if (!fs::is_directory(fs::symlink_status(folder, error))) return false;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const fs::path name = entry->path().filename();
      if (name != k_draft && name != k_catalogue) return false;
    }
    return !error;
  }

  fs::path m_folder;
};

class Repair {
 public:
  Repair(StoreSalvage& salvage, const ModelChoice& model, StoreWriter& writer)
      : m_salvage(salvage), m_model(model), m_writer(writer) {}

  // False after an interrupt.
  bool run() {
    bool going_on = true;
    m_salvage.each_document([&](NewDocument&& document) {
      add(std::move(document));
      going_on = !is_full() || store();
      return going_on;
    });
    if (!going_on || pending_interrupt() != 0 || !store()) return false;
    m_summary.lost = m_salvage.lost();
    return true;
  }

  RepairSummary take_summary() { return std::move(m_summary); }

 private:
  void add(NewDocument&& document) {
    m_chunks += document.chunks.size();
    for (const ChunkRecord& record : document.chunks) m_text_bytes += record.chunk.text.size();
    m_batch.push_back(std::move(document));
  }

  bool is_full() const {
    return m_chunks >= k_batch_chunks || m_batch.size() >= k_batch_documents ||
           m_text_bytes >= k_batch_text_bytes;
  }

  bool store() {
    if (!encode()) return false;
    m_writer.commit(m_batch, {});
    m_summary.documents += m_batch.size();
    m_summary.chunks += m_chunks;
    m_batch.clear();
    m_chunks = 0;
    m_text_bytes = 0;
    return true;
  }

  // Fills in the vectors that were lost.
  bool encode() {
    std::vector<TokenizedText> texts;
    for (const NewDocument& document : m_batch) {
      if (!document.vectors.empty()) continue;
      for (const ChunkRecord& record : document.chunks) texts.push_back(tokenize(record));
      if (is_imported(document)) m_summary.replaced.push_back(document.record.uri);
    }
    if (texts.empty()) return true;
    const Prompt& prompt = embedder().model().manifest().passage;
    const auto vectors = embedder().encode(texts, prompt, VectorLength::k_unit);
    if (!vectors) return false;
    auto next = vectors->begin();
    for (NewDocument& document : m_batch) {
      if (!document.vectors.empty()) continue;
      const auto end = next + static_cast<std::ptrdiff_t>(document.chunks.size() *
                                                          embedder().dimension());
      document.vectors.assign(next, end);
      next = end;
    }
    m_summary.encoded += texts.size();
    return true;
  }

  // Whether its vectors were made elsewhere, where nobody counted tokens.
  static bool is_imported(const NewDocument& document) {
    return std::ranges::any_of(document.chunks,
                               [](const ChunkRecord& record) { return record.tokens == 0; });
  }

  // As it was read when it was stored: a part of a longer chunk is a text like others.
  TokenizedText tokenize(const ChunkRecord& record) {
    const std::array texts{std::string_view(record.chunk.text)};
    const auto long_text =
        record.fit == WindowFit::k_averaged ? LongText::k_average : LongText::k_cut;
    auto tokenized = embedder().tokenize(texts, embedder().model().manifest().passage, long_text);
    return std::move(tokenized.front());
  }

  // Opened when it is needed: most damage leaves vectors alone.
  Embedder& embedder() {
    if (!m_embedder) m_embedder.emplace(embedder_for_store(m_salvage.settings(), m_model));
    return *m_embedder;
  }

  StoreSalvage& m_salvage;
  const ModelChoice& m_model;
  StoreWriter& m_writer;
  std::optional<Embedder> m_embedder;
  std::vector<NewDocument> m_batch;
  std::size_t m_chunks = 0;  // of the batch
  std::size_t m_text_bytes = 0;
  RepairSummary m_summary;
};

Error hopeless(const std::string& why) {
  return Error(ErrorKind::k_damaged,
               "nothing can be repaired without the catalogue's settings: " + why +
                   "; restore the store from a backup, or ingest into a new one");
}

// The store's, or where SQLite cannot even open that, a copy of it with the part made anew that is
// the same in every store.
Catalogue open_catalogue(const StoreLayout& layout, const Workplace& workplace) {
  try {
    return Catalogue::open_to_read(layout.catalogue);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::k_damaged) throw;
  }
  make_folders(workplace.catalogue());
  try {
    return Catalogue::open_to_read(graft_catalogue(layout.catalogue, workplace.catalogue()));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::k_damaged) throw;
    throw hopeless(layout.catalogue.string() + ": is damaged where they stand");
  }
}

// Where HEAD does not tell. Throws k_damaged.
void refuse_other_catalogue(const StoreLayout& layout) {
  const std::string other = format_of_catalogue(layout.catalogue);
  if (other.empty() || other == std::to_string(k_store_format)) return;
  if (other != std::to_string(k_oldest_store_format)) {
    throw of_other_format(layout.catalogue, other);
  }
  throw Error(ErrorKind::k_damaged,  // and not even migrated
              layout.head.string() + ": is damaged, and a store of the older format " + other +
                  " is not repaired; restore the store from a backup, or ingest into a new one");
}

}  // namespace

std::optional<RepairSummary> repair_store(const fs::path& store, const ModelChoice& model,
                                          double wait_seconds, const Notice& notice) {
  const StoreLayout layout(fs::canonical(store));
  refuse_other_format(layout);
  if (is_lost(layout.catalogue)) throw hopeless(layout.catalogue.string() + ": is missing");
  refuse_other_catalogue(layout);
  const StoreLock lock(layout.lock, wait_seconds);
  remove_drafts(layout.folder);
  RepairSummary summary;
  if (verify_store(layout.folder).empty()) return summary;
  const Workplace workplace(layout.folder);
  {
    PageScan pages(layout.catalogue);
    StoreSalvage salvage(layout, open_catalogue(layout, workplace), std::move(pages));
    StoreWriter writer =
        StoreWriter::open_or_create(workplace.draft(), salvage.settings(), wait_seconds, notice);
    Repair repair(salvage, model, writer);
    if (!repair.run()) return std::nullopt;
    summary = repair.take_summary();
  }
  const std::vector<std::string> problems = verify_store(workplace.draft());
  if (pending_interrupt() != 0) return std::nullopt;
  if (!problems.empty()) {
    throw Error(ErrorKind::k_io,
                "the repaired store is not sound, and was thrown away: " + problems.front());
  }
  summary.kept = replace_store(layout.folder, workplace.draft());
  return summary;
}

void remove_remains_of_repair(const fs::path& store) {
  const StoreLayout layout(fs::canonical(store));
  std::error_code ignored;
  if (!fs::exists(Workplace::folder_of(layout.folder), ignored)) return;
  try {
    const StoreLock lock(layout.lock, 0);
    remove_drafts(layout.folder);
    Workplace::remove(Workplace::folder_of(layout.folder));
  } catch (const Error&) {  // they are no fault of the store
  }
}

}  // namespace vecdb
