#include "pipeline/prepare.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "pipeline/load_settings.h"
#include "pipeline/stopwatch.h"

namespace vecdb {

namespace {

constexpr std::int64_t k_nanoseconds = 1'000'000'000;

// A file that changes again within one tick of the file system's clock shows no new time. The clock
// of Linux ticks at least every 10 ms; times in whole seconds come from a coarser one.
std::int64_t settled_ctime(const FileStamp& stamp, std::int64_t opened_ns) {
  const bool coarse = stamp.mtime_ns % k_nanoseconds == 0 && stamp.ctime_ns % k_nanoseconds == 0;
  const std::int64_t tick = coarse ? 2 * k_nanoseconds : k_nanoseconds / 50;
  const std::int64_t last = std::max(stamp.mtime_ns, stamp.ctime_ns);
  return opened_ns - last > tick ? stamp.ctime_ns : 0;
}

std::int64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

bool is_as_stat_says(const FileStamp& stamp, const DocumentRecord& stored) {
  return stored.ctime_ns != 0 && stamp.size == stored.size && stamp.mtime_ns == stored.mtime_ns &&
         stamp.ctime_ns == stored.ctime_ns;
}

// Stands for the bytes of a source that is not at hand.
std::string digest_of(const std::vector<Chunk>& chunks) {
  Sha256 hash;
  for (const Chunk& chunk : chunks) {
    hash.update(dump_json({chunk.start, chunk.end, chunk.line, chunk.text, chunk.meta}) + "\n");
  }
  return hash.hex_digest();
}

// What is known of a document: `own` goes over `general`.
std::string merged(const std::string& general, const std::string& own) {
  return merge_json(general, own, "metadata", ErrorKind::k_io);
}

// Takes what all chunks say alike out of them: it belongs to the document.
std::string take_common_meta(std::vector<Chunk>& chunks) {
  const auto says_the_same = [&](const Chunk& chunk) { return chunk.meta == chunks.front().meta; };
  if (std::ranges::all_of(chunks, says_the_same)) {
    const std::string common = chunks.front().meta.empty() ? "{}" : chunks.front().meta;
    for (Chunk& chunk : chunks) chunk.meta.clear();
    return common;
  }
  std::vector<Json> objects;
  for (const Chunk& chunk : chunks) {
    objects.push_back(chunk.meta.empty() ? Json::object()
                                         : parse_json(chunk.meta, "metadata", ErrorKind::k_io));
  }
  Json common = Json::object();
  for (const auto& entry : objects.front().items()) {
    const auto has_it = [&](const Json& object) {
      return object.contains(entry.key()) && object.at(entry.key()) == entry.value();
    };
    if (std::ranges::all_of(objects, has_it)) common[entry.key()] = entry.value();
  }
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    for (const auto& [key, value] : common.items()) objects[i].erase(key);
    chunks[i].meta = objects[i].empty() ? "" : dump_json(objects[i]);
  }
  return dump_json(common);
}

// One source on its way.
class Preparation {
 public:
  Preparation(const std::optional<DocumentSummary>& stored, const PrepareOptions& options,
              const Recipes& recipes)
      : m_stored(stored), m_options(options), m_recipes(recipes) {}

  Prepared run(Source source) {
    m_prepared.stored_chunks = m_stored ? m_stored->chunks : 0;
    if (auto* skipped = std::get_if<Skipped>(&source)) {
      skip(std::move(*skipped));
    } else if (auto* ready = std::get_if<ReadyChunks>(&source)) {
      take_ready(std::move(*ready));
    } else if (auto* kept = std::get_if<KeptDocument>(&source)) {
      take_kept(std::move(*kept));
    } else if (const auto* named = std::get_if<NamedBytes>(&source)) {
      take_loaded(timed_load(*named), merged(m_options.meta, named->meta));
    } else {
      take_file(std::get<FoundFile>(source));
    }
    return std::move(m_prepared);
  }

 private:
  template <typename From>
  Loaded timed_load(const From& from) {
    const Stopwatch watch(m_prepared.load_seconds);
    m_opened_ns = now_ns();
    return load(from, m_options.load);
  }

  void skip(Skipped skipped) {
    m_prepared.record.uri = std::move(skipped.uri);
    m_prepared.state = SourceState::k_skipped;
    m_prepared.reason = std::move(skipped.reason);
    if (m_stored) m_prepared.reason += "; what was stored of it stays";
  }

  void take_file(const FoundFile& file) {
    const bool may_trust = m_options.compare == Compare::k_when_in_doubt && m_stored &&
                           file.stamp.size <= m_options.load.max_bytes;
    if (may_trust && is_made_with(m_recipes.of_file()) &&
        is_as_stat_says(file.stamp, m_stored->record)) {
      m_prepared.record = m_stored->record;
      m_prepared.state = SourceState::k_unchanged;
      return;
    }
    take_loaded(timed_load(file), m_options.meta);
  }

  void take_loaded(Loaded loaded, const std::string& meta) {
    if (auto* skipped = std::get_if<Skipped>(&loaded)) return skip(std::move(*skipped));
    auto& document = std::get<Document>(loaded);
    m_prepared.parts = std::move(document.skipped);
    const auto& stamp = document.stamp;
    // What is wrong with a part of it is to be said each time, so it has to be read each time.
    const bool may_trust_stat = stamp && m_prepared.parts.empty();
    m_prepared.record = {.uri = document.uri,
                         .sha256 = document.sha256,
                         .size = document.size,
                         .mtime_ns = stamp ? stamp->mtime_ns : 0,
                         .ctime_ns = may_trust_stat ? settled_ctime(*stamp, m_opened_ns) : 0,
                         .type = document.type,
                         .recipe = m_recipes.of_text(meta),
                         .meta = merged(meta, document.meta)};
    if (is_stored()) return;
    const Stopwatch watch(m_prepared.split_seconds);
    m_prepared.has_line_end_trouble = has_line_end_trouble(m_options.splitting.options, document);
    try {
      split_document(*m_options.splitting.splitter, document,
                     [&](Chunk chunk, ChunkOrigin& origin) { add(std::move(chunk), origin); });
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::k_io) throw;
      m_prepared.chunks.clear();
      return skip({m_prepared.record.uri, error.what()});
    }
    check_for_chunks();
  }

  void take_ready(ReadyChunks ready) {
    m_prepared.record = record_of_ready(std::move(ready.uri), ready.chunks, m_options.meta,
                                        m_recipes.of_ready_chunks());
    if (is_stored()) return;
    for (Chunk& chunk : ready.chunks) m_prepared.chunks.push_back({.chunk = std::move(chunk)});
    check_for_chunks();
  }

  // Whatever is stored of it is replaced: what its chunks are is not known without a look at them.
  void take_kept(KeptDocument kept) {
    m_prepared.record = std::move(kept.record);
    m_prepared.state = m_stored ? SourceState::k_changed : SourceState::k_added;
    m_prepared.chunks = std::move(kept.chunks);
    check_for_chunks();
  }

  bool is_made_with(const std::string& recipe) const {
    return m_stored->record.recipe == recipe && is_as_asked(m_stored->fits, m_options.overflow);
  }

  // Whether the store has the document just so; notes how it stands in any case.
  bool is_stored() {
    DocumentRecord& record = m_prepared.record;
    m_prepared.state = SourceState::k_added;
    if (!m_stored) return false;
    const DocumentRecord& stored = m_stored->record;
    m_prepared.state = SourceState::k_changed;
    if (stored.sha256 != record.sha256) return false;
    m_prepared.state = SourceState::k_remade;
    if (!is_made_with(record.recipe)) return false;
    m_prepared.state = SourceState::k_unchanged;
    record.meta = stored.meta;
    record.type = stored.type;
    if (record != stored) m_prepared.state = SourceState::k_touched;
    return true;
  }

  // A chunk that is too long is divided while its document can tell where its parts stand. One that
  // cannot be is found again, and refused, when it is encoded.
  void add(Chunk chunk, ChunkOrigin& origin) {
    const Embedder* embedder = m_options.embedder;
    if (m_options.overflow == Overflow::k_split && embedder != nullptr &&
        is_too_long(*embedder, chunk.text)) {
      const auto part = [&](const Chunk& whole, std::size_t begin, std::size_t end) {
        return origin.part(whole, begin, end);
      };
      if (auto parts = divide_chunk(*embedder, chunk, part)) {
        std::ranges::move(*parts, std::back_inserter(m_prepared.chunks));
        return;
      }
    }
    m_prepared.chunks.push_back({.chunk = std::move(chunk)});
  }

  void check_for_chunks() {
    if (m_prepared.chunks.empty()) {
      skip({m_prepared.record.uri, no_chunk_reason(m_prepared.record.type)});
    }
  }

  const std::optional<DocumentSummary>& m_stored;
  const PrepareOptions& m_options;
  const Recipes& m_recipes;
  std::int64_t m_opened_ns = 0;
  Prepared m_prepared;
};

}  // namespace

DocumentRecord record_of_ready(std::string uri, std::vector<Chunk>& chunks,
                               const std::string& meta, const std::string& recipe) {
  std::uint64_t size = 0;
  for (const Chunk& chunk : chunks) size += chunk.text.size();
  DocumentRecord record{.uri = std::move(uri),
                        .sha256 = digest_of(chunks),
                        .size = size,
                        .type = k_ready_type,
                        .recipe = recipe};
  record.meta = merged(meta, take_common_meta(chunks));
  return record;
}

std::string recipe_of_ready_chunks() { return R"({"splitter":{"splitter":"none"}})"; }

Recipes::Recipes(std::string splitter, const LoadOptions& load, std::string meta)
    : m_splitter(std::move(splitter)),
      m_load(describe(load)),
      m_meta(std::move(meta)),
      m_of_file(made_of(m_splitter, m_meta)),
      m_of_ready_chunks(made_of(R"({"splitter":"none"})", m_meta)) {}

std::string Recipes::of_text(const std::string& meta) const {
  return meta == m_meta ? m_of_file : made_of(m_splitter, meta);
}

std::string Recipes::made_of(const std::string& splitter, const std::string& meta) const {
  return R"({"splitter":)" + splitter + (meta == "{}" ? "" : R"(,"meta":)" + meta) +
         (m_load == "{}" ? "" : R"(,"load":)" + m_load) + "}";
}

Preparer::Preparer(PrepareOptions options)
    : m_options(std::move(options)),
      m_recipes(m_options.splitting.description, m_options.load, m_options.meta) {}

Prepared Preparer::prepare(Source source, const std::optional<DocumentSummary>& stored) const {
  return Preparation(stored, m_options, m_recipes).run(std::move(source));
}

}  // namespace vecdb
