// TLS set-up of a librabbitmq socket.
//
// librabbitmq uses one string for three things: the name to resolve, the name to send by SNI, and
// the name to compare with the certificate. It is given an address, because the guard has checked
// that address and no other; so the latter two are set on its OpenSSL context here. OpenSSL itself
// compares the certificate with the name, and SNI is corrected when the handshake starts, before
// its first message is written.
#include "lib/broker/amqp/tls.h"

#include <amqp_ssl_socket.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace convoy::broker::amqp {
namespace {

TlsPeer* PeerOf(const SSL* ssl) {
  return static_cast<TlsPeer*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

void OnProgress(const SSL* ssl, int where, int /*result*/) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  const TlsPeer* const peer = PeerOf(ssl);
  // RFC 6066, section 3: no literal addresses.
  const char* const name = peer->is_numeric ? nullptr : peer->host.c_str();
  SSL_set_tlsext_host_name(const_cast<SSL*>(ssl), const_cast<char*>(name));
}

int OnCertificate(int is_good, X509_STORE_CTX* chain) {
  if (is_good == 1) return 1;
  const auto* const ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  PeerOf(ssl)->failure = X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain));
  return 0;
}

}  // namespace

absl::Status RequireVerifiedPeer(amqp_socket_t* socket, TlsPeer* peer) {
  amqp_ssl_socket_set_verify_peer(socket, 1);
  amqp_ssl_socket_set_verify_hostname(socket, 0);  // it would compare with the address
  auto* const context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket));
  X509_VERIFY_PARAM* const rules = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int is_named =
      peer->is_numeric ? X509_VERIFY_PARAM_set1_ip_asc(rules, peer->host.c_str())
                       : X509_VERIFY_PARAM_set1_host(rules, peer->host.data(), peer->host.size());
  if (is_named != 1 || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_default_verify_paths(context) != 1 || SSL_CTX_set_app_data(context, peer) != 1) {
    return absl::UnavailableError("cannot set up TLS");
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, OnCertificate);
  SSL_CTX_set_info_callback(context, OnProgress);
  return absl::OkStatus();
}

}  // namespace convoy::broker::amqp
