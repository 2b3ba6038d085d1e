#include <cstdio>

#include "base/error.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "pipeline/pull_model.h"

namespace vecdb {

namespace {

std::string mebibytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(bytes) / (1U << 20U));
  return text;
}

class Reporter final : public CheckoutObserver {
 public:
  explicit Reporter(const GlobalOptions& global) : m_global(global), m_progress(global) {}

  void on_waiting(const std::string& holder) override {
    print_warning(m_global, "waiting for " + holder + ", which pulls the same repository");
  }

  void on_progress(const std::string& file, std::uint64_t bytes, std::uint64_t of) override {
    const double share = of > 0 ? static_cast<double>(bytes) / static_cast<double>(of) : -1;
    m_progress.show(share,
                    mebibytes(bytes) + (of > 0 ? " of " + mebibytes(of) : "") + " MiB, " + file);
  }

  void on_file(const std::string& file, const FetchedFile& fetched) override {
    m_progress.clear();
    if (m_global.verbosity == Verbosity::k_verbose) {
      print_error(file + ": " + with_thousands(fetched.size) + " bytes, SHA-256 " + fetched.sha256);
    }
    if (!m_global.json) return;
    Output::write(dump_json({{"file", file}, {"size", fetched.size}, {"sha256", fetched.sha256}}) +
                  "\n");
    Output::flush();  // whoever listens hears of it at once
  }

 private:
  const GlobalOptions& m_global;
  ProgressLine m_progress;
};

PullOptions options_of(const ModelCommand& command) {
  const PullChoice& choice = command.pull;
  PullOptions options{.repository = choice.repository};
  if (const auto at = choice.repository.find('@'); at != std::string::npos) {
    options.repository = choice.repository.substr(0, at);
    options.revision = choice.repository.substr(at + 1);
    if (choice.revision && *choice.revision != options.revision) {
      throw Error(ErrorKind::k_usage, "--revision " + *choice.revision +
                                          ": another one stands in " + choice.repository +
                                          "; give one of them");
    }
  }
  options.revision = choice.revision.value_or(options.revision);
  options.weights_sha256 = choice.weights_sha256;
  options.name = command.name;
  options.prefixes = {.query = command.query_prefix, .passage = command.passage_prefix};
  options.network = network_settings_from_environment("vecdb/" VECDB_VERSION);
  options.network.offline |= choice.network == NetworkUse::k_offline;
  return options;
}

}  // namespace

void pull(const ModelCommand& command, const GlobalOptions& global) {
  const PullOptions options = options_of(command);
  Reporter reporter(global);
  const PulledModel pulled = pull_model(options, reporter);
  const bool added = pulled.status == PullStatus::k_added;
  if (global.json) {
    Output::write(dump_json({{"model", pulled.name},
                             {"status", added ? "added" : "installed"},
                             {"source", pulled.source}}) +
                  "\n");
  }
  print_warning(global, "model " + pulled.name + ": " +
                            (added ? "added from " + pulled.source
                                   : "is installed already, with the same weights"));
}

}  // namespace vecdb
