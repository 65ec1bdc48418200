// HTTP requests and responses as plain values. The library has no server sockets: the host reads
// the request, calls the gateway and writes the response.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace convoy {

// One header line. Names keep the spelling they arrived with and compare without case.
struct Header {
  std::string name;
  std::string value;

  friend bool operator==(const Header&, const Header&) = default;
};
using Headers = std::vector<Header>;

// A borrowed header line.
struct HeaderView {
  std::string_view name;
  std::string_view value;
};

// A request as the host read it. All views are borrowed and must stay valid until the call that
// takes the request returns (for the asynchronous call: until its completion has run).
struct HttpRequest {
  std::string_view method;  // as on the wire: "POST"
  std::string_view path;    // without query, still percent-encoded: "/ingest/abc"
  std::string_view query;   // without '?', still percent-encoded
  std::span<const HeaderView> headers;
  std::string_view body;       // raw bytes
  std::string_view remote_ip;  // of the peer, numeric; may be empty
};

// A response for the host to write. `Content-Length` is left to the host.
struct HttpResponse {
  int status = 200;
  Headers headers;
  std::string body;
};

}  // namespace convoy
