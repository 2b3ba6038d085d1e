#include "net/checkout_files.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "net/download.h"
#include "net/repository_name.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

// Everything that is ever asked for, and Pooling's settings. No pickles, no programs.
constexpr const char* k_modules = "modules.json";
constexpr std::array k_files = {"config.json",
                                k_modules,
                                "sentence_bert_config.json",
                                "config_sentence_transformers.json",
                                "tokenizer.json",
                                "tokenizer_config.json",
                                "special_tokens_map.json",
                                "vocab.txt",
                                "merges.txt",
                                "sentencepiece.bpe.model",
                                "README.md",
                                k_checkout_weights};  // the large one last
constexpr std::array k_required = {"config.json", k_checkout_weights};

constexpr std::uint64_t k_max_weights_bytes = std::uint64_t{100} << 30U;
constexpr std::uint64_t k_max_file_bytes = std::uint64_t{256} << 20U;
constexpr std::uint64_t k_max_modules_bytes = std::uint64_t{1} << 20U;

// The settings of the Pooling module that modules.json names, if any. What it says is not trusted:
// the path must be one plain name.
std::optional<std::string> pooling_file(const fs::path& modules) {
  const auto refuse = [&](const std::string& why) -> Error {
    return {ErrorKind::k_model, modules.string() + ": " + why + "; use another model"};
  };
  const Json list =
      parse_json(read_file(modules, k_max_modules_bytes), modules.string(), ErrorKind::k_model);
  std::optional<std::string> file;
  if (!list.is_array()) return file;  // refused, with better words, when the model is made
  for (const Json& module : list) {
    const auto text = [&](const char* key) {
      return module.is_object() && module.contains(key) && module[key].is_string()
                 ? module[key].get<std::string>()
                 : "";
    };
    if (!text("type").ends_with(".Pooling")) continue;
    if (file) throw refuse("names two Pooling modules");
    if (!is_plain_name(text("path"))) {
      throw refuse("the path of its Pooling module is not a plain name");
    }
    file = text("path") + "/config.json";
  }
  return file;
}

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string(bytes / (1U << 20U) + 1) + " MiB";
}

// One fetching of a checkout.
class Fetch {
 public:
  Fetch(HttpClient& client, ModelHub& hub, const fs::path& folder,
        const std::map<std::string, FetchedFile>& known, CheckoutObserver& observer)
      : m_client(client), m_hub(hub), m_folder(folder), m_known(known), m_observer(observer) {}

  void run(const std::string& weights_sha256) {
    plan(k_modules, "");
    finish_plan();
    std::vector<std::string> files(k_files.begin(), k_files.end());
    if (m_files.contains(k_modules)) {
      if (const auto pooling = pooling_file(m_folder / k_modules)) {
        files.insert(files.begin(), *pooling);
      }
    }
    for (const auto& file : files) {
      if (file != k_modules) plan(file, file == k_checkout_weights ? weights_sha256 : "");
    }
    require_space();
    finish_plan();
    for (const char* file : k_required) require(file);
  }

  std::map<std::string, FetchedFile> files() && { return std::move(m_files); }

 private:
  struct Planned {
    std::string file;
    FileFacts facts;
  };

  void require(const std::string& file) const {
    if (m_files.contains(file)) return;
    throw Error(ErrorKind::k_model, m_hub.name() + ": has no " + file +
                                        "; only repositories with weights in one safetensors file "
                                        "can be used");
  }

  // Notes what must be fetched; reports what is there.
  void plan(const std::string& file, const std::string& sha256) {
    const fs::path target = m_folder / file;
    auto facts = m_hub.find(file);
    if (!facts) {
      std::error_code ignored;
      fs::remove(target, ignored);  // of another day of a branch whose commit nobody knows
      const bool needed = std::find(k_required.begin(), k_required.end(), file) != k_required.end();
      if (needed) require(file);
      return;
    }
    if (const auto known = m_known.find(file); known != m_known.end()) {
      facts->complete_with({.size = known->second.size, .sha256 = known->second.sha256});
    }
    if (!sha256.empty()) facts->sha256 = sha256;
    std::error_code ignored;
    if (facts->has_hash() && fs::exists(target, ignored)) {
      if (const auto there = check_file(target, *facts)) {
        done(file, *there);
        return;
      }
    }
    m_total += facts->size.value_or(0);
    m_planned.push_back({file, std::move(*facts)});
  }

  void require_space() const {
    std::uint64_t needed = 0;
    for (const Planned& each : m_planned) {
      std::error_code none;
      const auto part = fs::file_size(fs::path(m_folder / each.file) += ".part", none);
      const std::uint64_t there = none ? 0 : part;
      const std::uint64_t size = each.facts.size.value_or(0);
      const std::uint64_t missing = size > there ? size - there : 0;
      needed = missing > std::numeric_limits<std::uint64_t>::max() - needed
                   ? std::numeric_limits<std::uint64_t>::max()
                   : needed + missing;
    }
    std::error_code error;
    const auto space = fs::space(m_folder, error);
    if (!error && needed > space.available) {
      throw Error(ErrorKind::k_io, m_folder.string() + ": the files take " + mebibytes(needed) +
                                       " and " + mebibytes(space.available) +
                                       " are free; free some space or set VECDB_HOME");
    }
  }

  void finish_plan() {
    for (const Planned& each : m_planned) {
      const bool weights = each.file == k_checkout_weights;
      const fs::path target = m_folder / each.file;
      make_folders(target.parent_path());
      const DownloadRequest request{
          .what = m_hub.name() + ": " + each.file,
          .url_path = m_hub.url_path(each.file),
          .commit = m_hub.commit(),
          .target = target,
          .facts = each.facts,
          .max_bytes = weights ? k_max_weights_bytes : k_max_file_bytes,
          .hash_rule = weights ? HashRule::k_sha256_required : HashRule::k_any};
      const auto fetched = download(m_client, request, [&](std::uint64_t bytes) {
        m_observer.on_progress(each.file, m_done + bytes, m_total);
      });
      if (!fetched) continue;  // a listing that the server does not keep to: require() decides
      m_done += fetched->size;
      done(each.file, *fetched);
    }
    m_planned.clear();
  }

  void done(const std::string& file, const FetchedFile& fetched) {
    m_files.emplace(file, fetched);
    m_observer.on_file(file, fetched);
  }

  HttpClient& m_client;
  ModelHub& m_hub;
  const fs::path& m_folder;
  const std::map<std::string, FetchedFile>& m_known;
  CheckoutObserver& m_observer;
  std::vector<Planned> m_planned;
  std::map<std::string, FetchedFile> m_files;
  std::uint64_t m_done = 0;
  std::uint64_t m_total = 0;
};

}  // namespace

std::map<std::string, FetchedFile> fetch_files(HttpClient& client, ModelHub& hub,
                                               const fs::path& folder,
                                               const std::map<std::string, FetchedFile>& known,
                                               const std::string& weights_sha256,
                                               CheckoutObserver& observer) {
  Fetch fetch(client, hub, folder, known, observer);
  fetch.run(weights_sha256);
  return std::move(fetch).files();
}

}  // namespace vecdb
