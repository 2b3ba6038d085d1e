#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "answer_printer.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "beir_data.h"
#include "commands.h"
#include "console.h"
#include "ingest_report.h"
#include "inputs.h"
#include "pipeline/ingest.h"
#include "pipeline/nearest_documents.h"
#include "pipeline/query.h"
#include "pipeline/splitter_settings.h"
#include "scratch_folder.h"
#include "trec_run.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

// Questions encoded at a time: enough for all threads. It decides nothing of the vectors.
constexpr std::size_t k_questions_at_a_time = 256;

std::unique_ptr<TrecRun> open_run(const std::string& path, const BeirData& data) {
  if (path.empty()) return nullptr;
  for (const JudgedQuery& query : data.queries) TrecRun::require_writable(query.id);
  for (const std::string& document : data.documents) TrecRun::require_writable(document);
  return std::make_unique<TrecRun>(path);
}

// Neither is the corpus put among what somebody keeps, nor is that measured with it.
void refuse_other_documents(const fs::path& store, const BeirData& data) {
  if (!is_store(store) || is_unfinished_store(store)) return;
  StoreReader(store).each_document([&](const DocumentSummary& document) {
    const std::string& uri = document.record.uri;
    if (!data.documents.contains(uri)) {
      throw Error(ErrorKind::k_io, store.string() + ": holds \"" + uri +
                                       "\", which is not of this corpus; name a store for the "
                                       "corpus alone");
    }
    return pending_interrupt() == 0;
  });
}

// Reports as `ingest` does without --json, since stdout is for the figures; notes what was skipped.
class CorpusReporter final : public IngestObserver {
 public:
  explicit CorpusReporter(const GlobalOptions& global) : m_global(global), m_reporter(m_global) {
    m_global.json = false;
  }

  const std::vector<std::string>& skipped() const noexcept { return m_skipped; }

  void end(const IngestSummary& summary, LengthUnit unit) {
    m_reporter.end_progress();
    print_summary(summary, unit, m_global);
  }

  void on_event(const IngestEvent& event) override {
    if (event.status == IngestStatus::k_skipped) m_skipped.push_back(event.uri);
    m_reporter.on_event(event);
  }
  void on_warning(const std::string& message) override { m_reporter.on_warning(message); }
  void on_progress(const IngestProgress& progress) override { m_reporter.on_progress(progress); }

 private:
  GlobalOptions m_global;
  IngestReporter m_reporter;
  std::vector<std::string> m_skipped;
};

// The uris of documents that could not be made as asked; nothing when it was interrupted.
std::optional<std::vector<std::string>> store_corpus(const EvalCommand& command,
                                                     const GlobalOptions& global,
                                                     const BeirData& data, const fs::path& store,
                                                     const ModelChoice& choice) {
  IngestOptions options;
  options.store = store;
  options.model = choice;
  options.load.max_bytes = InputOptions{}.max_file_size;
  options.splitter = command.splitter;
  options.overflow = command.overflow;
  options.jobs = worker_threads(global);
  CorpusSources sources(data);
  CorpusReporter reporter(global);
  const IngestSummary summary = ingest(options, sources, reporter);
  // What is in a temporary store is not told of when it goes.
  if (!summary.interrupted || !global.store.empty()) reporter.end(summary, command.splitter.length);
  if (summary.interrupted) return std::nullopt;
  if (!reporter.skipped().empty()) {
    // They must not be found as an earlier run stored them.
    const auto say = [&global](const std::string& what) { print_warning(global, what); };
    StoreWriter::open(store, options.wait_seconds, say).commit({}, reporter.skipped());
  }
  return reporter.skipped();
}

// A question cannot be split: it has one vector.
std::vector<TokenizedText> tokenize(const Embedder& embedder, std::span<const JudgedQuery> queries,
                                    Overflow overflow) {
  std::vector<std::string> names;
  for (const JudgedQuery& query : queries) names.push_back("the query \"" + query.id + '"');
  std::vector<Question> questions;
  for (std::size_t i = 0; i < queries.size(); ++i) questions.push_back({queries[i].text, names[i]});
  return tokenize_questions(embedder, questions,
                            overflow == Overflow::k_split ? Overflow::k_warn : overflow);
}

// The means over all judged queries; nothing when it was interrupted. `run` may be nullptr.
std::optional<RetrievalMeasures> ask(const EvalCommand& command, const GlobalOptions& global,
                                     const BeirData& data, const StoreReader& store,
                                     Embedder& embedder, TrecRun* run) {
  RetrievalMeasures sums;
  std::size_t asked = 0;
  std::size_t truncated = 0;
  ProgressLine progress(global);
  const std::span all(data.queries);
  while (asked < all.size()) {
    const auto queries = all.subspan(asked, std::min(k_questions_at_a_time, all.size() - asked));
    const auto tokenized = tokenize(embedder, queries, command.overflow);
    const auto vectors = encode_questions(embedder, tokenized);
    if (!vectors) return std::nullopt;
    truncated += static_cast<std::size_t>(
        std::ranges::count(tokenized, true, &TokenizedText::truncated));
    auto rest = std::span(*vectors);
    for (const JudgedQuery& query : queries) {
      // BEIR takes the document that has the query's own id out of the answer.
      const DocumentLimits limits{
          .k = command.k, .left_out = query.id, .effort = command.effort};
      const auto ranked = nearest_documents(store, rest.first(embedder.dimension()), limits);
      if (!ranked) return std::nullopt;
      std::vector<std::string> ids;
      for (const RankedDocument& document : *ranked) ids.push_back(document.uri);
      sums += measure(ids, query.judgements, command.k);
      if (run != nullptr) run->write(query.id, *ranked);
      rest = rest.subspan(embedder.dimension());
      ++asked;
      progress.show(static_cast<double>(asked) / static_cast<double>(all.size()),
                    with_thousands(asked) + " of " + counted(all.size(), "question"));
    }
  }
  progress.clear();
  if (truncated > 0) {
    print_warning(global, counted(truncated, "question") +
                              " longer than the model's window: encoded only up to it");
  }
  return sums /= static_cast<double>(all.size());
}

Json figures_of(const EvalCommand& command, const BeirData& data, std::size_t skipped,
                const RetrievalMeasures& measures, const StoreReader& store,
                const Splitting& splitting) {
  const StoreSettings& settings = store.settings();
  const StoreStats stats = store.stats();
  return {
      {"dataset", data.name},
      {"split", command.split},
      {"documents", data.documents.size()},
      {"skipped", skipped},
      {"chunks", stats.chunks},
      {"truncated", stats.fits.truncated},
      {"queries", data.queries.size()},
      {"k", command.k},
      {"ndcg", measures.ndcg},
      {"recall", measures.recall},
      {"mrr", measures.reciprocal_rank},
      {"model", settings.model},
      {"fingerprint", settings.fingerprint},
      {"precision", settings.precision},
      {"dimension", settings.dimension},
      {"exact", store.is_exact(command.effort)},
      {"splitter", parse_json(splitting.description, "the splitter", ErrorKind::k_io)}};
}

void print_text(const Json& figures, const Style& style) {
  const auto row = [&style](const std::string& name, const std::string& value) {
    Output::write(name + std::string(13 - std::min<std::size_t>(name.size(), 12), ' ') +
                  style.shown(value) + "\n");
  };
  for (const char* name : {"dataset", "split"}) row(name, figures[name].get<std::string>());
  for (const char* name : {"documents", "skipped", "chunks", "truncated", "queries"}) {
    row(name, with_thousands(figures[name].get<std::uint64_t>()));
  }
  for (const char* name : {"model", "precision"}) row(name, figures[name].get<std::string>());
  const Json& splitter = figures["splitter"];
  row("splitter", splitter["splitter"].get<std::string>() + ", " +
                      with_thousands(splitter["chunk_size"].get<std::uint64_t>()) +
                      (splitter.contains("tokens_of") ? " tokens" : " characters") + ", overlap " +
                      with_thousands(splitter["chunk_overlap"].get<std::uint64_t>()));
  const std::string at_k = "@" + std::to_string(figures["k"].get<std::size_t>());
  row("nDCG" + at_k, score_text(figures["ndcg"].get<double>()));
  row("recall" + at_k, score_text(figures["recall"].get<double>()));
  row("MRR" + at_k, score_text(figures["mrr"].get<double>()));
}

}  // namespace

int run(const EvalCommand& command, const GlobalOptions& global) {
  make_splitter(command.splitter);  // a wrong flag is told before anything is read
  const BeirData data = read_beir_data(command.folder, command.split, global);
  if (pending_interrupt() != 0) return 0;
  for (const std::string& warning : data.warnings) print_warning(global, warning);
  const auto trec_run = open_run(command.run, data);
  std::optional<ScratchFolder> scratch;
  const fs::path path = global.store.empty() ? scratch.emplace().path() : fs::path(global.store);
  refuse_other_documents(path, data);
  const ModelChoice choice = model_choice_with_server(global, path, command.dimensions);
  const auto skipped = store_corpus(command, global, data, path, choice);
  if (!skipped) return 0;

  const StoreReader store(path, choice.threads);
  Embedder embedder = embedder_for_store(store.settings(), choice);
  const auto measures = ask(command, global, data, store, embedder, trec_run.get());
  if (!measures) return 0;
  if (trec_run) trec_run->commit();
  const Json figures = figures_of(command, data, skipped->size(), *measures, store,
                                  make_splitting(command.splitter, &embedder.model()));
  if (global.json) {
    Output::write(dump_json_of_any_bytes(figures) + "\n");  // the folder's name may be any bytes
  } else {
    print_text(figures, style_for(global));
  }
  return 0;
}

}  // namespace vecdb
