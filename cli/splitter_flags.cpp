#include "splitter_flags.h"

#include <utility>

#include "base/error.h"
#include "flags.h"

namespace vecdb {

void add_splitter(CLI::App& app, SplitterOptions& splitter) {
  const auto check_kind = [](const std::string& kind) {
    if (kind != "character") {
      throw Error(ErrorKind::k_usage, "--splitter " + kind + ": is not known; use character");
    }
  };
  app.add_option_function<std::string>("--splitter", check_kind, "How to split; default character")
      ->type_name("character");
  add_count(app, "--chunk-size", splitter.chunk_size, 1, std::size_t{1} << 30U,
            "Longest chunk, code points; default 1000");
  add_count(app, "--chunk-overlap", splitter.chunk_overlap, 0, std::size_t{1} << 30U,
            "Longest overlap of neighbours, code points; default 0");
  add_verbatim(
      app, "--separator", [&splitter](std::string value) { splitter.separator = std::move(value); },
      "Where to split, verbatim; default a blank line")
      ->type_name("S");
  app.add_flag_callback(
      "--regex", [&splitter] { splitter.separator_kind = SeparatorKind::k_regex; },
      "The separator is a regular expression (Python's)");
  add_choice<KeepSeparator>(app, "--keep-separator", splitter.keep_separator,
                            {{"no", KeepSeparator::k_no},
                             {"start", KeepSeparator::k_start},
                             {"end", KeepSeparator::k_end}},
                            "Keep it at a piece's start or end; default no");
  app.add_flag_callback(
      "--no-strip", [&splitter] { splitter.whitespace = Whitespace::k_keep; },
      "Keep white space at the ends of a chunk");
}

}  // namespace vecdb
