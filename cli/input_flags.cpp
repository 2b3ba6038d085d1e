#include "input_flags.h"

#include <utility>

#include "base/error.h"
#include "flags.h"

namespace vecdb {

void add_inputs(CLI::App& app, InputOptions& inputs) {
  app.add_option("PATH", inputs.paths, "Files or folders; - for stdin");
  app.add_option("--files-from", inputs.files_from,
                 "Read names from a file, one a line; - for stdin")
      ->type_name("FILE");
  app.add_flag_callback(
      "-0,--null", [&inputs] { inputs.name_separator = NameSeparator::k_nul; },
      "Names in --files-from end with a NUL byte");
  add_verbatim(
      app, "--name", [&inputs](std::string name) { inputs.stdin_name = std::move(name); },
      "The uri of what comes from stdin; default -")
      ->type_name("URI");
}

}  // namespace vecdb
