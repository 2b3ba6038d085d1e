#include "base/git_blob.h"

#define OPENSSL_SUPPRESS_DEPRECATED  // see sha256.cpp
#include <openssl/sha.h>

#include <array>

#include "base/error.h"
#include "base/hex.h"

namespace vecdb {

std::string git_blob_id(std::span<const std::byte> content) {
  const std::string header = "blob " + std::to_string(content.size());
  SHA_CTX context;
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  if (SHA1_Init(&context) != 1 || SHA1_Update(&context, header.c_str(), header.size() + 1) != 1 ||
      SHA1_Update(&context, content.data(), content.size()) != 1 ||
      SHA1_Final(digest.data(), &context) != 1) {
    throw Error(ErrorKind::k_io, "SHA-1: the OpenSSL library failed");
  }
  return to_hex(digest);
}

}  // namespace vecdb
