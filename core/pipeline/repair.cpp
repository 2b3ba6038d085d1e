#include "pipeline/repair.h"

#include <array>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "model/embedder.h"
#include "store/catalogue.h"
#include "store/damage.h"
#include "store/format.h"
#include "store/head.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/replacement.h"
#include "store/salvage.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_batch_chunks = 4096;

// Removes a store in the making, unless it was finished and has another name by then.
class Draft {
 public:
  explicit Draft(fs::path folder) : m_folder(std::move(folder)) { remove_store(m_folder); }
  ~Draft() {
    try {
      remove_store(m_folder);
    } catch (const Error&) {  // the next repair removes it
    }
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  const fs::path& folder() const noexcept { return m_folder; }

 private:
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
      m_chunks += document.chunks.size();
      m_batch.push_back(std::move(document));
      if (m_chunks >= k_batch_chunks) going_on = store();
      going_on = going_on && pending_interrupt() == 0;
      return going_on;
    });
    if (!going_on || !store()) return false;
    m_summary.lost = m_salvage.lost();
    return true;
  }

  RepairSummary take_summary() { return std::move(m_summary); }

 private:
  bool store() {
    if (!encode()) return false;
    m_writer.commit(m_batch, {});
    m_summary.documents += m_batch.size();
    m_summary.chunks += m_chunks;
    m_batch.clear();
    m_chunks = 0;
    return true;
  }

  // Fills in the vectors that were lost.
  bool encode() {
    std::vector<TokenizedText> texts;
    for (const NewDocument& document : m_batch) {
      if (!document.vectors.empty()) continue;
      for (const ChunkRecord& record : document.chunks) texts.push_back(tokenize(record));
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
  RepairSummary m_summary;
};

// Throws k_damaged, k_busy.
Catalogue open_catalogue(const StoreLayout& layout) {
  try {
    return Catalogue::open_to_read(layout.catalogue);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::k_busy) throw;
    const std::string why = error.what();
    throw Error(ErrorKind::k_damaged,
                "nothing can be repaired without the catalogue's tables and settings: " +
                    why.substr(0, why.rfind("; ")) +
                    "; restore the store from a backup, or ingest into a new one");
  }
}

void refuse_other_format(const StoreLayout& layout) {
  const std::string format = format_of_head(layout.head);
  if (format.empty() || format == std::to_string(k_store_format)) return;
  throw of_other_format(layout.head, format);
}

}  // namespace

std::optional<RepairSummary> repair_store(const fs::path& store, const ModelChoice& model,
                                          double wait_seconds, const Notice& notice) {
  const StoreLayout layout(fs::canonical(store));
  refuse_other_format(layout);
  open_catalogue(layout);  // what is of no use is not even locked
  const StoreLock lock(layout.lock, wait_seconds);
  const Draft draft(layout.folder.string() + ".repairing");
  RepairSummary summary;
  {
    StoreSalvage salvage(layout, open_catalogue(layout));
    StoreWriter writer =
        StoreWriter::open_or_create(draft.folder(), salvage.settings(), wait_seconds, notice);
    Repair repair(salvage, model, writer);
    if (!repair.run()) return std::nullopt;
    summary = repair.take_summary();
  }
  if (const auto problems = verify_store(draft.folder()); !problems.empty()) {
    throw Error(ErrorKind::k_io, "the repaired store is not sound, and was thrown away: " +
                                     problems.front());
  }
  summary.kept = replace_store(layout.folder, draft.folder());
  return summary;
}

}  // namespace vecdb
