#include "options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

#include "arguments.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/nearest_name.h"
#include "configuration.h"
#include "flags.h"
#include "input_flags.h"
#include "inputs.h"
#include "load_flags.h"
#include "model/model_library.h"
#include "model/tokenizer/sentencepiece_tokenizer.h"
#include "search_flags.h"
#include "splitter_flags.h"
#include "store/store.h"

namespace vecdb {

namespace {

constexpr std::size_t k_max_threads = 1024;
constexpr std::size_t k_least_memory = 1U << 20U;

// Flags that a configuration file may stand in for.
const std::vector<std::string> k_configuration_keys = {"color",    "engine",      "max-memory",
                                                       "model",    "on-overflow", "precision",
                                                       "progress", "store",       "threads"};

// Flags whose value is taken exactly as it stands, also when empty or led by a dash.
const std::vector<std::string_view> k_verbatim_flags = {
    "--separator",  "--meta",         "--name",           "--include", "--exclude",
    "--text-field", "--query-prefix", "--passage-prefix", "--filter", "--output"};

void add_global(CLI::App& app, GlobalOptions& global) {
  app.add_option("--store", global.store, "The store; default: the nearest .vecdb")
      ->envname("VECDB_STORE")
      ->type_name("DIR");
  app.add_option("--model", global.model, "The model; default: the store's, or all-MiniLM-L6-v2")
      ->envname("VECDB_MODEL")
      ->type_name("NAME");
  const std::map<std::string, std::optional<Precision>> precisions = {
      {"auto", std::nullopt},
      {"f32", Precision::k_f32},
      {"bf16", Precision::k_bf16},
      {"int8", Precision::k_int8}};
  add_choice(app, "--precision", global.precision, precisions,
             "The arithmetic; default auto: the store's, or this machine's best");
  add_choice<Engine>(app, "--engine", global.engine,
                     {{"auto", Engine::k_auto},
                      {"native", Engine::k_native},
                      {"torchscript", Engine::k_torchscript}},
                     "What runs the model; default auto: vecdb's own code where it can");
  add_count(app, "--threads", global.threads, 1, k_max_threads,
            "Threads that encode and search; default: one a processor")
      ->envname("VECDB_THREADS");
  add_size(
      app, "--max-memory", k_least_memory,
      [&global](std::size_t bytes) { global.max_memory = bytes; },
      "Memory for encoding beside the model's weights; default: a quarter of what is free")
      ->envname("VECDB_MAX_MEMORY");
  app.add_flag_callback(
      "--no-server", [&global] { global.server = ServerUse::k_never; },
      "Work alone, also where `vecdb serve` runs");
  app.add_flag("--json", global.json, "JSON Lines on stdout");
  const auto set = [&global](Verbosity verbosity) {
    return [&global, verbosity](std::int64_t) { global.verbosity = verbosity; };
  };
  app.add_flag_function("-q,--quiet", set(Verbosity::k_quiet), "Errors only on stderr");
  app.add_flag_function("-v,--verbose", set(Verbosity::k_verbose), "More on stderr");
  add_choice<Color>(
      app, "--color", global.color,
      {{"auto", Color::k_auto}, {"always", Color::k_always}, {"never", Color::k_never}},
      "Colours; default auto: on a terminal without NO_COLOR");
  add_choice<Progress>(
      app, "--progress", global.progress,
      {{"auto", Progress::k_auto}, {"plain", Progress::k_plain}, {"never", Progress::k_never}},
      "Progress; default auto: a line in place on a terminal");
}

void add_ingest(CLI::App& app, IngestCommand& command) {
  add_inputs(app, command.inputs);
  add_load(app, command.load);
  add_splitter(app, command.splitter);
  add_verbatim_list(
      app, "--meta", [&command](std::string pair) { command.meta.push_back(std::move(pair)); },
      "Metadata of every document; repeatable")
      ->type_name("KEY=VALUE");
  add_overflow(app, command.overflow, {{"split", Overflow::k_split}},
               "What becomes of a chunk longer than the model's window");
  add_dimensions(app, command.dimensions);
  app.add_flag("--jsonl", command.jsonl,
               "Inputs are JSON Lines: records with \"text\", or what split prints");
  app.add_flag("--prune", command.prune,
               "Drop stored documents under the given paths whose files are gone");
  app.add_flag("--dry-run", command.dry_run, "Report what would be done, change nothing");
  app.add_flag("--checksum", command.checksum,
               "Compare files by content, also where size and times have not changed");
  add_count(app, "--jobs", command.jobs, 1, k_max_threads,
            "Threads that load and split; default: one a processor");
  add_wait(app, command.wait_seconds);
}

void add_split(CLI::App& app, SplitCommand& command) {
  add_inputs(app, command.inputs);
  add_load(app, command.load);
  add_splitter(app, command.splitter);
  add_choice<std::optional<SplitFormat>>(
      app, "--format", command.format,
      {{"json", SplitFormat::k_json}, {"text", SplitFormat::k_text}},
      "What to print; default json, with --stats text");
  app.add_flag("--stats", command.stats,
               "Print how long the chunks are in characters and tokens, not the chunks");
}

void add_encode(CLI::App& app, EncodeCommand& command) {
  app.add_option("PATH", command.paths, "Files of texts, one a line; default stdin");
  app.add_flag("--jsonl", command.jsonl, "Each line is a record with \"text\"");
  auto* query = app.add_flag_callback(
      "--query", [&command] { command.role = EncodeRole::k_query; }, "Texts are questions");
  app.add_flag_callback(
         "--passage", [&command] { command.role = EncodeRole::k_passage; }, "Texts are passages")
      ->excludes(query);
  app.add_option("--task", command.task, "Use the model's words and adapter for a task of its own")
      ->type_name("NAME")
      ->excludes("--query", "--passage");
  add_dimensions(app, command.dimensions);
  add_choice<EncodeFormat>(app, "--format", command.format,
                           {{"json", EncodeFormat::k_json}, {"npy", EncodeFormat::k_npy}},
                           "What to print; default json");
  add_overflow(app, command.overflow, {}, "What becomes of a text longer than the window");
}

void add_list(CLI::App& app, ListCommand& command) {
  add_filter(app, command.filter, "Only documents of which a passage passes");
}

void add_show(CLI::App& app, ShowCommand& command) {
  app.add_option("ID", command.id, "A document's uri, or URI#CHUNK")->required();
}

void add_delete(CLI::App& app, DeleteCommand& command) {
  app.add_option("URI", command.uris, "Documents' uris");
  add_filter(app, command.filter, "Remove the documents that pass, and none by name");
  add_wait(app, command.wait_seconds);
}

void add_stats(CLI::App& app, StatsCommand& command) {
  app.add_flag("--recall", command.recall,
               "Measure which share of the true neighbours the index finds");
}

void add_compact(CLI::App& app, CompactCommand& command) {
  add_choice<IndexKind>(
      app, "--index", command.options.index,
      {{"auto", IndexKind::k_auto}, {"flat", IndexKind::k_flat}, {"ivf", IndexKind::k_ivf}},
      "Compare every vector, or sort them into lists; default auto: lists from 200,000 vectors");
  add_choice<VectorCodes>(
      app, "--codes", command.options.codes,
      {{"f32", VectorCodes::k_f32}, {"f16", VectorCodes::k_f16}, {"sq8", VectorCodes::k_sq8}},
      "How the lists hold vectors; default sq8: a byte a component");
  add_wait(app, command.wait_seconds);
}

void add_export(CLI::App& app, ExportCommand& command) {
  add_choice<ExportFormat>(app, "--format", command.format,
                           {{"jsonl", ExportFormat::k_jsonl},
                            {"npy", ExportFormat::k_npy},
                            {"faiss", ExportFormat::k_faiss},
                            {"tar", ExportFormat::k_tar}},
                           "What to write; default jsonl: a line a chunk");
  add_verbatim(
      app, "--output", [&command](std::string path) { command.output = std::move(path); },
      "The file, or for npy the folder, to write; default stdout")
      ->type_name("PATH");
  app.add_flag_callback(
      "--force", [&command] { command.overwrite = Overwrite::k_allowed; },
      "Replace what --output names");
  app.add_flag("--vectors", command.vectors, "Write the vectors into the lines too");
  add_filter(app, command.filter, "Only passages that pass");
}

void add_import(CLI::App& app, ImportCommand& command) {
  app.add_option("INPUT", command.input,
                 "What export wrote, a file or folder; - reads stdin");
  add_choice<std::optional<ImportFormat>>(app, "--format", command.format,
                                          {{"jsonl", ImportFormat::k_jsonl},
                                           {"npy", ImportFormat::k_npy},
                                           {"tar", ImportFormat::k_tar}},
                                          "What it is; default: as its content says");
  app.add_option("--vectors", command.vectors,
                 "Take the vectors from a .npy or flat FAISS file, a row a line")
      ->type_name("FILE");
  app.add_option("--chroma", command.chroma, "Read a database of Chroma, and no INPUT")
      ->type_name("DIR");
  app.add_option("--collection", command.collection, "Of its collections; default: the only one")
      ->type_name("NAME");
  app.add_flag("--encode", command.encode, "Encode the texts anew, whatever vectors there are");
  app.add_flag("--trust-vectors", command.trust_vectors,
               "Vectors that do not say whose they are were made with the store's model");
  app.add_flag("--normalize", command.normalize, "Bring vectors to length 1");
  add_wait(app, command.wait_seconds);
}

void add_verify(CLI::App& app, VerifyCommand& command) {
  app.add_flag("--sources", command.sources,
             "Compare the files that were ingested with what was stored, too");
  app.add_flag("--repair", command.repair,
             "Make a sound store of what is right in a damaged one, which is kept");
  add_wait(app, command.wait_seconds);
}

void add_migrate(CLI::App& app, MigrateCommand& command) { add_wait(app, command.wait_seconds); }

void add_model_flags(CLI::App& app, ModelCommand& command, const char* default_name) {
  const auto add = [&](const char* flag, std::optional<std::string>& value, const char* help,
                       const char* type) {
    add_verbatim(
        app, flag, [&value](std::string text) { value = std::move(text); }, help)
        ->type_name(type);
  };
  add("--name", command.name, default_name, "NAME");
  add("--query-prefix", command.query_prefix,
      "Put before a question, where the checkout names no prompts", "TEXT");
  add("--passage-prefix", command.passage_prefix,
      "Put before a stored passage, where the checkout names no prompts", "TEXT");
}

void add_pull(CLI::App& app, ModelCommand& command) {
  PullChoice& pull = command.pull;
  app.add_option("REPO", pull.repository, "OWNER/NAME, or OWNER/NAME@REVISION")->required();
  app.add_option("--revision", pull.revision, "A branch, a tag or a commit; default main")
      ->type_name("REVISION");
  const auto take_digest = [&pull](const std::string& digits) {
    pull.weights_sha256 = digits;
    if (!is_hex(digits, 64)) {
      throw Error(ErrorKind::k_usage,
                  "--sha256 " + digits + ": is not 64 hexadecimal digits, in lower case");
    }
  };
  app.add_option_function<std::string>("--sha256", take_digest,
                                       "What the SHA-256 of the weights must be")
      ->type_name("HEX");
  add_model_flags(app, command, "Default: the repository's name without its owner");
  app.add_flag_callback(
      "--offline", [&pull] { pull.network = NetworkUse::k_offline; },
      "Use only what an earlier pull fetched");
}

void add_model_actions(CLI::App& app, ModelCommand& command) {
  app.require_subcommand(1);
  const auto add = [&](const std::string& name, const std::string& help, ModelAction action) {
    CLI::App* verb = app.add_subcommand(name, help);
    verb->fallthrough();
    verb->parse_complete_callback([&command, action] { command.action = action; });
    return verb;
  };
  add("list", "Print the installed models", ModelAction::k_list);
  add("show", "Print what is known of a model", ModelAction::k_show)
      ->add_option("NAME", command.name, "Default: the model that is used");
  auto* make = add("make", "Make a model folder from a checkout", ModelAction::k_make);
  make->add_option("DIR", command.folder, "A Hugging Face checkout")->required();
  make->add_option("--out", command.out, "The folder to make")->type_name("DIR")->required();
  add_model_flags(*make, command, "Default: the base name of --out");
  auto* install = add("add", "Check a model and install it", ModelAction::k_add);
  install->add_option("DIR", command.folder, "A model folder, or a Hugging Face checkout")
      ->required();
  add_model_flags(*install, command, "Default: the folder's base name");
  add_pull(*add("pull", "Fetch a model from Hugging Face", ModelAction::k_pull), command);
  add("verify", "Check a model again", ModelAction::k_verify)
      ->add_option("NAME", command.name, "Default: the model that is used");
  add("remove", "Remove a model from your own ones", ModelAction::k_remove)
      ->add_option("NAME", command.name, "The model")
      ->required();
}

void add_serve(CLI::App& app, ServeCommand& command) {
  app.add_option_function<std::string>(
         "--http",
         [&command](const std::string& text) { command.http = parse_http_address(text, "--http"); },
         "Answer HTTP too, at an address of this machine alone; port 0: any")
      ->type_name("ADDRESS:PORT");
  app.add_option("--token-file", command.token_file,
                 "Holds the token that HTTP asks for; default: a new one")
      ->type_name("FILE")
      ->needs("--http");
}

std::string version_text() {
  return "vecdb " VECDB_VERSION "\nlibtorch " + torch_version() + "\nFAISS " + faiss_version() +
         "\nsentencepiece " + sentencepiece_version() + "\nSQLite " + sqlite_version() + "\n";
}

// The parser, and where it puts what it finds.
struct Parser {
  CLI::App app{
      "Turns text into a searchable vector store, and finds the passages nearest to a "
      "question.",
      "vecdb"};
  GlobalOptions global;
  std::optional<std::string> configuration_file;
  std::map<CLI::App*, std::shared_ptr<Command>> commands;

  Parser() {
    app.set_version_flag("--version", [] { return version_text(); });  // opens a module
    app.require_subcommand(1);
    add_global(app, global);
    app.add_option("--config", configuration_file, "Read defaults of flags from this file")
        ->envname("VECDB_CONFIG")
        ->type_name("FILE");
    add<IngestCommand>("ingest", "Load, split, encode and store documents", add_ingest);
    add<SplitCommand>("split", "Print the chunks of documents", add_split);
    add<QueryCommand>("query", "Print the passages nearest to a question", add_query);
    add<SimilarCommand>("similar", "Print the passages nearest to a stored chunk, or to a document",
                        add_similar);
    add<DedupCommand>("dedup", "Print groups of passages that say nearly the same", add_dedup);
    add<EncodeCommand>("encode", "Print one vector a text", add_encode);
    add<EvalCommand>("eval", "Measure retrieval on data in BEIR's format", add_eval);
    add<ListCommand>("list", "Print what is stored, a line a document", add_list);
    add<ShowCommand>("show", "Print the stored chunks of a document", add_show);
    add<DeleteCommand>("delete", "Remove documents from the store", add_delete);
    add<StatsCommand>("stats", "Print figures about the store", add_stats);
    add<VerifyCommand>("verify", "Read and check every byte of the store", add_verify);
    add<CompactCommand>("compact", "Give back the space of what was replaced or deleted",
                        add_compact);
    add<MigrateCommand>("migrate", "Bring a store of an older format to the present one",
                        add_migrate);
    add<ExportCommand>("export", "Write the store's chunks and vectors for other programs",
                       add_export);
    add<ImportCommand>("import", "Store what export wrote", add_import);
    add<ServeCommand>("serve", "Keep the model and the store at hand for other commands",
                      add_serve);
    add<ModelCommand>("model", "List, show, add, pull, verify and remove models",
                      add_model_actions);
  }

  template <typename Verb, typename Add>
  void add(const std::string& name, const std::string& help, Add add_options) {
    CLI::App* verb = app.add_subcommand(name, help);
    verb->fallthrough();  // global flags may stand after the verb too
    verb->set_help_flag("-h,--help", "Print this help and exit");
    verb->footer("Flags of every command, --store and --json among them: `vecdb --help`.");
    auto command = std::make_shared<Command>(Verb{});
    // Only of the verb that is given: making the flags of all of them takes longer than parsing.
    verb->preparse_callback([verb, command, add_options](std::size_t) {
      add_options(*verb, std::get<Verb>(*command));
    });
    commands[verb] = std::move(command);
  }

  // Of the verb that was recognised, the verb of its own that was, and the program.
  std::vector<std::string> flag_names() const {
    std::vector<std::string> names;
    for (const CLI::App* each = innermost(); each != nullptr; each = each->get_parent()) {
      for (const CLI::Option* option : each->get_options()) {
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
      }
    }
    return names;
  }

  std::vector<std::string> verb_names() const {
    std::vector<std::string> names;
    for (const CLI::App* verb : innermost()->get_subcommands(nullptr)) {
      names.push_back(verb->get_name());
    }
    return names;
  }

  const CLI::App* innermost() const {
    const CLI::App* each = &app;
    while (!each->get_subcommands().empty()) each = each->get_subcommands().front();
    return each;
  }

  CLI::App* chosen() const {
    const auto verbs = app.get_subcommands();
    return verbs.empty() ? nullptr : verbs.front();
  }
};

std::string suggestion(const std::string& nearest) {
  return nearest.empty() ? "see `vecdb --help`" : "did you mean " + nearest + "?";
}

[[noreturn]] void refuse_unknown(const Parser& parser, const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  if (name.size() > 1 && name[0] == '-') {
    throw Error(ErrorKind::k_usage, name + ": is not a known flag; " +
                                        suggestion(nearest_name(name, parser.flag_names())));
  }
  if (!parser.verb_names().empty()) {
    throw Error(ErrorKind::k_usage, word + ": is not a known command; " +
                                        suggestion(nearest_name(word, parser.verb_names())));
  }
  throw Error(ErrorKind::k_usage,
              word + ": is one argument too many; quote a text that holds spaces");
}

// Of the known values only split is not every such flag's; a flag's type name lists its own.
bool is_overflow_of_verb(const CLI::App& verb, const std::string& value) {
  const CLI::Option* flag = verb.get_option_no_throw("--on-overflow");
  return flag != nullptr &&
         (value != "split" || flag->get_type_name().find(value) != std::string::npos);
}

// Lets a setting stand in for its flag, unless the command line or the environment has it.
void apply(const Configuration::Setting& setting, const Configuration& configuration,
           Parser& parser) {
  const std::string& key = setting.key;
  if (!std::ranges::count(k_configuration_keys, key)) {
    const std::string nearest = nearest_name(key, k_configuration_keys);
    throw Error(ErrorKind::k_usage,
                key + ": is not a known key; " +
                    (nearest.empty() ? "see `man vecdb`" : "did you mean " + nearest + "?"));
  }
  if (key == "store" && parser.chosen()->get_name() == "eval") return;  // see add_eval()
  std::string value = setting.value;
  if (key == "store" && !value.empty()) {
    value =
        (std::filesystem::absolute(configuration.file).parent_path() / value).lexically_normal();
  }
  CLI::App checker;  // for values that this verb has no use for
  Overflow unused = Overflow::k_warn;
  add_overflow(checker, unused, {{"split", Overflow::k_split}}, "");
  CLI::App& owner = key != "on-overflow"                           ? parser.app
                    : is_overflow_of_verb(*parser.chosen(), value) ? *parser.chosen()
                                                                   : checker;
  CLI::Option& flag = *owner.get_option("--" + key);
  if (flag.count() > 0) return;
  flag.add_result(value);
  flag.run_callback();
}

// Fills in what neither the command line nor the environment gave.
void configure(Parser& parser) {
  GlobalOptions& global = parser.global;
  const GlobalOptions given = global;
  const Configuration configuration = read_configuration(parser.configuration_file);
  for (const Configuration::Setting& setting : configuration.settings) {
    try {
      apply(setting, configuration, parser);
    } catch (const Error& error) {
      const std::string message = error.what();
      throw Error(error.kind(), configuration.place(setting) + ": " +
                                    (message.starts_with("--") ? message.substr(2) : message));
    }
  }
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && no_color[0] != '\0') global.color = given.color;
  global.default_model = global.model.value_or(k_default_model);
  global.default_precision = global.precision;
  global.model = given.model;
  global.precision = given.precision;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

Options parse_options(int argc, const char* const* argv) {
  Parser parser;
  std::vector<std::string> arguments =
      shield_values({argv + std::min(argc, 1), argv + argc}, k_verbatim_flags);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes a vector
  try {
    parser.app.parse(arguments);
  } catch (const CLI::CallForVersion&) {
    return {parser.global, PrintAndExit{version_text()}};
  } catch (const CLI::CallForHelp&) {
    return {parser.global, PrintAndExit{parser.app.help()}};  // of the verb, when there is one
  } catch (const CLI::ExtrasError&) {
    const auto words = parser.app.remaining(true);
    refuse_unknown(parser, words.empty() ? "?" : words.front());
  } catch (const CLI::RequiredError& error) {
    const auto words = parser.app.remaining(true);
    if (!words.empty()) refuse_unknown(parser, words.front());
    if (const auto verbs = parser.verb_names(); !verbs.empty()) {
      std::string known;
      for (const auto& verb : verbs) known += (known.empty() ? "" : ", ") + verb;
      throw Error(ErrorKind::k_usage, "a command is missing: give one of " + known);
    }
    throw Error(ErrorKind::k_usage, one_line(error.what()) + "; see `vecdb --help`");
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorKind::k_usage, one_line(error.what()) + "; see `vecdb --help`");
  }
  configure(parser);
  return {parser.global, *parser.commands.at(parser.chosen())};
}

}  // namespace vecdb
