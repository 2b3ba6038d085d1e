#pragma once

#include <filesystem>
#include <optional>

#include "base/file.h"

namespace vecdb {

// Where the server of a store listens: a socket in serve/ in the user's cache folder, which nobody
// else may enter, named after the place of the store. On the same machine and for the same user
// only.
class Endpoint {
 public:
  // Does not make anything. Throws k_io when the environment names no cache folder.
  explicit Endpoint(const std::filesystem::path& store);

  const std::filesystem::path& folder() const noexcept { return m_folder; }
  std::filesystem::path socket() const { return m_folder / (m_name + ".sock"); }
  std::filesystem::path lock() const { return m_folder / (m_name + ".lock"); }
  std::filesystem::path token() const { return m_folder / (m_name + ".token"); }

  // Makes the folder. Throws k_io when it is not a folder of this user's own that is closed to others.
  void make_folder() const;
  // A socket that accepts connections, in place of one whose server has died: the lock must be held.
  // Throws k_io.
  FileDescriptor listen() const;
  // A connection to the server. Nothing where there is none, or none that can be trusted.
  std::optional<FileDescriptor> connect() const noexcept;

 private:
  std::filesystem::path m_folder;
  std::string m_name;
};

// The next connection of a socket that listen() made, of a process of this user. Nothing for any
// other, and when the connection is gone already.
std::optional<FileDescriptor> accept_own(const FileDescriptor& listener);

}  // namespace vecdb
