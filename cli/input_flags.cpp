#include "input_flags.h"

#include <utility>

#include "arguments.h"
#include "base/error.h"
#include "flags.h"
#include "inputs.h"

namespace vecdb {

namespace {

void add_patterns(CLI::App& app, const std::string& flag, PathPatterns& patterns,
                  const std::string& help) {
  const auto take = [&patterns, flag](const std::vector<std::string>& values) {
    for (const auto& shielded : values) {
      const std::string value = unshielded(shielded);
      require_utf8(value, flag, ErrorKind::k_usage);
      if (!patterns.add(value)) {
        throw Error(ErrorKind::k_usage,
                    flag + " " + value + ": can match nothing; give a pattern as in .gitignore");
      }
    }
  };
  app.add_option_function<std::vector<std::string>>(flag, take, help)
      ->type_name("GLOB")
      ->allow_extra_args(false);
}

}  // namespace

void add_inputs(CLI::App& app, InputOptions& inputs) {
  app.add_option("PATH", inputs.paths, "Files or folders; - for stdin");
  app.add_option("--files-from", inputs.files_from,
                 "Read names from a file, one a line; - for stdin")
      ->type_name("FILE");
  app.add_flag_callback(
      "-0,--null", [&inputs] { inputs.name_separator = NameSeparator::k_nul; },
      "Names in --files-from end with a NUL byte");
  add_verbatim(
      app, "--name",
      [&inputs](std::string name) {
        if (name.empty()) throw Error(ErrorKind::k_usage, "--name: is empty; give a uri");
        inputs.stdin_name = std::move(name);
      },
      "The uri of what comes from stdin; default -")
      ->type_name("URI");
  add_patterns(app, "--include", inputs.walk.include,
               "Of a folder, only files that match, or lie in a folder that does; repeatable");
  add_patterns(app, "--exclude", inputs.walk.exclude,
               "Of a folder, nothing that matches or lies in what does; repeatable");
  app.add_flag_callback(
      "--hidden", [&inputs] { inputs.walk.hidden = HiddenFiles::k_take; },
      "Of a folder, also names that begin with a dot");
  app.add_flag_callback(
      "--no-ignore", [&inputs] { inputs.walk.ignore_files = IgnoreFiles::k_disregard; },
      "Do not obey .gitignore, .vecdbignore and .git/info/exclude");
  app.add_flag_callback(
      "--follow", [&inputs] { inputs.walk.links = FolderLinks::k_follow; },
      "Of a folder, also what symbolic links lead to");
  add_size(
      app, "--max-file-size", 1, [&inputs](std::size_t bytes) { inputs.max_file_size = bytes; },
      "Skip what is larger; default 256M");
}

}  // namespace vecdb
