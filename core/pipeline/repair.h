#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/store_model.h"
#include "store/store.h"

namespace vecdb {

struct RepairSummary {
  std::uint64_t documents = 0;  // that the repaired store has
  std::uint64_t chunks = 0;
  std::uint64_t encoded = 0;      // chunks whose lost vectors were made again of their texts
  std::vector<std::string> lost;  // documents that are left out, by name as far as it can be read
  // Documents whose lost vectors had been imported, and are now the model's own.
  std::vector<std::string> replaced;
  // Where the damaged store stands now; empty when another process had repaired it already, and
  // nothing was done.
  std::filesystem::path kept;
};

// Makes a store of everything in a damaged one that proves right, and lets it take the damaged
// one's place in one step; that is kept beside it. Vectors that are lost are encoded again, with
// the store's model and precision, to the same bits. The new store has new chunk ids and no index.
// Until that step nothing of the old store is touched, whatever is thrown: k_damaged when not even
// settings can be read, k_model when the model is needed and not there, k_io when the room is
// missing or a file may not be read, k_busy when another process is writing. Nothing when an
// interrupt came.
std::optional<RepairSummary> repair_store(const std::filesystem::path& store,
                                          const ModelChoice& model, double wait_seconds,
                                          const Notice& notice);

// Removes what a repair that was killed has left beside a store, unless another one is at work.
void remove_remains_of_repair(const std::filesystem::path& store);

}  // namespace vecdb
