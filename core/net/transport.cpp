#include "net/transport.h"

#include "base/module.h"

namespace vecdb {

std::string HttpHead::field(std::string_view name) const {
  for (const auto& [each, value] : fields) {
    if (each == name) return value;
  }
  return "";
}

std::unique_ptr<Transport> make_curl_transport(const TransportSettings& settings) {
  using MakeTransport = Transport* (*)(const TransportSettings&);
  static const auto make = reinterpret_cast<MakeTransport>(
      module_function("libvecdb_curl.so", "vecdb_make_curl_transport"));
  return std::unique_ptr<Transport>(make(settings));
}

}  // namespace vecdb
