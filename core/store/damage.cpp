#include "store/damage.h"

namespace vecdb {

Error damaged(const std::filesystem::path& file, const std::string& why) {
  return Error(ErrorKind::k_damaged,
               file.string() + ": " + why +
                   "; run `vecdb verify`, then restore the store from a backup or ingest again");
}

Error of_other_format(const std::filesystem::path& file, const std::string& format) {
  const bool older = format == "1";
  return Error(ErrorKind::k_damaged, file.string() + ": was made by " +
                                         (older ? "an older" : "a newer") + " vecdb (format " +
                                         format + ", this one reads 2); " +
                                         (older ? "ingest into a new store" : "use that version"));
}

}  // namespace vecdb
