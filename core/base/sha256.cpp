#include "base/sha256.h"

// OpenSSL would rather be asked by way of EVP. But the first digest by EVP sets up all of the
// library, its configuration file included, and that takes longer than what a short-lived client of
// `vecdb serve` does in all.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <array>

#include "base/error.h"
#include "base/hex.h"

namespace vecdb {

struct Sha256::Impl {
  SHA256_CTX context;
};

namespace {

void check(int ok) {
  if (ok != 1) throw Error(ErrorKind::k_io, "SHA-256: the OpenSSL library failed");
}

}  // namespace

Sha256::Sha256() : m_impl(std::make_unique<Impl>()) { check(SHA256_Init(&m_impl->context)); }

Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  check(SHA256_Update(&m_impl->context, bytes.data(), bytes.size()));
}

void Sha256::update(std::string_view bytes) { update(std::as_bytes(std::span(bytes))); }

std::string Sha256::hex_digest() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  check(SHA256_Final(digest.data(), &m_impl->context));
  return to_hex(digest);
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex_digest();
}

std::string sha256_hex(std::string_view bytes) {
  return sha256_hex(std::as_bytes(std::span(bytes)));
}

}  // namespace vecdb
