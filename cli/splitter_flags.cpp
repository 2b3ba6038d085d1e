#include "splitter_flags.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/nearest_name.h"
#include "flags.h"
#include "text/split/language_separators.h"

namespace vecdb {

namespace {

constexpr std::size_t k_largest_size = std::size_t{1} << 30U;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void add_language(CLI::App& app, std::string& language) {
  const auto take = [&language](const std::string& name) {
    const std::vector<std::string> known = known_languages();
    if (std::ranges::find(known, name) == known.end()) {
      const std::string nearest = nearest_name(name, known);
      throw Error(ErrorKind::k_usage, "--language " + name + ": is not known; " +
                                          (nearest.empty() ? "use one of " + joined(known)
                                                           : "did you mean " + nearest + "?"));
    }
    language = name;
  };
  app.add_option_function<std::string>("--language", take,
                                       "Separators of recursive for " + joined(known_languages()))
      ->type_name("NAME");
}

}  // namespace

void add_splitter(CLI::App& app, SplitterOptions& splitter) {
  add_choice<SplitterKind>(app, "--splitter", splitter.kind,
                           {{"character", SplitterKind::k_character},
                            {"recursive", SplitterKind::k_recursive},
                            {"sentence", SplitterKind::k_sentence}},
                           "How to split; default character");
  add_choice<LengthUnit>(
      app, "--length", splitter.length,
      {{"characters", LengthUnit::k_characters}, {"tokens", LengthUnit::k_tokens}},
      "What sizes count; default characters (code points)");
  add_count(
      app, "--chunk-size", [&splitter](std::size_t size) { splitter.chunk_size = size; }, 1,
      k_largest_size,
      "Longest chunk; default 1000 characters, or the tokens that the model's window holds");
  add_count(app, "--chunk-overlap", splitter.chunk_overlap, 0, k_largest_size,
            "Longest overlap of neighbours; default 0");
  add_verbatim_list(
      app, "--separator",
      [&splitter](std::string value) { splitter.separators.push_back(std::move(value)); },
      "Where to split, verbatim; default a blank line; repeatable for recursive, whose default is "
      "a "
      "blank line, a line end, a space, and between any two characters")
      ->type_name("S");
  add_language(app, splitter.language);
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
