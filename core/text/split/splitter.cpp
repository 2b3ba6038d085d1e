#include "text/split/splitter.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/split/character_splitter.h"
#include "text/split/language_separators.h"
#include "text/split/recursive_splitter.h"
#include "text/split/sentence_splitter.h"

namespace vecdb {

namespace {

// A piece is split again at the separators that follow, so this also is a depth.
constexpr std::size_t k_max_separators = 1000;

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::k_usage, why); }

void check_sizes(const SplitterOptions& options) {
  const bool is_known = options.chunk_size || options.length == LengthUnit::k_characters;
  if (!is_known) return;  // before a model has said what its window holds
  const std::size_t size = *with_defaults(options).chunk_size;
  if (size == 0) refuse("--chunk-size 0: holds no text; give at least 1");
  if (options.chunk_overlap > size) {
    refuse("--chunk-overlap " + std::to_string(options.chunk_overlap) +
           ": is larger than --chunk-size " + std::to_string(size) + "; make it smaller");
  }
}

void check_language(const SplitterOptions& options) {
  const std::string& language = options.language;
  if (language.empty()) return;
  const std::string shown = "--language " + language;
  if (options.kind != SplitterKind::k_recursive) {
    refuse(shown + ": has a meaning for --splitter recursive only; add that");
  }
  if (!options.separators.empty()) {
    refuse(shown + ": has separators of its own; leave out --separator");
  }
  if (separators_of_language(language).empty()) {
    refuse(shown + ": is not known; see `vecdb split --help`");
  }
}

void check_separators(const SplitterOptions& options) {
  if (options.kind == SplitterKind::k_sentence) {
    const char* flag = !options.separators.empty()                        ? "--separator"
                       : options.separator_kind == SeparatorKind::k_regex ? "--regex"
                       : options.keep_separator                           ? "--keep-separator"
                                                                          : nullptr;
    if (flag != nullptr) {
      refuse(std::string(flag) + ": has no meaning for --splitter sentence; leave it out");
    }
  }
  if (options.kind == SplitterKind::k_character && options.separators.size() > 1) {
    refuse("--separator: is given " + std::to_string(options.separators.size()) +
           " times, and --splitter character has one; use --splitter recursive");
  }
  if (options.separators.size() > k_max_separators) {
    refuse("--separator: is given " + std::to_string(options.separators.size()) +
           " times; give at most " + std::to_string(k_max_separators));
  }
  for (const std::string& separator : options.separators) {
    if (const auto offset = find_invalid_utf8(separator)) {
      refuse("--separator: is not UTF-8: byte " + std::to_string(*offset) + "; give it in UTF-8");
    }
  }
}

}  // namespace

SplitterOptions with_defaults(SplitterOptions options) {
  if (!options.chunk_size) options.chunk_size = 1000;
  if (options.kind == SplitterKind::k_sentence) return options;
  const bool is_recursive = options.kind == SplitterKind::k_recursive;
  if (!options.language.empty()) {
    options.separators = separators_of_language(options.language);
    options.separator_kind = SeparatorKind::k_regex;
  } else if (options.separators.empty()) {
    options.separators = is_recursive ? std::vector<std::string>{"\n\n", "\n", " ", ""}
                                      : std::vector<std::string>{"\n\n"};
  }
  if (!options.keep_separator) {
    options.keep_separator = is_recursive ? KeepSeparator::k_start : KeepSeparator::k_no;
  }
  return options;
}

std::vector<Chunk> Splitter::split(std::string_view text) const {
  std::vector<Chunk> chunks;
  split(text, [&](Chunk chunk) { chunks.push_back(std::move(chunk)); });
  return chunks;
}

std::unique_ptr<Splitter> make_splitter(const SplitterOptions& options,
                                        std::shared_ptr<const TextMeasure> measure) {
  check_sizes(options);
  check_language(options);
  check_separators(options);
  SplitterOptions full = with_defaults(options);
  if (full.kind == SplitterKind::k_recursive) {
    return std::make_unique<RecursiveSplitter>(std::move(full), std::move(measure));
  }
  if (full.kind == SplitterKind::k_sentence) {
    return std::make_unique<SentenceSplitter>(std::move(full), std::move(measure));
  }
  return std::make_unique<CharacterSplitter>(std::move(full), std::move(measure));
}

}  // namespace vecdb
