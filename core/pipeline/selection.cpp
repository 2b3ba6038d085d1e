#include "pipeline/selection.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/nearest_name.h"

namespace vecdb {

namespace {

DocumentFacts facts_of(const DocumentRecord& record) {
  return {.uri = record.uri,
          .type = record.type,
          .sha256 = record.sha256,
          .size = record.size,
          .mtime_ns = record.mtime_ns};
}

// Keys that are not seen in any text so far.
class KeyWatch {
 public:
  explicit KeyWatch(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) {
      m_unseen.push_back({.name = key, .quoted = {}});
      append_json_string(m_unseen.back().quoted, key);
    }
  }

  // Where a key stands as a string is not asked: nothing is parsed.
  void see(std::string_view json) {
    if (json.empty()) return;
    std::erase_if(m_unseen, [json](const Key& key) {
      return json.find(key.quoted) != std::string_view::npos;
    });
  }

  std::vector<std::string> unseen() const {
    std::vector<std::string> names;
    for (const Key& key : m_unseen) names.push_back(key.name);
    return names;
  }

 private:
  struct Key {
    std::string name;
    std::string quoted;
  };
  std::vector<Key> m_unseen;
};

std::set<std::string> all_keys(const StoreReader& store) {
  std::set<std::string> keys;
  store.each_document([&keys](const DocumentSummary& document) {
    const std::string& uri = document.record.uri;
    const Json meta = parse_json(document.record.meta, uri, ErrorKind::k_damaged);
    for (const auto& [key, value] : meta.items()) keys.insert(key);
    if (!document.chunk_keys.empty()) {
      for (const Json& key : parse_json(document.chunk_keys, uri, ErrorKind::k_damaged)) {
        if (key.is_string()) keys.insert(key.get<std::string>());
      }
    }
    return pending_interrupt() == 0;
  });
  return keys;
}

// Which of the keys are nowhere: a second look, at all documents and with care.
std::vector<UnknownKey> find_unknown(const StoreReader& store,
                                     const std::vector<std::string>& unseen) {
  std::vector<UnknownKey> unknown;
  if (unseen.empty()) return unknown;
  const std::set<std::string> keys = all_keys(store);
  if (pending_interrupt() != 0) return unknown;  // not all of them
  std::vector<std::string> names = filter_facts();
  names.insert(names.end(), keys.begin(), keys.end());
  for (const std::string& key : unseen) {
    if (!keys.contains(key)) unknown.push_back({key, nearest_name(key, names)});
  }
  return unknown;
}

// Whether something passes. `passing`: the chunks, ascending.
bool select_in_document(const StoreReader& store, const Filter& filter,
                        const DocumentSummary& document, ChunkRanges& passing) {
  const DocumentRecord& record = document.record;
  const DocumentFacts facts = facts_of(record);
  const ChunkId end = document.first_chunk + static_cast<ChunkId>(document.chunks);
  if (const auto verdict = filter.decide(facts, record.meta, document.chunk_keys)) {
    if (*verdict && document.chunks > 0) passing.push_back({document.first_chunk, end});
    return *verdict;
  }
  store.each_chunk_of(record.uri, [&](ChunkId id, const ChunkRecord& chunk) {
    if (filter.matches(facts, record.meta, chunk.chunk.meta)) {
      if (!passing.empty() && passing.back().end == id) {
        ++passing.back().end;
      } else {
        passing.push_back({id, id + 1});
      }
    }
    return pending_interrupt() == 0;
  });
  return !passing.empty();
}

}  // namespace

std::vector<std::string> warnings_of(const std::vector<UnknownKey>& keys,
                                     const std::string& filter) {
  constexpr std::size_t k_named = 3;
  constexpr std::size_t k_longest = 64;
  std::vector<std::string> warnings;
  for (std::size_t i = 0; i < std::min(k_named, keys.size()); ++i) {
    const auto& [name, nearest] = keys[i];
    warnings.push_back(filter + ": " + (name.size() > k_longest ? "a long key" : '"' + name + '"') +
                       ": no document has this key; " +
                       (nearest.empty() ? "`vecdb list --json` prints what is known of each"
                                        : "did you mean " + nearest + "?"));
  }
  if (keys.size() > k_named) {
    const std::size_t more = keys.size() - k_named;
    warnings.push_back(filter + ": " + std::to_string(more) +
                       (more == 1 ? " more key" : " more keys") + " that no document has");
  }
  return warnings;
}

std::vector<UnknownKey> each_passing(const StoreReader& store, const Filter& filter,
                                     const VisitPassing& visit) {
  KeyWatch watch(filter.keys());
  ChunkRanges passing;
  store.each_document([&](const DocumentSummary& document) {
    watch.see(document.record.meta);
    watch.see(document.chunk_keys);
    passing.clear();
    if (select_in_document(store, filter, document, passing)) visit(document, passing);
    return pending_interrupt() == 0;
  });
  return find_unknown(store, watch.unseen());
}

Selection select_chunks(const StoreReader& store, const Filter& filter) {
  Selection selection;
  selection.unknown_keys =
      each_passing(store, filter, [&](const DocumentSummary&, const ChunkRanges& passing) {
        selection.chunks.insert(selection.chunks.end(), passing.begin(), passing.end());
      });
  sort_and_join(selection.chunks);
  return selection;
}

void sort_and_join(ChunkRanges& ranges) {
  std::ranges::sort(ranges, {}, &ChunkRange::first);
  ChunkRanges joined;
  for (const ChunkRange& range : ranges) {
    if (!joined.empty() && joined.back().end == range.first) {
      joined.back().end = range.end;
    } else {
      joined.push_back(range);
    }
  }
  ranges = std::move(joined);
}

}  // namespace vecdb
