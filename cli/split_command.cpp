#include "base/error.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/utf8.h"
#include "commands.h"
#include "console.h"
#include "inputs.h"
#include "text/split/splitter.h"

namespace vecdb {

namespace {

// What is known of the document, and of the chunk alone.
Json meta_of(const Document& document, const Chunk& chunk) {
  Json meta = Json::object();
  for (const std::string& each : {document.meta, chunk.meta}) {
    if (!each.empty()) meta.update(parse_json(each, "metadata", ErrorKind::k_io));
  }
  return meta;
}

void print_json(const Document& document, std::size_t number, const Chunk& chunk) {
  Output::write(dump_json({{"uri", document.uri},
                           {"chunk", number},
                           {"start", chunk.start},
                           {"end", chunk.end},
                           {"line", chunk.line},
                           {"text", chunk.text},
                           {"meta", meta_of(document, chunk)}}) +
                "\n");
}

void print_text(const std::string& uri, std::size_t number, const Chunk& chunk,
                const Style& style) {
  Output::write(style.bold(style.shown(uri) + ":" + std::to_string(chunk.line)) +
                style.dim("  chunk " + std::to_string(number) + ", bytes " +
                          std::to_string(chunk.start) + "-" + std::to_string(chunk.end) + ", " +
                          with_thousands(count_code_points(chunk.text)) + " characters") +
                "\n" + style.shown(chunk.text) + "\n\n");
}

// Prints the chunks of one document.
void print_document(const Document& document, const std::vector<Chunk>& chunks,
                    const SplitCommand& command, const GlobalOptions& global) {
  const Style style = style_for(global);
  std::size_t number = 0;
  for (const Chunk& chunk : chunks) {
    if (command.format == SplitFormat::k_json || global.json) {
      print_json(document, number++, chunk);
    } else {
      print_text(document.uri, number++, chunk, style);
    }
  }
}

// Only files and stdin come from paths.
Loaded load_source(const Source& source, const LoadOptions& options) {
  if (const auto* named = std::get_if<NamedBytes>(&source)) return load(*named, options);
  return load(std::get<std::filesystem::path>(source), options);
}

}  // namespace

int run(const SplitCommand& command, const GlobalOptions& global) {
  const auto splitter = make_splitter(command.splitter);
  std::vector<Skipped> skipped;
  ChunkLengths lengths;
  for (const Source& source : gather_sources(command.inputs, skipped)) {
    if (pending_interrupt() != 0) break;
    const Loaded loaded = load_source(source, command.load);
    if (const auto* reason = std::get_if<Skipped>(&loaded)) {
      skipped.push_back(*reason);
      continue;
    }
    const auto& document = std::get<Document>(loaded);
    skipped.insert(skipped.end(), document.skipped.begin(), document.skipped.end());
    if (has_line_end_trouble(command.splitter, document)) {
      print_warning(global, document.uri + ": has " + k_line_end_trouble);
    }
    const std::vector<Chunk> chunks = split_document(*splitter, document);
    for (const Chunk& chunk : chunks) lengths.add(chunk, command.splitter.chunk_size);
    print_document(document, chunks, command, global);
  }
  warn_of_lengths(lengths, global);
  for (const Skipped& each : skipped) print_error(each.uri + ": skipped: " + each.reason);
  if (!skipped.empty()) {
    throw Error(ErrorKind::k_io, counted(skipped.size(), "input") + " skipped");
  }
  return 0;
}

}  // namespace vecdb
