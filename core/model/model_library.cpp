#include "model/model_library.h"

#include <unistd.h>

#include <cstdlib>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/program.h"
#include "model/model_check.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

Error not_installed(const std::string& name) {
  std::string known;
  for (const auto& each : installed_models()) known += (known.empty() ? "" : ", ") + each.name;
  return {ErrorKind::k_model, "model " + name + ": is not installed; " +
                                  (known.empty() ? "no model is" : "installed: " + known)};
}

void copy_model(const fs::path& source, const fs::path& out, const MakeModelOptions& options) {
  if (options.prefixes.query || options.prefixes.passage) {
    throw Error(ErrorKind::k_usage,
                "--query-prefix, --passage-prefix: " + source.string() +
                    " is a model folder, which says its prefixes; leave them out");
  }
  ModelManifest manifest = read_manifest(source);
  for (const auto& [file, sha256] : manifest.files) copy_durably(source / file, out / file);
  manifest.name = options.name;  // stores find their model by it
  write_manifest(manifest, out);
}

// One process at a time changes the user's own models.
FileLock lock_models(const fs::path& home) {
  constexpr double k_most_seconds = 600;  // large weights are copied in less
  make_folders(home);
  FileLock lock(home / ".LOCK");
  if (!lock.try_lock(k_most_seconds)) {
    throw Error(ErrorKind::k_busy, home.string() + ": " + lock.holder() +
                                       " changes the models; wait until it is done");
  }
  return lock;
}

[[noreturn]] void fail(const fs::path& path, const std::string& what,
                       const std::error_code& error) {
  throw Error(ErrorKind::k_io, path.string() + ": " + what + ": " + error.message());
}

// A folder in the making; removed unless it got its final name.
class PartialFolder {
 public:
  explicit PartialFolder(fs::path path) : m_path(std::move(path)) {
    std::error_code ignored;
    fs::remove_all(m_path, ignored);  // the remains of an earlier try
    make_folders(m_path);
  }
  ~PartialFolder() {
    std::error_code ignored;
    fs::remove_all(m_path, ignored);
  }
  PartialFolder(const PartialFolder&) = delete;
  PartialFolder& operator=(const PartialFolder&) = delete;

  void publish(const fs::path& final_path) {
    std::error_code error;
    fs::rename(m_path, final_path, error);
    if (error) fail(final_path, "cannot be given its name", error);
    sync_folder(final_path.parent_path());
  }

 private:
  fs::path m_path;
};

}  // namespace

std::vector<fs::path> model_folders() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  std::vector<fs::path> folders;
  if (const auto home = variable("VECDB_HOME"); !home.empty()) {
    folders.push_back(home / "models");
  } else if (const auto data = variable("XDG_DATA_HOME"); data.is_absolute()) {
    folders.push_back(data / "vecdb" / "models");
  } else if (const auto user = variable("HOME"); user.is_absolute()) {
    folders.push_back(user / ".local" / "share" / "vecdb" / "models");
  }
  folders.push_back(program_folder() / "models");
  folders.push_back((program_folder() / ".." / "share" / "vecdb" / "models").lexically_normal());
  return folders;
}

std::vector<InstalledModel> installed_models() {
  std::map<std::string, fs::path> found;
  for (const auto& folder : model_folders()) {
    std::error_code ignored;  // a folder that is not there holds no models
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.front() != '.' && fs::exists(entry.path() / k_manifest_file, ignored)) {
        found.emplace(name, entry.path());  // keeps the first
      }
    }
  }
  std::vector<InstalledModel> models;
  for (auto& [name, folder] : found) models.push_back({name, folder});
  return models;
}

void require_model_name(const std::string& name) {
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
    throw Error(ErrorKind::k_model,
                "model \"" + name + "\": is not a name; models are named, not given by path");
  }
}

Model open_model(const std::string& name) {
  require_model_name(name);
  for (const auto& folder : model_folders()) {
    std::error_code ignored;
    if (fs::exists(folder / name, ignored)) return Model(folder / name);
  }
  throw not_installed(name);
}

void add_model(const fs::path& source, const MakeModelOptions& options) {
  require_model_name(options.name);
  const fs::path home = model_folders().front();
  const FileLock lock = lock_models(home);
  const fs::path target = home / options.name;
  if (fs::exists(target)) {
    throw Error(ErrorKind::k_model, "model " + options.name + ": is installed already in " +
                                        target.string() + "; remove it first, or use --name");
  }
  const fs::path partial = home / ("." + options.name + ".partial");
  PartialFolder folder(partial);
  if (fs::exists(source / k_manifest_file)) {
    copy_model(source, partial, options);
  } else if (fs::exists(source / "config.json")) {
    make_model(source, partial, options);
  } else {
    throw Error(ErrorKind::k_model, source.string() +
                                        ": holds neither model.json nor config.json; give a model "
                                        "folder or a Hugging Face checkout");
  }
  check_model(Model(partial));  // what was copied or made, not what it was made from
  folder.publish(target);
}

void make_model_folder(const fs::path& checkout, const fs::path& out,
                       const MakeModelOptions& options) {
  if (fs::exists(out)) {
    throw Error(ErrorKind::k_io, out.string() + ": exists already; remove it first");
  }
  fs::path target = fs::absolute(out).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();  // "DIR/"
  const fs::path partial = target.parent_path() / (target.filename().string() + "." +
                                                   std::to_string(::getpid()) + ".partial");
  PartialFolder folder(partial);
  make_model(checkout, partial, options);
  check_model(Model(partial));
  folder.publish(target);
}

void remove_model(const std::string& name) {
  require_model_name(name);
  const fs::path home = model_folders().front();
  const fs::path target = home / name;
  std::error_code error;
  if (!fs::exists(target, error)) {
    throw Error(ErrorKind::k_model, "model " + name + ": is not among your own models in " +
                                        home.string() + "; `vecdb model list` shows where it is");
  }
  const FileLock lock = lock_models(home);
  // Renamed first, so that nobody opens half of it.
  const fs::path gone = home / ("." + name + ".removed");
  fs::remove_all(gone, error);
  fs::rename(target, gone, error);
  if (error) fail(target, "cannot be removed", error);
  fs::remove_all(gone, error);
  if (error) fail(gone, "cannot be removed", error);
}

}  // namespace vecdb
