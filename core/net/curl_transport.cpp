#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <exception>
#include <memory>

#include "net/transport.h"

namespace vecdb {

namespace {

constexpr std::size_t k_max_head_bytes = std::size_t{1} << 18U;
constexpr std::size_t k_max_unwanted_bytes = std::size_t{1} << 16U;  // read to keep the connection

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Takes user and password of the proxies out of a message; libcurl quotes a proxy's URL whole.
std::string without_proxy_credentials(std::string message) {
  for (const char* name :
       {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    const std::string proxy = variable(name);
    const auto at = proxy.rfind('@');
    if (at == std::string::npos) continue;
    const auto scheme = proxy.find("://");
    const auto begin = scheme == std::string::npos || scheme > at ? 0 : scheme + 3;
    const std::string credentials = proxy.substr(begin, at + 1 - begin);
    for (auto place = message.find(credentials); place != std::string::npos;
         place = message.find(credentials, place)) {
      message.erase(place, credentials.size());
    }
  }
  return message;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(c < 0x80 ? std::tolower(c) : c); });
  return result;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view k_white = " \t\r\n";
  const auto begin = text.find_first_not_of(k_white);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(k_white) - begin + 1);
}

// What the callbacks of one exchange share. They are called by C code, so an exception waits here
// until that has returned.
struct Exchange {
  const HttpSink& sink;
  HttpHead head = {};
  std::size_t head_bytes = 0;
  std::size_t unwanted_bytes = 0;
  bool head_done = false;
  bool wanted = false;
  bool stopped = false;
  std::exception_ptr failure = nullptr;

  template <typename Action>
  bool guarded(Action action) noexcept {
    try {
      return action();
    } catch (...) {
      failure = std::current_exception();
      return false;
    }
  }

  bool take_head_line(std::string_view line) {
    head_bytes += line.size();
    if (head_bytes > k_max_head_bytes) {
      throw Error(ErrorKind::k_network, "the server's header is too long; use another endpoint");
    }
    if (head_done) return true;  // trailers
    if (line.starts_with("HTTP/")) {
      const auto space = line.find(' ');
      head = {};
      head.status = space == std::string_view::npos ? 0 : std::atoi(line.data() + space + 1);
    } else if (const auto text = trimmed(line); text.empty()) {
      if (head.status < 200) return true;  // an interim response; the real one follows
      head_done = true;
      wanted = sink.on_head(head);
    } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
      head.fields.emplace_back(lower(trimmed(text.substr(0, colon))),
                               trimmed(text.substr(colon + 1)));
    }
    return true;
  }

  bool take_body(std::string_view bytes) {
    if (wanted) {
      sink.on_body(bytes);
      return true;
    }
    unwanted_bytes += bytes.size();
    return unwanted_bytes <= k_max_unwanted_bytes;
  }
};

std::size_t on_head_line(char* data, std::size_t, std::size_t size, void* exchange) {
  auto& self = *static_cast<Exchange*>(exchange);
  return self.guarded([&] { return self.take_head_line({data, size}); }) ? size : 0;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* exchange) {
  auto& self = *static_cast<Exchange*>(exchange);
  return self.guarded([&] { return self.take_body({data, size}); }) ? size : 0;
}

int on_progress(void* exchange, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& self = *static_cast<Exchange*>(exchange);
  self.stopped = self.stopped || !self.guarded([&] { return !self.sink.should_stop(); });
  return self.stopped ? 1 : 0;
}

bool may_pass(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(TransportSettings settings) : m_settings(std::move(settings)) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (initialised == CURLE_OK) m_handle.reset(curl_easy_init());
    if (m_handle == nullptr) {
      throw Error(ErrorKind::k_io, "libcurl: cannot be initialised; check its installation");
    }
  }

  HttpHead exchange(const HttpRequest& request, const HttpSink& sink) override {
    Exchange state{.sink = sink};
    std::array<char, CURL_ERROR_SIZE> words{};
    curl_easy_reset(m_handle.get());  // keeps open connections
    set(CURLOPT_ERRORBUFFER, words.data());
    const Headers headers = prepare(request);
    set(CURLOPT_HEADERFUNCTION, &on_head_line);
    set(CURLOPT_HEADERDATA, &state);
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, &state);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_XFERINFODATA, &state);
    const CURLcode code = curl_easy_perform(m_handle.get());
    set(CURLOPT_ERRORBUFFER, nullptr);
    if (state.failure) std::rethrow_exception(state.failure);
    const bool enough = code == CURLE_WRITE_ERROR && state.head_done && !state.wanted;
    if (code != CURLE_OK && !enough) {
      fail(request, code, state, words[0] != '\0' ? words.data() : curl_easy_strerror(code));
    }
    curl_off_t wait = 0;
    curl_easy_getinfo(m_handle.get(), CURLINFO_RETRY_AFTER, &wait);
    state.head.retry_after_seconds = static_cast<double>(wait);
    return std::move(state.head);
  }

  std::optional<Url> parse(const std::string& base, const std::string& reference) override {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
    if (url == nullptr) return std::nullopt;
    for (const std::string* text : {&base, &reference}) {
      if (text->empty()) continue;
      if (curl_url_set(url.get(), CURLUPART_URL, text->c_str(), 0) != CURLUE_OK) {
        return std::nullopt;
      }
    }
    curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
    const auto part = [&](CURLUPart which, unsigned int flags) {
      char* text = nullptr;
      if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return std::string();
      const std::unique_ptr<char, decltype(&curl_free)> owner(text, &curl_free);
      return std::string(text);
    };
    Url result{.text = part(CURLUPART_URL, 0),
               .scheme = part(CURLUPART_SCHEME, 0),
               .host = lower(part(CURLUPART_HOST, 0)),
               .port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT)};
    result.has_credentials =
        !part(CURLUPART_USER, 0).empty() || !part(CURLUPART_PASSWORD, 0).empty();
    const bool known = result.scheme == "http" || result.scheme == "https";
    if (!known || result.host.empty() || result.port.empty()) return std::nullopt;
    return result;
  }

 private:
  using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

  template <typename Value>
  void set(CURLoption option, Value value) {
    if (curl_easy_setopt(m_handle.get(), option, value) != CURLE_OK) {
      throw Error(ErrorKind::k_network,
                  "libcurl: refuses its option " + std::to_string(option) + "; update libcurl");
    }
  }

  Headers prepare(const HttpRequest& request) {
    Headers headers(nullptr, &curl_slist_free_all);
    for (const auto& field : request.headers) {
      curl_slist* longer = curl_slist_append(headers.get(), field.c_str());
      if (longer == nullptr) throw std::bad_alloc();
      static_cast<void>(headers.release());
      headers.reset(longer);
    }
    set(CURLOPT_URL, request.url.text.c_str());
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));  // none of them to a proxy
    set(CURLOPT_USERAGENT, m_settings.user_agent.c_str());
    if (request.method == HttpMethod::k_head) set(CURLOPT_NOBODY, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // no waiting for a name to be resolved when we are asked to stop
    set(CURLOPT_CONNECTTIMEOUT, m_settings.timeout_seconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, m_settings.timeout_seconds);
    if (!m_settings.ca_file.empty()) {
      set(CURLOPT_CAINFO, m_settings.ca_file.c_str());
      set(CURLOPT_PROXY_CAINFO, m_settings.ca_file.c_str());
    }
    if (!m_settings.ca_folder.empty()) {
      set(CURLOPT_CAPATH, m_settings.ca_folder.c_str());
      set(CURLOPT_PROXY_CAPATH, m_settings.ca_folder.c_str());
    }
    // libcurl reads the proxies' variables itself, but of HTTP_PROXY only the lower-case one, for
    // the sake of CGI programs. This is none.
    if (request.proxy == ProxyUse::k_none) {
      set(CURLOPT_PROXY, "");
    } else if (request.url.scheme == "http" && variable("http_proxy").empty() &&
               !variable("HTTP_PROXY").empty()) {
      set(CURLOPT_PROXY, variable("HTTP_PROXY").c_str());
    }
    return headers;
  }

  [[noreturn]] void fail(const HttpRequest& request, CURLcode code, const Exchange& state,
                         const std::string& words) {
    const std::string why = request.url.shown() + ": " + without_proxy_credentials(words);
    if (state.stopped) {
      throw Error(ErrorKind::k_network, request.url.shown() + ": stopped by a signal");
    }
    if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
      throw Error(ErrorKind::k_network,
                  why +
                      "; if your network has certificates of its own, name them in "
                      "SSL_CERT_FILE");
    }
    if (code == CURLE_SSL_CACERT_BADFILE) {
      throw Error(ErrorKind::k_network,
                  why + "; check SSL_CERT_FILE, CURL_CA_BUNDLE and REQUESTS_CA_BUNDLE");
    }
    long proxy_status = 0;
    curl_easy_getinfo(m_handle.get(), CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (proxy_status >= 400 && proxy_status < 500) {
      throw Error(ErrorKind::k_network, request.url.shown() +
                                            ": the proxy refuses it with status " +
                                            std::to_string(proxy_status) +
                                            "; check HTTPS_PROXY, its user and its password");
    }
    if (may_pass(code)) throw TransientError(why);
    throw Error(ErrorKind::k_network, why + "; check HF_ENDPOINT and the proxies' variables");
  }

  TransportSettings m_settings;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> m_handle{nullptr, &curl_easy_cleanup};
};

}  // namespace

}  // namespace vecdb

// Found by name after dlopen (see transport.cpp). The caller owns the result.
extern "C" __attribute__((visibility("default"))) vecdb::Transport* vecdb_make_curl_transport(
    const vecdb::TransportSettings& settings) {
  return new vecdb::CurlTransport(settings);
}
