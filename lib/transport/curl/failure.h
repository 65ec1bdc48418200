// The end of an exchange, from what was learnt in its course and what libcurl says at last. What
// was learnt first decides: a complete head is the answer, whatever becomes of the body.
#pragma once

#include <cstdint>
#include <string>

#include <curl/curl.h>

#include "convoy/transport.h"
#include "lib/transport/curl/response_head.h"

namespace convoy::transport {

// The course of an exchange, apart from the response.
struct ExchangeFacts {
  bool is_cancelled = false;       // by the owner
  bool has_begun = false;          // a connection was there, the request was about to be written
  bool is_repeat_refused = false;  // libcurl wanted to write a request again that was written
  bool is_kept_http1 = false;      // its connection was used for HTTP/1 before
  bool is_body_too_large = false;
  bool is_connected = false;      // a socket was, when it was closed
  uint32_t denied_count = 0;      // addresses that the guard refused
  uint32_t tried_count = 0;       // addresses that a socket was opened for
  int socket_errno = 0;           // why the last socket could not be opened; 0: all could
  uint64_t body_bytes_count = 0;  // of the request
  absl::Duration timeout;         // of the whole exchange
  bool has_proxy = false;
  bool has_tls_proxy = false;           // which is spoken to with TLS itself
  bool has_own_authorities = false;     // of the endpoint
  bool has_client_certificate = false;  // of the endpoint
};

inline constexpr const char* kDeniedAddressText =
    "the address is not allowed: deliveries go to public addresses only";

struct ExchangeEnd {
  TransportOutcome outcome = TransportOutcome::kProtocolError;
  int http_status = 0;
  std::string error;  // one line; empty for kResponse
};

// `detail` is libcurl's error buffer. May be asked until the handle is used again.
ExchangeEnd EndOf(CURLcode code, CURL* handle, const ResponseHead& head, const ExchangeFacts& facts,
                  const char* detail);

}  // namespace convoy::transport
