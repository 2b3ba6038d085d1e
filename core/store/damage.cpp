#include "store/damage.h"

namespace vecdb {

Error damaged(const std::filesystem::path& file, const std::string& why) {
  return Error(ErrorKind::k_damaged,
               file.string() + ": " + why +
                   "; run `vecdb verify`, then restore the store from a backup or ingest again");
}

Error made_by_newer(const std::filesystem::path& file, const std::string& format) {
  return Error(ErrorKind::k_damaged, file.string() + ": was made by a newer vecdb (format " +
                                         format + ", this one reads 1); use that version");
}

}  // namespace vecdb
