#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/catalogue.h"
#include "store/flat_segment.h"
#include "store/head.h"
#include "store/layout.h"
#include "store/page_scan.h"
#include "store/store.h"

namespace vecdb {

// What a damaged store still proves to hold: rows of the catalogue whose checksums match, one by
// one, and vectors of segments whose bytes are those that were committed. Only under the store's
// lock. Takes for damage what is gone or is not what was committed; k_io where something may only
// not be read now.
class StoreSalvage {
 public:
  // `catalogue`: the store's, or a copy of it, open to read: its tables and settings are right, or
  // it would not be. `pages`: of the store's own.
  StoreSalvage(const StoreLayout& layout, Catalogue catalogue, PageScan pages);

  const StoreSettings& settings() const noexcept { return m_catalogue.settings(); }

  // Each document of which all rows are right, once, nearly in the order in which they were stored,
  // until `visit` returns false or an interrupt comes. Its vectors are empty where one of them is
  // lost.
  void each_document(const std::function<bool(NewDocument&&)>& visit);

  // What each_document() could not hand out: names of documents, as far as they can be read, and
  // how many there are beside them.
  const std::vector<std::string>& lost() const noexcept { return m_lost; }

 private:
  using Visit = std::function<bool(NewDocument&&)>;

  void open_segments();
  std::optional<SegmentRow> read_segment(std::int64_t number);
  bool has_all() const;
  // The number of commits that HEAD knows of and the catalogue does not.
  std::int64_t lost_commits() const;
  // False when the visit is over.
  bool visit_stored(const Visit& visit);
  bool visit_number(std::int64_t number, const Visit& visit);
  bool visit_scanned(std::vector<std::int64_t> numbers, const Visit& visit);
  bool hand_out(std::int64_t number, NewDocument&& document, const Visit& visit);
  void name_lost();
  NewDocument read_document(DocumentRow row);
  std::vector<ChunkRow> read_chunks(const DocumentRow& document);
  ChunkRow read_chunk(const DocumentRow& document, ChunkId id);
  std::vector<float> vectors_of(const DocumentRow& document) const;
  bool is_deleted(const DocumentRow& document) const;

  StoreLayout m_layout;
  Catalogue m_catalogue;
  PageScan m_pages;
  std::optional<StateRow> m_state;
  std::vector<SegmentRow> m_rows;
  bool m_knows_segments = false;        // all that there are
  std::vector<FlatSegment> m_segments;  // checked; of some of the rows
  std::set<std::int64_t> m_failed;      // numbers of documents that could not be read
  std::set<std::int64_t> m_found;       // numbers of those that were handed out
  std::set<std::string> m_uris;         // of the same
  std::vector<std::string> m_lost;
};

}  // namespace vecdb
