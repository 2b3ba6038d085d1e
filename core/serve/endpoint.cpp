#include "serve/endpoint.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "base/cache.h"
#include "base/error.h"
#include "base/sha256.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr int k_waiting_connections = 64;
constexpr std::size_t k_name_digits = 16;

[[noreturn]] void fail(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::k_io, path.string() + ": " + why);
}

FileDescriptor new_socket() {
  return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

// The folder itself, if it is this user's own and closed to all others.
FileDescriptor open_private(const fs::path& folder) {
  FileDescriptor opened(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  const bool is_private = opened.get() >= 0 && ::fstat(opened.get(), &status) == 0 &&
                          status.st_uid == ::geteuid() && (status.st_mode & 077U) == 0;
  return is_private ? std::move(opened) : FileDescriptor();
}

// By way of the open folder: the path of a socket may have 107 bytes only.
sockaddr_un address_of(const FileDescriptor& folder, const fs::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path =
      "/proc/self/fd/" + std::to_string(folder.get()) + "/" + socket.filename().string();
  static_assert(sizeof address.sun_path > 64);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

bool is_of_this_user(const FileDescriptor& connection) {
  ucred other{};
  socklen_t size = sizeof other;
  return ::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &other, &size) == 0 &&
         other.uid == ::geteuid();
}

}  // namespace

Endpoint::Endpoint(const fs::path& store) : m_folder(cache_folder() / "serve") {
  if (cache_folder().empty()) {
    throw Error(ErrorKind::k_io,
                "the server's socket: has no place: neither XDG_CACHE_HOME nor HOME is set");
  }
  std::error_code error;
  const fs::path place = fs::canonical(store, error);
  m_name = sha256_hex((error ? fs::absolute(store) : place).string()).substr(0, k_name_digits);
}

void Endpoint::make_folder() const {
  make_folders(m_folder.parent_path());
  if (::mkdir(m_folder.c_str(), 0700) != 0 && errno != EEXIST) {
    fail(m_folder, "cannot make it: " + last_system_error());
  }
  if (open_private(m_folder).get() < 0) {
    fail(m_folder, "is not a folder of your own that is closed to others; remove it, or give it mode 700");
  }
}

FileDescriptor Endpoint::listen() const {
  const FileDescriptor folder = open_private(m_folder);
  if (::unlink(socket().c_str()) != 0 && errno != ENOENT) {
    fail(socket(), "cannot remove it: " + last_system_error());
  }
  FileDescriptor listener = new_socket();
  const sockaddr_un address = address_of(folder, socket());
  if (folder.get() < 0 || listener.get() < 0 ||
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), k_waiting_connections) != 0) {
    fail(socket(), "cannot listen: " + last_system_error());
  }
  return listener;
}

std::optional<FileDescriptor> Endpoint::connect() const noexcept try {
  const FileDescriptor folder = open_private(m_folder);
  if (folder.get() < 0) return std::nullopt;
  FileDescriptor connection = new_socket();
  // Not to wait where the server does not accept.
  if (connection.get() < 0 || ::fcntl(connection.get(), F_SETFL, O_NONBLOCK) != 0) {
    return std::nullopt;
  }
  const sockaddr_un address = address_of(folder, socket());
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
          0 ||
      !is_of_this_user(connection)) {
    return std::nullopt;
  }
  return connection;
} catch (const std::exception&) {  // no memory for a name: then there is no server either
  return std::nullopt;
}

std::optional<FileDescriptor> accept_own(const FileDescriptor& listener) {
  FileDescriptor connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (connection.get() < 0 || !is_of_this_user(connection)) return std::nullopt;
  return connection;
}

}  // namespace vecdb
