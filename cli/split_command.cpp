#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/utf8.h"
#include "commands.h"
#include "console.h"
#include "file_sources.h"
#include "inputs.h"
#include "length_stats.h"
#include "pipeline/splitter_settings.h"
#include "pipeline/store_model.h"
#include "text/split/byte_range.h"
#include "text/split/splitter.h"

namespace vecdb {

namespace {

// What dump_json() would make of it; written straight, because a text is split faster than printed,
// and in parts, because a chunk may be all of a large text.
void print_json(const Document& document, std::size_t number, const Chunk& chunk) {
  constexpr std::size_t k_part = std::size_t{1} << 16U;
  std::string line = "{\"uri\":";
  append_json_string(line, document.uri);
  line += ",\"chunk\":" + std::to_string(number);
  line += ",\"start\":" + std::to_string(chunk.start);
  line += ",\"end\":" + std::to_string(chunk.end);
  line += ",\"line\":" + std::to_string(chunk.line);
  line += ",\"text\":";
  std::string_view rest = chunk.text;
  append_json_string(line, rest.substr(0, k_part));
  while (rest.size() > k_part) {
    rest.remove_prefix(k_part);
    line.pop_back();  // the quote: the string goes on
    Output::write(line);
    line.clear();
    append_json_string(line, rest.substr(0, k_part));
    line.erase(0, 1);
  }
  line += ",\"meta\":" + merge_json(document.meta, chunk.meta, "metadata", ErrorKind::k_io) + "}\n";
  Output::write(line);
}

// What a chunk repeats of the one before it: bytes at its beginning.
std::size_t overlap_of(const Chunk& chunk, ByteRange before) {
  return before.end <= chunk.start || before.start > chunk.start ? 0 : before.end - chunk.start;
}

// Prints chunks for the eye: places, sizes, and what each repeats of the one before it.
class TextPrinter {
 public:
  TextPrinter(const GlobalOptions& global, const TextMeasure* tokens)
      : m_style(style_for(global)), m_tokens(tokens) {}

  // `repeated`: bytes of the chunk's text.
  void print(const std::string& uri, std::size_t number, const Chunk& chunk, std::size_t repeated) {
    const std::size_t overlap = number > 0 ? overlap_of(chunk, m_before) : 0;
    m_before = {chunk.start, chunk.end};
    std::string facts = "  chunk " + std::to_string(number) + ", bytes " +
                        std::to_string(chunk.start) + "-" + std::to_string(chunk.end) + ", " +
                        counted(count_code_points(chunk.text), "character");
    if (m_tokens != nullptr) facts += ", " + counted(m_tokens->length(chunk.text), "token");
    if (overlap > 0) facts += ", overlap " + counted(overlap, "byte");
    Output::write(m_style.bold(m_style.shown(uri) + ":" + std::to_string(chunk.line)) +
                  m_style.dim(facts) + "\n" + shown_text(chunk.text, repeated) + "\n\n");
  }

 private:
  // With what is repeated set apart.
  std::string shown_text(std::string_view text, std::size_t repeated) const {
    if (repeated == 0) return m_style.shown(text);
    const std::string start = m_style.shown(text.substr(0, repeated));
    return (m_style.color ? m_style.dim(start) : "[" + start + "]") +
           m_style.shown(text.substr(repeated));
  }

  Style m_style;
  const TextMeasure* m_tokens;
  ByteRange m_before;  // the chunk that was printed last
};

// Only files and stdin come from paths.
Loaded load_source(const Source& source, const LoadOptions& options) {
  if (const auto* skipped = std::get_if<Skipped>(&source)) return *skipped;
  if (const auto* named = std::get_if<NamedBytes>(&source)) return load(*named, options);
  return load(std::get<FoundFile>(source), options);
}

// The model whose tokens are counted. Nothing when none is asked for; or, where it only adds to
// what is shown, when it cannot be opened.
std::optional<Embedder> open_model(const SplitCommand& command, const GlobalOptions& global) {
  const bool is_needed = command.splitter.length == LengthUnit::k_tokens;
  const bool is_wanted = command.stats || (command.format == SplitFormat::k_text && global.model);
  if (!is_needed && !is_wanted) return std::nullopt;
  try {
    return embedder_without_store(model_choice(global));
  } catch (const Error& error) {
    if (is_needed || global.model) throw;
    print_warning(global, std::string("no tokens are counted: ") + error.what());
    return std::nullopt;
  }
}

// Gathers lengths in place of printing chunks.
class StatsPrinter {
 public:
  StatsPrinter(const Splitting& splitting, const TokenMeasure* tokens) : m_tokens(tokens) {
    m_stats.chunk_size = *splitting.options.chunk_size;
    if (tokens != nullptr) m_stats.room = tokens->room();
  }

  void add(const Chunk& chunk) {
    m_characters.push_back(count_code_points(chunk.text));
    if (m_tokens == nullptr) return;
    const std::size_t tokens = m_tokens->length(chunk.text);
    m_token_counts.push_back(tokens);
    m_stats.over_window += tokens > m_stats.room ? 1 : 0;
  }

  void print(std::size_t oversize, bool is_json) {
    m_stats.chunks = m_characters.size();
    m_stats.oversize = oversize;
    m_stats.characters = length_stats(std::move(m_characters));
    if (m_tokens != nullptr) m_stats.tokens = length_stats(std::move(m_token_counts));
    Output::write(is_json ? to_json(m_stats) + "\n" : to_text(m_stats));
  }

 private:
  const TokenMeasure* m_tokens;
  ChunkStats m_stats;
  std::vector<std::size_t> m_characters;
  std::vector<std::size_t> m_token_counts;
};

// A chunk, and how many bytes of its text the one before it ends with.
using PrintChunk = std::function<void(const Chunk& chunk, std::size_t repeated)>;

// Prints the chunks of a document; or none, and says why.
std::optional<Skipped> print_document(const Splitting& splitting, const Document& document,
                                      const PrintChunk& print) {
  // An expression may fail in the middle of a text, so it is tried first. That takes less memory
  // than to hold the chunks; only where lengths are dear to find out they are held.
  const bool may_fail = splitting.options.separator_kind == SeparatorKind::k_regex;
  const bool holds = may_fail && splitting.measure;
  std::vector<std::pair<Chunk, std::size_t>> held;
  if (may_fail) {
    try {
      split_document(*splitting.splitter, document, [&](Chunk chunk, const ChunkOrigin& origin) {
        if (holds) held.emplace_back(std::move(chunk), origin.repeated());
      });
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::k_io) throw;
      return Skipped{document.uri, error.what()};
    }
  }
  std::size_t count = held.size();
  for (const auto& [chunk, repeated] : held) print(chunk, repeated);
  if (!holds) {
    split_document(*splitting.splitter, document,
                   [&](const Chunk& chunk, const ChunkOrigin& origin) {
                     ++count;
                     print(chunk, origin.repeated());
                   });
  }
  if (count > 0) return std::nullopt;
  return Skipped{document.uri, no_chunk_reason(document.type)};
}

}  // namespace

int run(const SplitCommand& command, const GlobalOptions& global) {
  make_splitter(command.splitter);  // a wrong flag is told before a model is looked for
  const std::optional<Embedder> embedder = open_model(command, global);
  const Model* model = embedder ? &embedder->model() : nullptr;
  const Splitting splitting = make_splitting(command.splitter, model);
  std::optional<TokenMeasure> tokens;
  if (model != nullptr) tokens.emplace(*model);
  const TokenMeasure* shown_tokens = tokens ? &*tokens : nullptr;
  TextPrinter text_printer(global, shown_tokens);
  StatsPrinter stats_printer(splitting, shown_tokens);
  const SplitFormat usual = command.stats ? SplitFormat::k_text : SplitFormat::k_json;
  const bool is_json = global.json || command.format.value_or(usual) == SplitFormat::k_json;

  std::vector<Skipped> skipped;
  ChunkLengths lengths;
  LoadOptions load = command.load;
  load.max_bytes = command.inputs.max_file_size;
  std::unordered_set<std::string> seen;  // uris
  for (FileSources sources(command.inputs); const auto source = sources.next();) {
    if (std::holds_alternative<FoundFile>(*source) && !seen.insert(document_uri(*source)).second) {
      continue;
    }
    const Loaded loaded = load_source(*source, load);
    if (pending_interrupt() != 0) break;  // it may be cut short
    if (const auto* reason = std::get_if<Skipped>(&loaded)) {
      skipped.push_back(*reason);
      continue;
    }
    const auto& document = std::get<Document>(loaded);
    skipped.insert(skipped.end(), document.skipped.begin(), document.skipped.end());
    if (has_line_end_trouble(splitting.options, document)) {
      print_warning(global, document.uri + ": has " + k_line_end_trouble);
    }
    std::size_t number = 0;
    const auto print = [&](const Chunk& chunk, std::size_t repeated) {
      lengths.add(chunk, *splitting.options.chunk_size, splitting.measure.get());
      if (command.stats) {
        stats_printer.add(chunk);
      } else if (is_json) {
        print_json(document, number, chunk);
      } else {
        text_printer.print(document.uri, number, chunk, repeated);
      }
      ++number;
    };
    if (auto refused = print_document(splitting, document, print))
      skipped.push_back(std::move(*refused));
  }
  if (command.stats) stats_printer.print(lengths.oversize, is_json);
  warn_of_lengths(lengths, command.splitter.length, global);
  for (const Skipped& each : skipped) print_error(each.uri + ": skipped: " + each.reason);
  if (!skipped.empty()) {
    throw Error(ErrorKind::k_io, counted(skipped.size(), "input") + " skipped");
  }
  return 0;
}

}  // namespace vecdb
