#pragma once

#include <map>
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
  // Its vectors are the rows from `first` of a segment that was added before.
  void add_document(const NewDocument& document, RowId first);
  // Marks the removed chunks' vectors as dead. Returns the names of the segments that have no live
  // one left and are therefore out of the catalogue: their files may go after commit().
  std::vector<std::string> bury();
  void commit();

 private:
  void add_chunk(const ChunkRow& row, const std::string& uri);

  Catalogue& m_catalogue;
  Database& m_database;
  Transaction m_transaction;
  StateRow m_state;
  std::map<std::int64_t, std::vector<std::int64_t>> m_dead;  // rows by segment
};

}  // namespace vecdb
