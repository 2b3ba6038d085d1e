#include "search_flags.h"

#include "flags.h"
#include "load_flags.h"
#include "splitter_flags.h"

namespace vecdb {

namespace {

void add_effort(CLI::App& app, SearchEffort& effort) {
  auto* lists = add_count(
      app, "--nprobe", [&effort](std::size_t count) { effort.lists = count; }, 1, 1'000'000,
      "Search N of the index's lists, where the store has an index");
  add_real(
      app, "--recall", 0, 1, [&effort](double share) { effort.recall = share; },
      "Search as many lists as found this share of the true neighbours; 1: compare every vector; "
      "default 0.98")
      ->excludes(lists);
}

// What is asked for beside the question.
void add_question(CLI::App& app, QueryOptions& options, QueryFormat& format) {
  add_count(app, "-k,--top", options.k, 1, 1'000'000, "How many passages; default 4");
  add_real(
      app, "--min-score", -1, 1, [&options](double value) { options.min_score = value; },
      "Leave out passages with a lower cosine");
  add_filter(app, options.filter,
             "Search only what passes, like 'path ~ \"docs/**\" and lang = \"en\"'");
  add_effort(app, options.effort);
  add_choice<QueryFormat>(app, "--format", format,
                          {{"text", QueryFormat::k_text},
                           {"json", QueryFormat::k_json},
                           {"paths", QueryFormat::k_paths},
                           {"vimgrep", QueryFormat::k_vimgrep}},
                          "What to print; default text");
}

}  // namespace

void add_query(CLI::App& app, QueryCommand& command) {
  app.add_option("TEXT", command.text, "The question; - reads one a line from stdin")->required();
  add_question(app, command.options, command.format);
  add_overflow(app, command.options.overflow, {}, "What becomes of a question longer than the window");
}

void add_similar(CLI::App& app, SimilarCommand& command) {
  app.add_option("ID", command.id,
                 "A stored document's uri or URI#CHUNK, or a file; - reads a document from stdin")
      ->required();
  add_question(app, command.options, command.format);
  add_load(app, command.source.load);
  add_splitter(app, command.source.splitter);
  add_overflow(app, command.source.overflow, {{"split", Overflow::k_split}},
               "What becomes of a chunk of the file longer than the model's window");
}

void add_eval(CLI::App& app, EvalCommand& command) {
  // Only the flag names a store: the corpus is not to come among what a user keeps.
  app.get_parent()->get_option("--store")->envname("");
  app.footer("The store is a temporary one, or what --store names: that is kept for the next time, "
             "and may hold nothing but the corpus.\n" + app.get_footer());
  app.add_option("DIR", command.folder, "A folder with corpus.jsonl, queries.jsonl and qrels/")
      ->required();
  app.add_option("--split", command.split, "Judge by qrels/NAME.tsv; default test")
      ->type_name("NAME");
  add_count(app, "-k,--top", command.k, 1, 1'000'000, "How many documents count; default 10");
  app.add_option("--run", command.run, "Write the rankings for trec_eval into a new file")
      ->type_name("FILE");
  add_effort(app, command.effort);
  add_splitter(app, command.splitter);
  add_overflow(app, command.overflow, {{"split", Overflow::k_split}},
               "What becomes of a chunk, or question, longer than the model's window");
  add_dimensions(app, command.dimensions);
}

void add_dedup(CLI::App& app, DedupCommand& command) {
  add_real(
      app, "--threshold", 0, 1, [&command](double value) { command.threshold = value; },
      "The least cosine of near-duplicates; default 0.95; 1: equal vectors");
  add_filter(app, command.filter, "Compare only what passes");
  add_choice<DedupFormat>(app, "--format", command.format,
                          {{"text", DedupFormat::k_text},
                           {"json", DedupFormat::k_json},
                           {"paths", DedupFormat::k_paths}},
                          "What to print; default text; paths: documents that repeat others wholly");
}

}  // namespace vecdb
