#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vecdb {

// What a filter can know of a document without its metadata.
struct DocumentFacts {
  std::string_view uri;
  std::string_view type;
  std::string_view sha256;
  std::uint64_t size = 0;     // bytes
  std::int64_t mtime_ns = 0;  // since 1970; 0 for a document that has none
};

// A condition on documents, `path ~ "docs/**" and lang = "en"`. The language is described in
// docs/CLI.md, "Filters". Cheap to copy; for use by several threads at once.
class Filter {
 public:
  // Whether metadata can decide.
  bool uses_metadata() const noexcept { return !keys().empty(); }
  // The top-level keys of metadata that it reads, in byte order, each once.
  const std::vector<std::string>& keys() const noexcept;

  // What the facts alone say, whatever the metadata is; nothing where it depends on the metadata.
  // Never throws.
  std::optional<bool> decide(const DocumentFacts& facts) const;

  // What a document says for all of its chunks at once; nothing where it depends on metadata of
  // their own, which has the keys `chunk_keys` (a JSON array, or nothing). The document's is only
  // read where the facts do not decide. Throws as matches() does.
  std::optional<bool> decide(const DocumentFacts& facts, std::string_view meta,
                             std::string_view chunk_keys) const;

  // Whether a document passes, or one of its chunks: `meta` is the document's metadata, one JSON
  // object, and `chunk_meta` the chunk's own, whose keys go before those of the document; either
  // may be empty for nothing. They are only read where the facts do not decide. Throws k_damaged
  // for metadata that is no JSON object.
  bool matches(const DocumentFacts& facts, std::string_view meta,
               std::string_view chunk_meta = {}) const;

  // The filter in one form: parse_filter() makes the same filter of it, with the same text.
  std::string text() const;

  friend Filter parse_filter(std::string_view text, const std::string& what);

 private:
  struct Impl;
  explicit Filter(std::shared_ptr<const Impl> impl) : m_impl(std::move(impl)) {}
  std::shared_ptr<const Impl> m_impl;
};

// The names of all facts.
std::vector<std::string> filter_facts();

// Reads a filter. Throws k_usage for one that is empty, malformed, over 64 KiB, nested deeper than
// 64 levels, or has more than 10,000 values; the message begins with `what` and names the column.
Filter parse_filter(std::string_view text, const std::string& what);

}  // namespace vecdb
