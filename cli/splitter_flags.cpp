#include "splitter_flags.h"

#include <utility>

#include "flags.h"

namespace vecdb {

void add_splitter(CLI::App& app, SplitterOptions& splitter) {
  add_choice<SplitterKind>(
      app, "--splitter", splitter.kind,
      {{"character", SplitterKind::k_character}, {"recursive", SplitterKind::k_recursive}},
      "How to split; default character");
  add_count(app, "--chunk-size", splitter.chunk_size, 1, std::size_t{1} << 30U,
            "Longest chunk, code points; default 1000");
  add_count(app, "--chunk-overlap", splitter.chunk_overlap, 0, std::size_t{1} << 30U,
            "Longest overlap of neighbours, code points; default 0");
  add_verbatim(
      app, "--separator",
      [&splitter](std::string value) { splitter.separators.push_back(std::move(value)); },
      "Where to split, verbatim; default a blank line; repeatable for recursive, whose default is "
      "a "
      "blank line, a line end, a space, and between any two characters")
      ->type_name("S");
  app.add_flag_callback(
      "--regex", [&splitter] { splitter.separator_kind = SeparatorKind::k_regex; },
      "The separator is a regular expression (Python's)");
  add_choice<std::optional<KeepSeparator>>(
      app, "--keep-separator", splitter.keep_separator,
      {{"no", KeepSeparator::k_no},
       {"start", KeepSeparator::k_start},
       {"end", KeepSeparator::k_end}},
      "Keep it at a piece's start or end; default no, of recursive start");
  app.add_flag_callback(
      "--no-strip", [&splitter] { splitter.whitespace = Whitespace::k_keep; },
      "Keep white space at the ends of a chunk");
}

}  // namespace vecdb
