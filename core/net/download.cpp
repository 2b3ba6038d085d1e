#include "net/download.h"

#include "net/part_file.h"

namespace vecdb {

namespace {

// What is on disk does not belong to what the server has now.
struct StalePart {};

class Download {
 public:
  Download(HttpClient& client, const DownloadRequest& request, const OnBytes& on_bytes)
      : m_client(client),
        m_request(request),
        m_on_bytes(on_bytes),
        m_part(request.target),
        m_facts(request.facts) {}

  std::optional<FetchedFile> run() {
    for (Retries retries; !is_whole();) {
      m_received = 0;
      try {
        if (!attempt()) {
          m_part.discard();
          return std::nullopt;
        }
      } catch (const TransientError& failure) {
        retries.after(failure, m_received);
      }
    }
    std::string why;
    const auto fetched = check_file(m_part.path(), m_facts, &why);
    if (!fetched) {
      m_part.discard();
      fail(why + ": what came is thrown away; run the same command again");
    }
    m_part.publish();
    return fetched;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorKind::k_network, m_request.what + ": " + why);
  }

  // All bytes are there; whether they are right is another question.
  bool is_whole() const {
    return m_answered ? m_ended : m_facts.has_hash() && m_facts.size == m_part.size();
  }

  // One request. False when the server has no such file.
  bool attempt() {
    // Bytes that nothing will be compared with are not trusted to have survived a crash.
    const bool too_long = m_facts.size && m_part.size() >= *m_facts.size;
    if (!m_facts.has_hash() || m_part.etag().empty() || too_long) m_part.restart("");
    std::vector<std::string> headers = {"Accept-Encoding: identity"};
    m_asked_from = m_part.size();
    if (m_asked_from > 0) {
      headers.push_back("Range: bytes=" + std::to_string(m_asked_from) + "-");
      headers.push_back("If-Range: " + m_part.etag());
    }
    HttpAnswer answer;
    try {
      answer = m_client.get(
          m_request.url_path, headers, [&](const HttpAnswer& head) { begin(head); },
          [&](std::string_view bytes) { take(bytes); });
    } catch (const StalePart&) {
      m_part.restart("");  // the next request asks for everything
      return true;
    }
    const int status = answer.last.status;
    if (status == 404) return false;
    if (status == 416 && m_asked_from > 0) {
      m_part.restart("");
      return true;
    }
    if (!answer.ok()) throw status_error(answer, m_request.what);
    if (m_facts.size && m_part.size() < *m_facts.size) {
      throw TransientError(answer.url + ": the connection ended " +
                           std::to_string(*m_facts.size - m_part.size()) + " bytes early");
    }
    m_ended = true;
    return true;
  }

  // Before the first byte of the body: where does it belong?
  void begin(const HttpAnswer& answer) {
    const std::string etag = answer.last.field("etag");
    if (answer.last.status == 206) {
      const auto range = "bytes " + std::to_string(m_asked_from) + "-";
      const auto stated = answer.last.field("content-range");
      const auto total = parse_size(std::string_view(stated).substr(stated.rfind('/') + 1));
      const bool same = m_asked_from > 0 && etag == m_part.etag() && stated.starts_with(range) &&
                        (!m_facts.size || total == m_facts.size);
      if (!same && m_asked_from == 0) fail("the server sends a range that nobody asked for");
      if (!same) throw StalePart{};
    } else if (answer.last.status != 200) {
      throw status_error(answer, m_request.what);
    }
    check_origin(answer);
    m_answered = true;
    if (answer.last.status == 200) m_part.restart(etag);
  }

  void check_origin(const HttpAnswer& answer) {
    const std::string commit = answer.origin.field("x-repo-commit");
    if (!m_request.commit.empty() && !commit.empty() && commit != m_request.commit) {
      fail("the server sends it of commit " + commit + ", not of " + m_request.commit);
    }
    m_facts.complete_with(facts_of(answer.origin));
    if (!m_facts.size) m_facts.size = facts_of(answer.last).size;
    if (!m_facts.size && !m_facts.has_hash()) {
      fail("the server states neither its size nor a hash, so nobody can tell whether it is whole");
    }
    if (m_facts.size && *m_facts.size > m_request.max_bytes) {
      fail("has " + std::to_string(*m_facts.size) + " bytes, over the limit of " +
           std::to_string(m_request.max_bytes));
    }
    if (m_request.hash_rule == HashRule::k_sha256_required && m_facts.sha256.empty()) {
      fail("the server states no SHA-256 of it; give the one that you trust with --sha256");
    }
  }

  void take(std::string_view bytes) {
    if (m_part.size() + bytes.size() > m_facts.size.value_or(m_request.max_bytes)) {
      m_part.discard();
      fail("the server sends more bytes than it said");
    }
    m_part.append(bytes);
    m_received += bytes.size();
    m_on_bytes(m_part.size());
  }

  HttpClient& m_client;
  const DownloadRequest& m_request;
  const OnBytes& m_on_bytes;
  PartFile m_part;
  FileFacts m_facts;
  std::uint64_t m_asked_from = 0;
  std::uint64_t m_received = 0;  // by this attempt
  bool m_answered = false;
  bool m_ended = false;
};

}  // namespace

std::optional<FetchedFile> download(HttpClient& client, const DownloadRequest& request,
                                    const OnBytes& on_bytes) {
  return Download(client, request, on_bytes).run();
}

}  // namespace vecdb
