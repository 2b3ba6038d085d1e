#include "net/model_hub.h"

#include "base/hex.h"
#include "base/json.h"

namespace vecdb {

namespace {

constexpr std::size_t k_max_listing_bytes = std::size_t{16} << 20U;
constexpr std::size_t k_max_files = 100'000;
constexpr std::size_t k_max_name = 1024;
constexpr const char* k_probe = "config.json";  // that every repository we can use has

const Json* member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::uint64_t> size_in(const Json& object, const std::string& what) {
  const Json* size = member(object, "size");
  if (size == nullptr) return std::nullopt;
  if (!size->is_number_unsigned()) {
    throw Error(ErrorKind::k_network,
                what + ": its size is not a number of bytes; check HF_ENDPOINT");
  }
  return size->get<std::uint64_t>();
}

std::string hash_in(const Json& object, const char* key, std::size_t digits,
                    const std::string& what) {
  const Json* hash = member(object, key);
  if (hash == nullptr) return "";
  if (!hash->is_string() || !is_hex(hash->get_ref<const std::string&>(), digits)) {
    throw Error(ErrorKind::k_network, what + ": its " + key + " is not " + std::to_string(digits) +
                                          " hexadecimal digits; check HF_ENDPOINT");
  }
  return hash->get<std::string>();
}

// One of the listing's "siblings". For a file in LFS the blob is only a pointer to it.
FileFacts facts_in(const Json& sibling, const std::string& what) {
  FileFacts facts{.size = size_in(sibling, what)};
  const Json* lfs = member(sibling, "lfs");
  if (lfs == nullptr) {
    facts.git_blob = hash_in(sibling, "blobId", 40, what);
  } else if (lfs->is_object()) {
    facts.sha256 = hash_in(*lfs, "sha256", 64, what);
    if (const auto size = size_in(*lfs, what)) facts.size = size;
  }
  return facts;
}

// A response that a server without this method or this URL gives.
bool is_unknown_here(const HttpAnswer& answer) {
  const int status = answer.last.status;
  return status == 405 || status == 501 ||
         (status == 404 && answer.last.field("x-error-code").empty());
}

}  // namespace

ModelHub::ModelHub(HttpClient& client, std::string repository, std::string revision)
    : m_client(client), m_repository(std::move(repository)), m_revision(std::move(revision)) {
  m_has_listing = with_retries([&] { return read_listing(); });
  if (!m_has_listing) read_header();
  if (is_hex(m_revision, 40) && !m_commit.empty() && m_commit != m_revision) {
    throw Error(ErrorKind::k_network,
                name() + ": the server names another commit, " + m_commit + "; check HF_ENDPOINT");
  }
}

// False when the endpoint has no such listing.
bool ModelHub::read_listing() {
  std::string text;
  const HttpAnswer answer = m_client.get(
      "/api/models/" + m_repository + "/revision/" + percent_encoded(m_revision) + "?blobs=true",
      {"Accept: application/json"}, [](const HttpAnswer&) {},
      [&](std::string_view bytes) {
        if (text.size() + bytes.size() > k_max_listing_bytes) {
          throw Error(ErrorKind::k_network, name() + ": its list of files is over " +
                                                std::to_string(k_max_listing_bytes) +
                                                " bytes; check HF_ENDPOINT");
        }
        text += bytes;
      });
  if (is_unknown_here(answer)) return false;
  if (!answer.ok()) throw status_error(answer, name());
  const auto refuse = [&](const std::string& why) -> Error {
    return {ErrorKind::k_network, answer.url + ": " + why + "; check HF_ENDPOINT"};
  };
  const Json listing = parse_json(text, answer.url, ErrorKind::k_network);
  const Json* commit = listing.is_object() ? member(listing, "sha") : nullptr;
  const Json* files = listing.is_object() ? member(listing, "siblings") : nullptr;
  if (commit == nullptr || !commit->is_string() ||
      !is_hex(commit->get_ref<const std::string&>(), 40)) {
    throw refuse("its \"sha\" is no commit");
  }
  if (files == nullptr || !files->is_array()) throw refuse("its \"siblings\" is no list of files");
  if (files->size() > k_max_files) {
    throw refuse("lists more than " + std::to_string(k_max_files) + " files");
  }
  m_commit = commit->get<std::string>();
  for (const Json& file : *files) {
    const Json* path = file.is_object() ? member(file, "rfilename") : nullptr;
    if (path == nullptr || !path->is_string()) throw refuse("lists a file without a name");
    const std::string& text_of_path = path->get_ref<const std::string&>();
    if (text_of_path.size() > k_max_name) continue;  // none that anybody asks for
    if (!m_files.emplace(text_of_path, facts_in(file, name() + ": " + text_of_path)).second) {
      throw refuse("lists " + text_of_path + " twice");
    }
  }
  return true;
}

void ModelHub::read_header() {
  const HttpAnswer answer = head(k_probe);
  if (answer.last.status == 404) throw status_error(answer, name());
  if (const std::string commit = answer.origin.field("x-repo-commit"); is_hex(commit, 40)) {
    m_commit = commit;
  }
}

HttpAnswer ModelHub::head(const std::string& file) {
  HttpAnswer answer = with_retries([&] { return m_client.head(url_path(file)); });
  const int status = answer.last.status;
  if (status == 405 || status == 501) m_has_head = false;
  const bool found = answer.ok() || (status >= 300 && status < 400);
  if (!found && status != 404 && m_has_head) throw status_error(answer, name() + ": " + file);
  return answer;
}

std::optional<FileFacts> ModelHub::find(const std::string& file) {
  if (m_has_listing) {
    const auto found = m_files.find(file);
    if (found == m_files.end()) return std::nullopt;
    return found->second;
  }
  if (!m_has_head) return FileFacts{};  // the download will tell
  const HttpAnswer answer = head(file);
  if (answer.last.status == 404) return std::nullopt;
  return m_has_head ? facts_of(answer.origin) : FileFacts{};
}

std::string ModelHub::url_path(const std::string& file) const {
  return "/" + m_repository + "/resolve/" +
         percent_encoded(m_commit.empty() ? m_revision : m_commit) + "/" + file;
}

}  // namespace vecdb
