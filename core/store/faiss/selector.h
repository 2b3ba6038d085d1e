#pragma once

#include <faiss/Index.h>
#include <faiss/impl/IDSelector.h>

#include <type_traits>

#include "store/row_selection.h"

namespace vecdb {

using RowNumber = std::remove_cvref_t<decltype(faiss::Index::ntotal)>;

// Lets through what a selection does not leave out; FAISS counts rows from `first` on. The selection
// must outlive it.
class AllBut : public faiss::IDSelector {
 public:
  AllBut(const RowSelection::AllBut& left_out, std::int64_t first)
      : m_left_out(left_out), m_first(first) {}
  // An index is not searched for rows that it should not have: they can be any number.
  bool is_member(RowNumber row) const override {
    const auto place = static_cast<std::size_t>(row + m_first);
    return place < m_left_out.size() && !m_left_out[place];
  }

 private:
  const RowSelection::AllBut& m_left_out;
  std::int64_t m_first;
};

}  // namespace vecdb
