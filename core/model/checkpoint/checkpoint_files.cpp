#include "model/checkpoint/checkpoint_files.h"

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

// A tokenizer.json of 250,000 tokens has 17 MB.
constexpr std::uint64_t k_max_json_bytes = 256U << 20U;
constexpr std::uint64_t k_max_card_bytes = 16U << 20U;

std::string read_or_refuse(const fs::path& path, std::uint64_t max_bytes) {
  try {
    return read_file(path, max_bytes);
  } catch (const Error& error) {
    throw Error(ErrorKind::k_model, error.what());
  }
}

}  // namespace

Json read_checkpoint_json(const fs::path& path) {
  return parse_json(read_or_refuse(path, k_max_json_bytes), path.string(), ErrorKind::k_model);
}

Json read_checkpoint_json_if_present(const fs::path& path) {
  return fs::exists(path) ? read_checkpoint_json(path) : Json::object();
}

std::string read_model_card(const fs::path& checkout) {
  const fs::path path = checkout / "README.md";
  if (!fs::exists(path)) return "";
  std::string card = read_or_refuse(path, k_max_card_bytes);
  if (find_invalid_utf8(card)) {
    throw Error(ErrorKind::k_model, path.string() + ": is not UTF-8");
  }
  return card;
}

}  // namespace vecdb
