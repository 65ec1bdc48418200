// Verified TLS to a broker.
#pragma once

#include <amqp.h>

#include <string>

#include "absl/status/status.h"

namespace convoy::broker::amqp {

// Expected peer of a handshake, and the reason of its refusal. Must outlive the socket.
struct TlsPeer {
  std::string host;  // a name or a numeric address
  bool is_numeric = false;
  std::string failure;  // of the certificate, in OpenSSL's words
};

// Makes `socket` (of amqp_ssl_socket_new) accept TLS 1.2 and later with a certificate for the
// peer's host, issued by an authority of the system, although the socket is opened by address.
absl::Status RequireVerifiedPeer(amqp_socket_t* socket, TlsPeer* peer);

}  // namespace convoy::broker::amqp
