#include "net/checkout.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <vector>

#include "base/cache.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/verified_file.h"
#include "net/checkout_record.h"
#include "net/download.h"

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

bool is_name(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  return plain && !text.empty() && text.size() <= 96 && text.front() != '.' &&
         text.front() != '-' && text.find("..") == std::string_view::npos &&
         text.find("--") == std::string_view::npos;
}

std::string folder_name(const std::string& repository) {
  const auto slash = repository.find('/');
  const bool owned = slash != std::string::npos;
  const std::string owner = owned ? repository.substr(0, slash) : "";
  const std::string name = owned ? repository.substr(slash + 1) : repository;
  if (!is_name(name) || (owned && !is_name(owner))) {
    throw Error(ErrorKind::k_usage,
                "repository \"" + repository + "\": is not OWNER/NAME; name it as its page does");
  }
  return owned ? owner + "--" + name : name;
}

fs::path downloads_folder() {
  if (const char* home = std::getenv("VECDB_HOME"); home != nullptr && home[0] != '\0') {
    return fs::path(home) / "downloads";
  }
  const fs::path cache = cache_folder();
  if (cache.empty()) {
    throw Error(ErrorKind::k_io, "downloads: there is no folder for them; set VECDB_HOME");
  }
  return cache / "downloads";
}

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorKind::k_io, folder.string() + ": cannot be made: " + error.message());
}

fs::path record_of(const fs::path& folder) { return folder.string() + ".json"; }

// The settings of each Pooling module that modules.json names. What it says is not trusted: a path
// of plain names below the folder, or none.
std::vector<std::string> pooling_files(const fs::path& modules) {
  const Json list =
      parse_json(read_file(modules, k_max_modules_bytes), modules.string(), ErrorKind::k_model);
  std::vector<std::string> files;
  if (!list.is_array()) return files;  // refused, with better words, when the model is made
  for (const Json& module : list) {
    const auto text = [&](const char* key) {
      return module.is_object() && module.contains(key) && module[key].is_string()
                 ? module[key].get<std::string>()
                 : "";
    };
    if (!text("type").ends_with(".Pooling")) continue;
    if (!is_name(text("path"))) {
      throw Error(ErrorKind::k_model, modules.string() +
                                          ": the path of its Pooling module is not a "
                                          "plain name; use another model");
    }
    files.push_back(text("path") + "/config.json");
  }
  return files;
}

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string(bytes / (1U << 20U) + 1) + " MiB";
}

// One fetching of a checkout.
class Fetch {
 public:
  Fetch(HttpClient& client, ModelHub& hub, fs::path folder, CheckoutObserver& observer)
      : m_client(client), m_hub(hub), m_folder(std::move(folder)), m_observer(observer) {
    // A commit never changes, so what was there when it was whole is still known.
    if (!hub.commit().empty()) m_before = read_record(record_of(m_folder));
  }

  void run(const std::string& weights_sha256) {
    plan(k_modules, "");
    finish_plan();
    std::vector<std::string> files(k_files.begin(), k_files.end());
    if (m_files.contains(k_modules)) {
      const auto pooling = pooling_files(m_folder / k_modules);
      files.insert(files.begin(), pooling.begin(), pooling.end());
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
    if (m_before && m_before->files.contains(file)) {
      const FetchedFile& before = m_before->files.at(file);
      facts->complete_with({.size = before.size, .sha256 = before.sha256});
    }
    if (!sha256.empty()) {
      if (!facts->sha256.empty() && facts->sha256 != sha256) {
        throw Error(ErrorKind::k_network, m_hub.name() + ": " + file + ": its SHA-256 is " +
                                              facts->sha256 +
                                              ", another than --sha256; do not use it");
      }
      facts->sha256 = sha256;
    }
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
  fs::path m_folder;
  CheckoutObserver& m_observer;
  std::optional<CheckoutRecord> m_before;
  std::vector<Planned> m_planned;
  std::map<std::string, FetchedFile> m_files;
  std::uint64_t m_done = 0;
  std::uint64_t m_total = 0;
};

}  // namespace

CheckoutFolder::CheckoutFolder(const std::string& repository)
    : m_repository(repository), m_folder(downloads_folder() / folder_name(repository)) {}

void CheckoutFolder::lock(CheckoutObserver& observer) {
  make_folders(m_folder);
  m_lock = std::make_unique<FileLock>(m_folder / "LOCK");
  if (m_lock->try_lock(0)) return;
  observer.on_waiting(m_lock->holder());
  if (!m_lock->try_lock(std::numeric_limits<double>::infinity())) {
    throw Error(ErrorKind::k_network,
                m_repository + ": stopped by a signal while waiting for " + m_lock->holder());
  }
}

Checkout CheckoutFolder::open(const std::string& revision) const {
  const std::string what = m_repository + "@" + revision;
  const auto missing = [&](const std::string& why) -> Error {
    return {ErrorKind::k_network, what + ": " + why + "; pull it once without --offline"};
  };
  const auto revisions = read_revisions(m_folder / "revisions.json");
  const auto known = revisions.find(revision);
  const std::string name = known == revisions.end() ? revision : known->second;
  const fs::path folder = m_folder / name;
  if (known == revisions.end() && !is_hex(revision, 40)) throw missing("was never pulled");
  const auto record = read_record(record_of(folder));
  if (!record) throw missing("was not pulled to its end");
  for (const auto& [file, fetched] : record->files) {
    std::error_code ignored;
    if (!fs::exists(folder / file, ignored)) {
      throw missing((folder / file).string() + " is missing");
    }
    if (!has_sha256(MappedFile(folder / file), fetched.sha256)) {
      throw missing((folder / file).string() + " is not what was pulled");
    }
  }
  if (!record->files.contains(k_checkout_weights)) throw missing("was not pulled to its end");
  return {folder, record->source, record->files};
}

Checkout CheckoutFolder::fetch(HttpClient& client, ModelHub& hub, const std::string& revision,
                               const std::string& weights_sha256, CheckoutObserver& observer) {
  const bool pinned = !hub.commit().empty();
  const std::string name = pinned ? hub.commit() : "revision-" + percent_encoded(revision);
  const fs::path folder = m_folder / name;
  make_folders(folder);
  Fetch fetch(client, hub, folder, observer);
  fetch.run(weights_sha256);
  Checkout checkout{folder, m_repository + "@" + (pinned ? name : revision),
                    std::move(fetch).files()};
  write_record(record_of(folder), {checkout.source, checkout.files});
  auto revisions = read_revisions(m_folder / "revisions.json");
  revisions[revision] = name;
  write_revisions(m_folder / "revisions.json", revisions);
  return checkout;
}

void require_revision(const std::string& revision) {
  const bool plain =
      std::all_of(revision.begin(), revision.end(), [](char c) { return c > ' ' && c < 127; });
  if (!plain || revision.empty() || revision.size() > 200 || revision.front() == '-') {
    throw Error(ErrorKind::k_usage,
                "--revision \"" + revision + "\": is not a branch, a tag or a commit");
  }
}

}  // namespace vecdb
