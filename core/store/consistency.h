#pragma once

#include "store/catalogue.h"
#include "store/head.h"
#include "store/layout.h"

// Whether HEAD and the catalogue belong together; the same for readers, writers and verify.
namespace vecdb {

// HEAD, to be read before the catalogue is opened: a commit replaces it last. Throws k_io when the
// path holds no store, or only the beginning of one; k_damaged when HEAD or the catalogue is lost.
Head require_store(const StoreLayout& layout);

// Throws k_damaged where a whole HEAD names another format: such a store is not a damaged one.
void refuse_other_format(const StoreLayout& layout);

// Throws k_damaged when they are of two stores, or the catalogue has lost commits. A newer
// catalogue is sound: its writer died before it could replace HEAD.
void compare_with_head(const StoreLayout& layout, const Catalogue& catalogue, const Head& head);

}  // namespace vecdb
