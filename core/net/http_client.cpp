#include "net/http_client.h"

#include <arpa/inet.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "base/interrupt.h"

namespace vecdb {

namespace {

constexpr int k_max_redirects = 10;
constexpr int k_max_failures = 3;  // in a row, without progress
constexpr std::uint64_t k_progress = std::uint64_t{1} << 20U;
constexpr double k_longest_wait_seconds = 60;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool may_pass(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

bool is_loopback(const std::string& host) {
  in_addr address{};
  return host == "localhost" || host == "[::1]" ||
         (inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24U == 127);
}

[[noreturn]] void stop() {
  throw Error(ErrorKind::k_network,
              "stopped by a signal: what was fetched is kept; the same command goes on from there");
}

void wait(double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end) {
    if (pending_interrupt() != 0) stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

HttpClient::HttpClient(const NetworkSettings& settings)
    : m_transport(make_curl_transport(settings.transport)), m_token(settings.token) {
  const auto endpoint = m_transport->parse("", settings.endpoint);
  if (!endpoint) {
    throw Error(ErrorKind::k_usage, "HF_ENDPOINT: is not an http or https URL; set it again");
  }
  if (endpoint->has_credentials) {
    throw Error(ErrorKind::k_usage,
                "HF_ENDPOINT: holds a user or a password; give a token in HF_TOKEN instead");
  }
  if (endpoint->scheme == "http" && !is_loopback(endpoint->host)) {
    throw Error(ErrorKind::k_usage, "HF_ENDPOINT: " + endpoint->shown() +
                                        " is not encrypted; plain http is for 127.0.0.1 only");
  }
  m_endpoint = *endpoint;
  while (m_endpoint.text.ends_with('/')) m_endpoint.text.pop_back();
}

void HttpClient::check_allowed(const Url& url, const Url& from) const {
  const bool encrypted = url.scheme == "https";
  const bool local = m_endpoint.scheme == "http" && from.scheme == "http" && is_loopback(url.host);
  if (!encrypted && !local) {
    throw Error(ErrorKind::k_network, from.shown() +
                                          ": redirects to a place that is not encrypted: refused; "
                                          "check HF_ENDPOINT");
  }
  if (url.has_credentials) {
    throw Error(
        ErrorKind::k_network,
        from.shown() + ": redirects to a place with a password: refused; check HF_ENDPOINT");
  }
}

HttpAnswer HttpClient::get(const std::string& path, const std::vector<std::string>& headers,
                           const OnAnswer& on_answer, const OnBody& on_body) {
  return follow(HttpMethod::k_get, path, headers, on_answer, on_body);
}

HttpAnswer HttpClient::head(const std::string& path) {
  return follow(
      HttpMethod::k_head, path, {}, [](const HttpAnswer&) {}, [](std::string_view) {});
}

HttpAnswer HttpClient::follow(HttpMethod method, const std::string& path,
                              const std::vector<std::string>& headers, const OnAnswer& on_answer,
                              const OnBody& on_body) {
  auto next = m_transport->parse("", m_endpoint.text + path);
  if (!next || next->origin() != m_endpoint.origin()) {
    throw Error(ErrorKind::k_network, m_endpoint.text + path + ": is not a URL; check HF_ENDPOINT");
  }
  HttpAnswer answer;
  for (int redirects = 0;; ++redirects) {
    const Url url = *next;
    const bool own = url.origin() == m_endpoint.origin();
    HttpRequest request{.method = method, .url = url, .headers = headers};
    if (own && !m_token.empty()) {
      request.headers.push_back("Authorization: Bearer " + m_token);
      // Over plain http, that is to loopback, a proxy would see the token.
      if (url.scheme == "http") request.proxy = ProxyUse::k_none;
    }
    answer.url = url.shown();
    const auto take_head = [&](const HttpHead& head) {
      answer.last = head;
      if (own) answer.origin = head;
      if (!answer.ok()) return false;
      on_answer(answer);
      return true;
    };
    try {
      answer.last = m_transport->exchange(
          request, {take_head, on_body, [] { return pending_interrupt() != 0; }});
    } catch (const Error&) {
      if (pending_interrupt() != 0) stop();
      throw;
    }
    const int status = answer.last.status;
    if (may_pass(status)) {
      throw TransientError(
          answer.url + ": the server answers with status " + std::to_string(status),
          answer.last.retry_after_seconds);
    }
    if (!is_redirect(status)) return answer;
    next = m_transport->parse(url.text, answer.last.field("location"));
    if (!next) {
      throw Error(ErrorKind::k_network,
                  answer.url + ": redirects to what is no http or https URL; check HF_ENDPOINT");
    }
    if (method == HttpMethod::k_head && next->origin() != m_endpoint.origin()) return answer;
    check_allowed(*next, url);
    if (redirects == k_max_redirects) {
      throw Error(ErrorKind::k_network, answer.url + ": redirects more than " +
                                            std::to_string(k_max_redirects) +
                                            " times; check HF_ENDPOINT");
    }
  }
}

void Retries::after(const TransientError& failure, std::uint64_t bytes_gained) {
  m_failures = bytes_gained >= k_progress ? 0 : m_failures + 1;
  if (m_failures > k_max_failures) {
    throw Error(ErrorKind::k_network,
                std::string(failure.what()) + "; check the network and try again");
  }
  if (failure.retry_after_seconds() > k_longest_wait_seconds) {
    throw Error(ErrorKind::k_network,
                std::string(failure.what()) + " and asks to wait; try again in " +
                    std::to_string(std::llround(failure.retry_after_seconds())) + " s");
  }
  const double pause = bytes_gained > 0 ? 0 : 0.5 * std::exp2(m_failures - 1);
  wait(std::max(pause, failure.retry_after_seconds()));
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view k_digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      result.push_back(c);
    } else {
      result += {'%', k_digits[byte >> 4U], k_digits[byte & 0x0FU]};
    }
  }
  return result;
}

Error status_error(const HttpAnswer& answer, const std::string& what) {
  const int status = answer.last.status;
  const std::string where =
      what + ": " + answer.url + " answers with status " + std::to_string(status);
  if (status == 401 || status == 403) {
    return {ErrorKind::k_network, where +
                                      ": the repository may be gated, private or not there; accept "
                                      "its terms on its page and set HF_TOKEN"};
  }
  if (status == 404) {
    return {ErrorKind::k_network,
            where + ": no such repository or revision; check its name and --revision"};
  }
  return {ErrorKind::k_network, where + "; check HF_ENDPOINT or try again later"};
}

}  // namespace vecdb
