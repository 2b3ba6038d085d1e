#pragma once

#include <map>
#include <optional>
#include <string>

#include "net/file_facts.h"
#include "net/http_client.h"

namespace vecdb {

// A repository on an endpoint that speaks as huggingface.co does, or on a plain mirror that has
// only its file URLs. A revision is looked up once and held to its commit from then on, so that a
// repository that changes meanwhile is not mixed.
//
//   GET  /api/models/REPO/revision/REVISION?blobs=true    commit, and every file's size and hash
//   HEAD /REPO/resolve/REVISION/FILE                      the same of one file, in its header
class ModelHub {
 public:
  // Looks the revision up. Throws k_network when it is not there or what comes is not understood.
  ModelHub(HttpClient& client, std::string repository, std::string revision);

  // Of the revision, 40 hexadecimal digits; empty when the server names none.
  const std::string& commit() const noexcept { return m_commit; }

  // What is known of a file before it is fetched. Nothing when the repository has no such file.
  std::optional<FileFacts> find(const std::string& file);

  // Of a file at the commit, below the endpoint.
  std::string url_path(const std::string& file) const;

  // "OWNER/NAME@REVISION", for messages.
  std::string name() const { return m_repository + "@" + m_revision; }

 private:
  bool read_listing();
  void read_header();
  HttpAnswer head(const std::string& file);

  HttpClient& m_client;
  std::string m_repository;
  std::string m_revision;
  std::string m_commit;
  bool m_has_listing = false;
  bool m_has_head = true;  // the server knows HEAD
  std::map<std::string, FileFacts> m_files;
};

}  // namespace vecdb
