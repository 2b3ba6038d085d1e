#include "store/archive.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/tar.h"
#include "store/layout.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_block = std::size_t{1} << 20U;
constexpr std::string_view k_segments = "segments/";
constexpr std::uint64_t k_most_bytes_of_small = 4096;  // of HEAD, of LOCK

FileDescriptor open_folder(const fs::path& folder) {
  return FileDescriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Removes PREFIX1234 where the process that made it is gone: a lock is held as long as it lives.
void sweep(const fs::path& prefix) {
  const std::string begin = prefix.filename().string();
  std::vector<fs::path> left;
  std::error_code error;
  fs::directory_iterator entry(prefix.parent_path(), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(begin) || name.size() == begin.size()) continue;
    if (name.find_first_not_of("0123456789", begin.size()) != std::string::npos) continue;
    left.push_back(entry->path());
  }
  for (const fs::path& folder : left) {
    const FileDescriptor lock = open_folder(folder);
    if (lock.get() < 0 || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
    fs::remove_all(folder, error);
  }
}

// The folder PREFIX1234, by the number of the process, that goes when this does, with all that is
// in it. What killed processes left of such folders goes before.
class Scratch {
 public:
  explicit Scratch(const fs::path& prefix)
      : m_folder(prefix.string() + std::to_string(::getpid())) {
    sweep(prefix);
    // A sweep of another process may come between the folder and its lock; then it is made again.
    do {
      std::error_code error;
      if (!fs::create_directory(m_folder, error)) {
        const std::string why = error ? error.message() : "it is there already";
        throw Error(ErrorKind::k_io, m_folder.string() + ": cannot create: " + why);
      }
      m_lock = open_folder(m_folder);
      if (m_lock.get() >= 0) ::flock(m_lock.get(), LOCK_EX);
    } while (!fs::exists(m_folder));
  }
  ~Scratch() {
    std::error_code ignored;
    if (!m_folder.empty()) fs::remove_all(m_folder, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const noexcept { return m_folder; }
  void keep() { m_folder.clear(); }

 private:
  fs::path m_folder;
  FileDescriptor m_lock;
};

// False when an interrupt came first.
bool write_member(const std::string& name, std::span<const std::byte> bytes,
                  const ByteSink& sink) {
  const auto write = [&sink](const std::string& text) { sink(std::as_bytes(std::span(text))); };
  write(tar_header(name, bytes.size()));
  for (std::size_t at = 0; at < bytes.size(); at += k_block) {
    if (pending_interrupt() != 0) return false;
    sink(bytes.subspan(at, std::min(k_block, bytes.size() - at)));
  }
  write(tar_padding(bytes.size()));
  return true;
}

// Takes an archive apart into a folder.
class Unpacking {
 public:
  Unpacking(const TarReader::Read& read, const std::string& name, const StoreLayout& layout)
      : m_reader(read, name), m_name(name), m_layout(layout) {}

  // False when an interrupt came first.
  bool run() {
    fs::create_directory(m_layout.segments);
    while (const auto member = m_reader.next()) {
      if (!m_seen.insert(member->name).second) refuse("holds " + member->name + " twice");
      if (!unpack(*member)) return false;
    }
    for (const char* needed : {"HEAD", "catalog.db"}) {
      if (!m_seen.contains(needed)) refuse(std::string("lacks ") + needed);
    }
    sync_folder(m_layout.segments);
    sync_folder(m_layout.folder);
    return true;
  }

 private:
  fs::path place_of(const TarReader::Member& member) const {
    const std::string& name = member.name;
    const bool is_small = name == "HEAD" || name == "LOCK";
    if (is_small && member.bytes > k_most_bytes_of_small) refuse(name + " is too large");
    if (is_small || name == "catalog.db") return m_layout.folder / name;
    if (!name.starts_with(k_segments) || !is_segment_name(name.substr(k_segments.size()))) {
      refuse("holds a file that is not one of a store: " + name);
    }
    return m_layout.folder / name;
  }

  bool unpack(const TarReader::Member& member) {
    const fs::path place = place_of(member);
    const fs::space_info space = fs::space(m_layout.folder);
    if (member.bytes > space.available) {
      refuse(member.name + " has " + std::to_string(member.bytes) + " bytes, and there is room for " +
             std::to_string(space.available));
    }
    const FileDescriptor file(
        ::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (file.get() < 0) {
      throw Error(ErrorKind::k_io, place.string() + ": cannot create: " + last_system_error());
    }
    m_buffer.resize(k_block);
    while (const std::size_t got = m_reader.read(m_buffer)) {
      if (pending_interrupt() != 0) return false;
      write_all(file, std::span(m_buffer).first(got), place);
    }
    if (::fsync(file.get()) != 0) {
      throw Error(ErrorKind::k_io, place.string() + ": cannot sync: " + last_system_error());
    }
    return true;
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorKind::k_io, m_name + ": " + why);
  }

  TarReader m_reader;
  std::string m_name;
  const StoreLayout& m_layout;
  std::set<std::string> m_seen;
  std::vector<std::byte> m_buffer;
};

void refuse_taken(const fs::path& store) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(store, error);
  if (!fs::exists(status)) return;
  if (fs::is_directory(status) && fs::is_empty(store, error) && !error) return;
  throw Error(ErrorKind::k_io, store.string() +
                                   ": is there already; an archive becomes a store of its own: "
                                   "name one that is absent with --store");
}

// False when an interrupt came: a read that it cut short must not count as an archive that is.
bool unpack(const std::function<std::size_t(std::span<std::byte>)>& read, const std::string& name,
            const StoreLayout& layout) {
  try {
    return Unpacking(read, name, layout).run();
  } catch (const Error&) {
    if (pending_interrupt() != 0) return false;
    throw;
  }
}

}  // namespace

bool write_archive(const ArchiveContent& content, const fs::path& scratch, const ByteSink& sink) {
  const Scratch folder(scratch / ".vecdb-export-");
  const fs::path copy = folder.path() / "catalog.db";
  if (!content.catalogue.database().copy_to(copy)) return false;
  const MappedFile catalogue(copy);
  const std::string head = head_text(content.head);
  if (!write_member("HEAD", std::as_bytes(std::span(head)), sink) ||
      !write_member("LOCK", {}, sink) || !write_member("catalog.db", catalogue.bytes(), sink)) {
    return false;
  }
  for (const auto& [name, bytes] : content.files) {
    if (!write_member(std::string(k_segments) + name, bytes, sink)) return false;
  }
  const std::string end = tar_end();
  sink(std::as_bytes(std::span(end)));
  return true;
}

bool import_archive(const fs::path& store,
                    const std::function<std::size_t(std::span<std::byte>)>& read,
                    const std::string& name) {
  refuse_taken(store);
  fs::path target = fs::absolute(store).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  make_folders(target.parent_path());
  Scratch scratch(target.string() + ".importing-");
  const fs::path made = scratch.path();  // not of the scratch, which forgets it
  const StoreLayout layout(made);
  if (!unpack(read, name, layout)) return false;
  const std::vector<std::string> problems = verify_store(made);
  if (pending_interrupt() != 0) return false;
  if (!problems.empty()) {
    std::string problem = problems.front();
    if (problem.starts_with(made.string())) problem.erase(0, made.string().size() + 1);
    throw Error(ErrorKind::k_damaged, name + ": " + problem + "; nothing was imported");
  }
  for (const char* end : {"-wal", "-shm"}) {  // of the look at it
    std::error_code ignored;
    fs::remove(layout.catalogue.string() + end, ignored);
  }
  refuse_taken(target);
  if (::rename(made.c_str(), target.c_str()) != 0) {
    throw Error(ErrorKind::k_io, target.string() + ": cannot rename: " + last_system_error());
  }
  scratch.keep();
  sync_folder(target.parent_path());
  return true;
}

}  // namespace vecdb
