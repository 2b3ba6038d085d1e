#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// Files as the rest of vecdb needs them. Every failure is an Error of kind k_io that names the
// file.
namespace vecdb {

// Owns a POSIX file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) noexcept : m_fd(fd) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept : m_fd(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  int get() const noexcept { return m_fd; }
  int release() noexcept;

 private:
  int m_fd;
};

// Identity and age of a file. While none of it changes, the content is taken to be unchanged too.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Opens a regular file for reading. Refuses folders, FIFOs, sockets and devices without ever
// blocking on them.
FileDescriptor open_regular_file(const std::filesystem::path& path);
FileStamp stamp_of(const FileDescriptor& file, const std::filesystem::path& path);
// Without opening it; of what a symbolic link leads to.
FileStamp stamp_of(const std::filesystem::path& path);
// Nothing when its status cannot be read: it is gone, for the most part.
std::optional<FileStamp> find_stamp(const std::filesystem::path& path) noexcept;

// Whole content of a regular file. Refuses one over `max_bytes`, also when it grows while read.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

// A regular file mapped read-only; the mapping lives as long as the object. Pages that vanish
// because somebody cuts the file raise SIGBUS, which the program turns into an error line.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;

  std::span<const std::byte> bytes() const noexcept { return m_bytes; }
  const FileStamp& stamp() const noexcept { return m_stamp; }  // taken when it was opened
  // Whether the path still leads to the same file, as it was when it was opened.
  bool is_unchanged(const std::filesystem::path& path) const;
  // Gives back the memory that pages read so far take; they are there again when they are read.
  void release_pages() const noexcept;

 private:
  std::span<const std::byte> m_bytes;
  FileStamp m_stamp;
};

// Writes all of the bytes at the file's position; `path` is for the error.
void write_all(const FileDescriptor& file, std::span<const std::byte> bytes,
               const std::filesystem::path& path);

// Gives a written file its final name, in the same folder, so that after a power cut all of it
// stands there or nothing does: fsync, close, rename, fsync of the folder. Takes the place of a
// file of that name.
void publish_file(FileDescriptor file, const std::filesystem::path& path,
                  const std::filesystem::path& final_path);

// Writes a new file so that, after commit(), either all of it stands under its final name or
// nothing does: a temporary file in the same folder, then publish_file(). Destroyed without
// commit() it leaves nothing behind.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path final_path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view bytes);
  void commit();

 private:
  std::filesystem::path m_final_path;
  std::filesystem::path m_temporary_path;
  FileDescriptor m_file;
};

// Copies a regular file so that all of the copy stands under its name or nothing does.
void copy_durably(const std::filesystem::path& from, const std::filesystem::path& to);

// Makes a folder, and those above it, where they are not there.
void make_folders(const std::filesystem::path& folder);

// Makes renames and removals in a folder durable.
void sync_folder(const std::filesystem::path& folder);

}  // namespace vecdb
