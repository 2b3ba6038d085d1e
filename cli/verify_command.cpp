#include "base/error.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

int run(const VerifyCommand&, const GlobalOptions& global) {
  const auto path = existing_store(global);
  const std::vector<std::string> problems = verify_store(path);
  for (const auto& problem : problems) {
    if (global.json) {
      Output::write(dump_json({{"problem", problem}}) + "\n");
    } else {
      print_error(problem);
    }
  }
  if (global.json) {
    Output::write(dump_json({{"summary", {{"problems", problems.size()}}}}) + "\n");
  }
  if (!problems.empty()) {
    throw Error(ErrorKind::k_damaged, path.string() + ": is damaged in " +
                                          counted(problems.size(), "place") +
                                          "; restore it, or ingest into a new store");
  }
  print_warning(global, path.string() + ": is sound");
  return 0;
}

}  // namespace vecdb
