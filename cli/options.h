#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/encoder/encoder.h"
#include "pipeline/overflow.h"
#include "pipeline/query_session.h"
#include "pipeline/source_vectors.h"
#include "search/filter.h"
#include "serve/http_listener.h"
#include "store/store.h"
#include "text/load/file_walk.h"
#include "text/load/loader.h"
#include "text/split/splitter.h"

// What the command line asked for, as plain values. Parsing fills them and checks what can be
// checked without touching a file; commands only read them.
namespace vecdb {

enum class Color { k_auto, k_always, k_never };
enum class Progress { k_auto, k_plain, k_never };
enum class Verbosity { k_quiet, k_normal, k_verbose };
enum class ServerUse { k_auto, k_never };
enum class NameSeparator { k_newline, k_nul };

struct GlobalOptions {
  std::string store;  // empty: the nearest .vecdb
  std::optional<std::string> model;
  std::optional<Precision> precision;  // nothing: auto
  // Where no store decides: also what the configuration file says, which never goes against a
  // store's own model and precision.
  std::string default_model;
  std::optional<Precision> default_precision;
  Engine engine = Engine::k_auto;
  std::size_t threads = 0;                // 0: one per processor
  std::optional<std::size_t> max_memory;  // bytes; nothing: as much as is sensible
  ServerUse server = ServerUse::k_auto;
  bool json = false;
  Verbosity verbosity = Verbosity::k_normal;
  Color color = Color::k_auto;
  Progress progress = Progress::k_auto;
};

// Which files and streams a command reads.
struct InputOptions {
  std::vector<std::string> paths;         // "-" is stdin
  std::optional<std::string> files_from;  // a file of names, "-" for stdin
  NameSeparator name_separator = NameSeparator::k_newline;
  std::string stdin_name = "-";                         // uri of what comes from stdin
  WalkOptions walk;                                     // of folders
  std::size_t max_file_size = std::size_t{256} << 20U;  // bytes
};

struct IngestCommand {
  InputOptions inputs;
  LoadOptions load;
  SplitterOptions splitter;
  std::vector<std::string> meta;  // "key=value"
  Overflow overflow = Overflow::k_warn;
  std::size_t dimensions = 0;  // 0: all
  bool jsonl = false;          // inputs are records, one a line
  bool prune = false;          // drop documents under the paths whose files are gone
  bool dry_run = false;
  bool checksum = false;  // compare by content where size and times are the same too
  std::size_t jobs = 0;   // threads that load and split; 0: one per processor
  double wait_seconds = 5;
};

enum class SplitFormat { k_json, k_text };

struct SplitCommand {
  InputOptions inputs;
  LoadOptions load;
  SplitterOptions splitter;
  std::optional<SplitFormat> format;  // nothing: JSON for chunks, text for lengths
  bool stats = false;                 // lengths in place of the chunks
};

enum class QueryFormat { k_text, k_json, k_paths, k_vimgrep };

struct QueryCommand {
  std::string text;  // "-": one query a line from stdin
  QueryOptions options;
  QueryFormat format = QueryFormat::k_text;
};

// A stored document or chunk, or a document that is not stored.
struct SimilarCommand {
  std::string id;  // URI, URI#CHUNK, a path, or "-": stdin
  QueryOptions options;
  QueryFormat format = QueryFormat::k_text;
  SourceOptions source;  // of a document that is not stored
};

enum class EncodeFormat { k_json, k_npy };
enum class EncodeRole { k_plain, k_query, k_passage };

struct EncodeCommand {
  std::vector<std::string> paths;  // none or "-": stdin
  bool jsonl = false;              // records with "text" instead of lines
  EncodeRole role = EncodeRole::k_plain;
  std::optional<std::string> task;  // of the model, by name
  std::size_t dimensions = 0;       // 0: all
  EncodeFormat format = EncodeFormat::k_json;
  Overflow overflow = Overflow::k_warn;  // not k_split
};

// Of a folder in BEIR's layout.
struct EvalCommand {
  std::string folder;
  std::string split = "test";
  std::size_t k = 10;
  SearchEffort effort;
  SplitterOptions splitter;
  Overflow overflow = Overflow::k_warn;
  std::size_t dimensions = 0;  // 0: all
  std::string run;             // the TREC run to write; empty: none
};

enum class DedupFormat { k_text, k_json, k_paths };

struct DedupCommand {
  double threshold = 0.95;  // of the cosine, 0 to 1
  std::optional<Filter> filter;
  DedupFormat format = DedupFormat::k_text;
};

struct ListCommand {
  std::optional<Filter> filter;
};
struct ShowCommand {
  std::string id;  // URI, or URI#CHUNK
};
struct DeleteCommand {
  std::vector<std::string> uris;  // none with a filter
  std::optional<Filter> filter;
  double wait_seconds = 5;
};
struct StatsCommand {
  bool recall = false;
};
struct VerifyCommand {
  bool sources = false;  // compare the documents' files too
  bool repair = false;
  double wait_seconds = 5;
};


struct CompactCommand {
  CompactOptions options;
  double wait_seconds = 5;
};
struct MigrateCommand {
  double wait_seconds = 5;
};

enum class ExportFormat { k_jsonl, k_npy, k_faiss, k_tar };
enum class Overwrite { k_refuse, k_allowed };

struct ExportCommand {
  ExportFormat format = ExportFormat::k_jsonl;
  std::string output = "-";  // a file, for npy a folder; "-": stdout
  Overwrite overwrite = Overwrite::k_refuse;
  bool vectors = false;  // in the lines
  std::optional<Filter> filter;
};

enum class ImportFormat { k_jsonl, k_npy, k_tar };

struct ImportCommand {
  std::string input;  // a file or folder, "-": stdin; empty where there is a Chroma folder
  std::optional<ImportFormat> format;  // nothing: as its content says
  std::string vectors;                 // a file of them; empty: none
  bool encode = false;                 // anew, whatever vectors there are
  bool trust_vectors = false;
  bool normalize = false;
  std::string chroma;  // the folder of a Chroma database
  std::optional<std::string> collection;
  double wait_seconds = 5;
};

enum class ModelAction { k_list, k_show, k_make, k_add, k_pull, k_verify, k_remove };
enum class NetworkUse { k_allowed, k_offline };

struct PullChoice {
  std::string repository;  // "OWNER/NAME", also with "@REVISION"
  std::optional<std::string> revision;
  std::string weights_sha256;
  NetworkUse network = NetworkUse::k_allowed;
};

struct ModelCommand {
  ModelAction action = ModelAction::k_list;
  std::optional<std::string> name;
  std::string folder;  // to add from, or a checkout to make a model from
  std::string out;     // the model folder to make
  std::optional<std::string> query_prefix;
  std::optional<std::string> passage_prefix;
  PullChoice pull;
};

struct ServeCommand {
  std::optional<HttpAddress> http;
  std::string token_file;  // empty: a token of its own
};

struct PrintAndExit {  // --help, --version
  std::string text;
};

using Command = std::variant<PrintAndExit, IngestCommand, SplitCommand, QueryCommand, SimilarCommand,
                             DedupCommand, EncodeCommand, EvalCommand, ListCommand,
                             ShowCommand, DeleteCommand, StatsCommand, VerifyCommand,
                             CompactCommand, MigrateCommand, ExportCommand, ImportCommand,
                             ModelCommand, ServeCommand>;

struct Options {
  GlobalOptions global;
  Command command;
};

// Flags go before the environment, and that before the configuration file (configuration.h). Throws
// k_usage: one line that names the flag, or file, line and key, with the nearest known name for an
// unknown one; and k_io for a configuration file that cannot be read.
Options parse_options(int argc, const char* const* argv);

}  // namespace vecdb
