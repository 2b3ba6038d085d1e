#include <memory>
#include <system_error>
#include <utility>

#include "answer_printer.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "commands.h"
#include "console.h"
#include "file_sources.h"
#include "inputs.h"
#include "pipeline/source_vectors.h"
#include "search_session.h"
#include "store_path.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

void require_file(const std::string& id) {
  std::error_code error;
  const auto type = fs::status(id, error).type();
  if (type == fs::file_type::not_found) {
    throw Error(ErrorKind::k_io, id + ": is neither in the store nor a file; `vecdb list` prints "
                                      "what is stored");
  }
  if (type == fs::file_type::directory) {
    throw Error(ErrorKind::k_io, id + ": is a folder; name one of its files");
  }
}

void warn_of_source(const std::string& id, const SourceVectors& source,
                    const GlobalOptions& global) {
  for (const Skipped& part : source.parts) print_error(part.uri + ": skipped: " + part.reason);
  if (source.has_line_end_trouble) print_warning(global, id + ": has " + k_line_end_trouble);
  if (source.fits.truncated > 0) {
    print_warning(global, id + ": " + counted(source.fits.truncated, "chunk") +
                              " longer than the model's window: encoded only up to it; a smaller "
                              "--chunk-size or --on-overflow split avoids that");
  }
}

// The vectors of a document that is not stored. Nothing when an interrupt is pending.
std::optional<SourceVectors> read_vectors(const SimilarCommand& command,
                                          const GlobalOptions& global) {
  InputOptions input;
  input.paths = {command.id};
  auto source = FileSources(input).next();
  if (!source) return std::nullopt;
  const auto path = existing_store(global);
  const StoreReader store(path);
  Embedder embedder =
      embedder_for_store(store.settings(), model_choice_with_server(global, path));
  auto vectors = vectors_of_source(std::move(*source), store, embedder, command.source);
  if (vectors) warn_of_source(command.id, *vectors, global);
  return vectors;
}

std::optional<Answer> find_similar(const SimilarCommand& command, const GlobalOptions& global,
                                   QuerySession& session) {
  if (command.id != "-") {
    const StoredName name{.given = command.id, .as_path = uri_of(command.id)};
    if (const auto stored = session.find(name)) return session.similar(*stored);
    require_file(command.id);
  }
  const auto source = read_vectors(command, global);
  return source ? session.nearest(source->vectors) : std::nullopt;
}

}  // namespace

int run(const SimilarCommand& command, const GlobalOptions& global) {
  require_utf8(command.id, "the name of the document", ErrorKind::k_usage);
  make_splitter(command.source.splitter);  // a wrong flag is told before anything is read
  QueryOptions options = command.options;
  options.questions = Questions::k_vectors;
  const auto session = open_session(options, global);
  const auto answer = find_similar(command, global, *session);
  if (!answer) return 1;
  AnswerPrinter(command.format, global)
      .print(command.id, *answer, AnswerPrinter::Question::k_unnamed);
  if (!answer->hits.empty()) return 0;
  warn_of_nothing(options, session->facts(), "the store holds no other passages", global);
  return 1;
}

}  // namespace vecdb
