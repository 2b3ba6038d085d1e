#include "store/consistency.h"

#include <system_error>

#include "store/damage.h"

namespace vecdb {

bool is_unfinished_store(const std::filesystem::path& store) {
  const StoreLayout layout(store);
  std::error_code error;
  if (!is_store(store) || std::filesystem::exists(layout.catalogue, error) || error) return false;
  const auto head = read_head(layout.head);
  return !head || head->generation == 0;
}

StoreState committed_state(const std::filesystem::path& store) {
  const auto head = read_head(StoreLayout(store).head);
  if (!head) throw Error(ErrorKind::k_io, store.string() + ": holds no vecdb store");
  return {.store = head->store, .generation = head->generation};
}

Head require_store(const StoreLayout& layout) {
  const std::string folder = layout.folder.string();
  if (!is_store(layout.folder)) {
    throw Error(ErrorKind::k_io, folder + ": holds no vecdb store; make one with `vecdb ingest`");
  }
  const auto head = read_head(layout.head);
  if (!head) throw damaged(layout.head, "is missing");
  std::error_code error;
  if (std::filesystem::exists(layout.catalogue, error) || error) return *head;
  if (head->generation > 0) throw damaged(layout.catalogue, "is missing");
  throw Error(
      ErrorKind::k_io,
      folder + ": holds only the beginning of a vecdb store; finish it with `vecdb ingest`");
}

void refuse_other_format(const StoreLayout& layout) {
  const std::string format = format_of_head(layout.head);
  if (format.empty() || format == std::to_string(k_store_format)) return;
  throw of_other_format(layout.head, format);
}

void compare_with_head(const StoreLayout& layout, const Catalogue& catalogue, const Head& head) {
  if (catalogue.store_id() != head.store) {
    throw damaged(layout.head, "belongs to another store than catalog.db");
  }
  if (catalogue.state().generation < head.generation) {
    throw damaged(layout.catalogue, "is older than HEAD, so that commits are lost");
  }
}

}  // namespace vecdb
