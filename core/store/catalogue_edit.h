#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/catalogue.h"
#include "store/store.h"

namespace vecdb {

// One write transaction on the catalogue: the next generation, or nothing when it is destroyed
// before commit(). Only under the lock.
class CatalogueEdit {
 public:
  explicit CatalogueEdit(Catalogue& catalogue);

  const StateRow& state() const noexcept { return m_state; }  // of the generation in the making

  // Whether there was a document of that uri.
  bool remove_document(const std::string& uri);
  // Gives a stored document another record; its chunks stay. Throws k_usage when there is none.
  void touch_document(const DocumentRecord& record);
  void add_segment(const SegmentRow& row);
  // Takes one out of the catalogue, with its tombstones; the file may go after commit().
  void remove_segment(const SegmentRow& row);
  // Of a segment that stays as it is; empty for none. The file of the old one may go after
  // commit().
  void set_index(SegmentRow row, const std::string& index);
  // Its chunks have the next ids, in the order in which documents are added.
  void add_document(const NewDocument& document);
  // Marks the removed chunks' vectors as dead. Returns the files of the segments that have no live
  // one left and are therefore out of the catalogue. Before a segment is added.
  std::vector<std::string> bury();
  void commit();

 private:
  void add_tombstones(SegmentRow& segment, std::span<const ChunkId> dead);
  void add_chunk(const ChunkRow& row, const std::string& uri);

  Catalogue& m_catalogue;
  Database& m_database;
  Transaction m_transaction;
  StateRow m_state;
  std::vector<ChunkId> m_dead;  // removed, not yet buried
};

}  // namespace vecdb
