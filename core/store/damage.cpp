#include "store/damage.h"

#include <charconv>

#include "store/format.h"

namespace vecdb {

Error damaged(const std::filesystem::path& file, const std::string& why) {
  return Error(ErrorKind::k_damaged,
               file.string() + ": " + why +
                   "; `vecdb verify --repair` makes a sound store of what is right in it");
}

Error damaged_index(const std::filesystem::path& file, const std::string& why) {
  return Error(ErrorKind::k_damaged,
               file.string() + ": " + why +
                   "; `vecdb compact` makes it anew, `vecdb query --recall 1` does without it");
}

Error of_other_format(const std::filesystem::path& file, const std::string& format) {
  std::int64_t number = 0;
  std::from_chars(format.data(), format.data() + format.size(), number);
  const bool older = number < k_store_format;
  return Error(ErrorKind::k_damaged, file.string() + ": was made by " +
                                         (older ? "an older" : "a newer") + " vecdb (format " +
                                         format + ", this one reads " +
                                         std::to_string(k_store_format) + "); " +
                                         (number == k_oldest_store_format ? "run `vecdb migrate`"
                                          : older ? "ingest into a new store"
                                                  : "use that version"));
}

}  // namespace vecdb
