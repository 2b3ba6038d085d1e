#include <optional>
#include <string>
#include <unordered_set>

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
#include "text/split/splitter.h"

namespace vecdb {

namespace {

// What dump_json() would make of it; written straight, because a text is split faster than printed.
void print_json(const Document& document, std::size_t number, const Chunk& chunk) {
  std::string line = "{\"uri\":";
  append_json_string(line, document.uri);
  line += ",\"chunk\":" + std::to_string(number);
  line += ",\"start\":" + std::to_string(chunk.start);
  line += ",\"end\":" + std::to_string(chunk.end);
  line += ",\"line\":" + std::to_string(chunk.line);
  line += ",\"text\":";
  append_json_string(line, chunk.text);
  line += ",\"meta\":" + merge_json(document.meta, chunk.meta, "metadata", ErrorKind::k_io) + "}\n";
  Output::write(line);
}

// What a chunk repeats of the one before it: bytes at its beginning.
std::size_t overlap_of(const Chunk& chunk, const Chunk* before) {
  return before == nullptr || before->end <= chunk.start || before->start > chunk.start
             ? 0
             : before->end - chunk.start;
}

// Prints chunks for the eye: places, sizes, and what each repeats of the one before it.
class TextPrinter {
 public:
  TextPrinter(const GlobalOptions& global, const TextMeasure* tokens)
      : m_style(style_for(global)), m_tokens(tokens) {}

  void print(const std::string& uri, std::size_t number, const Chunk& chunk, const Chunk* before) {
    const std::size_t overlap = overlap_of(chunk, before);
    std::string facts = "  chunk " + std::to_string(number) + ", bytes " +
                        std::to_string(chunk.start) + "-" + std::to_string(chunk.end) + ", " +
                        counted(count_code_points(chunk.text), "character");
    if (m_tokens != nullptr) facts += ", " + counted(m_tokens->length(chunk.text), "token");
    if (overlap > 0) facts += ", overlap " + counted(overlap, "byte");
    Output::write(m_style.bold(m_style.shown(uri) + ":" + std::to_string(chunk.line)) +
                  m_style.dim(facts) + "\n" + shown_text(chunk, overlap) + "\n\n");
  }

 private:
  // With the overlap set apart, where the text is the source's own bytes.
  std::string shown_text(const Chunk& chunk, std::size_t overlap) const {
    const std::string_view text = chunk.text;
    if (overlap == 0 || overlap > text.size() || chunk.end - chunk.start != text.size()) {
      return m_style.shown(text);
    }
    const std::string repeated = m_style.shown(text.substr(0, overlap));
    return (m_style.color ? m_style.dim(repeated) : "[" + repeated + "]") +
           m_style.shown(text.substr(overlap));
  }

  Style m_style;
  const TextMeasure* m_tokens;
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
    if (has_line_end_trouble(command.splitter, document)) {
      print_warning(global, document.uri + ": has " + k_line_end_trouble);
    }
    std::size_t number = 0;
    const std::vector<Chunk> chunks = split_document(*splitting.splitter, document);
    for (const Chunk& chunk : chunks) {
      lengths.add(chunk, *splitting.options.chunk_size, splitting.measure.get());
      if (command.stats) {
        stats_printer.add(chunk);
      } else if (is_json) {
        print_json(document, number, chunk);
      } else {
        text_printer.print(document.uri, number, chunk, number > 0 ? &chunk - 1 : nullptr);
      }
      ++number;
    }
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
