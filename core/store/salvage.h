#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/catalogue.h"
#include "store/flat_segment.h"
#include "store/layout.h"
#include "store/store.h"

namespace vecdb {

// What a damaged store still proves to hold: rows of the catalogue whose checksums match, one by one, and
// vectors of segments whose bytes are those that were committed. Only under the store's lock.
class StoreSalvage {
 public:
  // `catalogue`: the store's, open to read; its tables and settings are right, or it would not be.
  StoreSalvage(const StoreLayout& layout, Catalogue catalogue);

  const StoreSettings& settings() const noexcept { return m_catalogue.settings(); }

  // Each document of which all rows are right, in the order in which they were stored, until `visit`
  // returns false. Its vectors are empty where one of them is lost.
  void each_document(const std::function<bool(NewDocument&&)>& visit);

  // What each_document() could not hand out: a line each, with the uri as far as it can be read.
  const std::vector<std::string>& lost() const noexcept { return m_lost; }

 private:
  void open_segments();
  std::vector<std::int64_t> document_numbers();
  // Nothing when there is no such document.
  std::optional<NewDocument> read_document(std::int64_t number);
  std::vector<ChunkRow> read_chunks(const DocumentRow& document);
  std::vector<float> vectors_of(const DocumentRow& document) const;

  StoreLayout m_layout;
  Catalogue m_catalogue;
  std::vector<FlatSegment> m_segments;  // checked
  std::vector<std::string> m_lost;
};

}  // namespace vecdb
