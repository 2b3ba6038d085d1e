#pragma once

#include <functional>
#include <map>

#include "base/file.h"
#include "store/layout.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace vecdb {

// Reads a whole store of format 2, for migration alone. It differs from the present format in where
// vectors are named: there a chunk has the segment and the row of its vector, and a segment file
// holds no ids. Every row and segment is compared with its checksum; k_damaged where that fails.
class Format2Reader {
 public:
  explicit Format2Reader(const StoreLayout& layout);

  const StoreSettings& settings() const noexcept { return m_settings; }
  // In the order in which they were stored, until `visit` returns false.
  void each_document(const std::function<bool(NewDocument&&)>& visit);

 private:
  std::int64_t generation();
  void open_segments();
  NewDocument read_document(const Statement& row);
  void read_chunk(const Statement& row, std::int64_t document, NewDocument& to);

  StoreLayout m_layout;
  Database m_catalogue;
  StoreSettings m_settings;
  std::int64_t m_documents = 0;
  std::map<std::int64_t, MappedFile> m_segments;  // checked, by number
};

}  // namespace vecdb
