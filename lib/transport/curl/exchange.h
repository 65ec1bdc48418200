// One request and its response on one libcurl handle: what is set before, gathered during, and read
// after the transfer. Handles are kept and used again, which saves their set-up.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include <curl/curl.h>

#include "convoy/transport.h"
#include "lib/transport/curl/connections.h"
#include "lib/transport/curl/credentials.h"
#include "lib/transport/curl/failure.h"
#include "lib/transport/curl/header_lines.h"
#include "lib/transport/curl/response_head.h"
#include "lib/transport/curl/url_facts.h"
#include "lib/transport/guard.h"

namespace convoy::transport {

class Exchange {
 public:
  // Common settings of all exchanges of a transport; must outlive them.
  struct Setting {
    Guard guard;
    std::string ca_file;  // empty: the system's authorities
    // How long a connection may be kept idle, and be used at all; how long an address is believed.
    absl::Duration connection_idle_max;
    absl::Duration connection_age_max;
    absl::Duration name_age_max;
    std::string proxy;  // empty: none
    bool has_http2 = false;
  };

  // nullptr if libcurl has no memory. All must outlive it, and whatever its handle has connected.
  static std::unique_ptr<Exchange> New(const Setting* setting, Connections* connections,
                                       CredentialCache* credentials, UrlFactsCache* url_facts);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Makes the handle ready. False, with the result to report, if the request cannot be sent.
  bool Prepare(OutgoingRequest request, SendCompletion done, TransportResult* refusal);

  // Whether libcurl is done only because the kept connection was found dead before the request was
  // written. The handle is then ready to be run once more, on a connection of its own.
  bool ShouldRunAgain(CURLcode code);

  // The outcome, once libcurl is done with the handle.
  TransportResult TakeResult(CURLcode code);
  // The outcome of one that is given up; libcurl must have let go of the handle.
  TransportResult Cancel();
  SendCompletion TakeCompletion() { return std::move(done_); }

  CURL* handle() const { return handle_; }
  // Of its place in the transport's BeginWindow.
  uint64_t ticket() const { return ticket_; }
  void set_ticket(uint64_t ticket) { ticket_ = ticket; }

  // From now on libcurl does not end it for want of time; once the request is written, because only
  // then can there be an answer. False if it is left as it is.
  bool SuspendTimeout();
  void ResumeTimeout();
  bool is_overdue() const;

 private:
  Exchange(CURL* handle, const Setting* setting, Connections* connections,
           CredentialCache* credential_cache, UrlFactsCache* url_facts)
      : handle_(handle),
        setting_(setting),
        connections_(connections),
        credential_cache_(credential_cache),
        url_facts_(url_facts) {}

  static curl_socket_t OpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int CloseSocket(void* connections, curl_socket_t socket);
  static int OnConnected(void* self, char* remote_ip, char* local_ip, int remote_port,
                         int local_port);
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);

  void SetConstantOptions();
  void SetTimeout(absl::Duration timeout);  // from the start, which is now
  long CountWritten() const;                // bytes; what is said to a proxy is counted, too
  bool IsRequestWritten() const;            // a byte of it at least
  PhaseTimings MeasurePhases() const;
  bool SetUrl(TransportResult* refusal);
  bool SetCredentials(TransportResult* refusal);
  bool SetHeaders(TransportResult* refusal);

  CURL* const handle_;
  const Setting* const setting_;
  Connections* const connections_;
  CredentialCache* const credential_cache_;
  UrlFactsCache* const url_facts_;
  std::shared_ptr<const Credentials> credentials_;  // null: the endpoint has none of its own
  std::array<char, CURL_ERROR_SIZE> error_ = {};    // libcurl writes its detail here
  HeaderLines header_lines_;
  OutgoingRequest request_;
  SendCompletion done_;
  TransportResult result_;
  ResponseHead head_;
  ExchangeFacts facts_;
  std::string authority_;       // scheme, host and port
  std::string method_;          // that the handle is set to
  std::shared_ptr<CURLU> url_;  // the handle reads it
  std::vector<int> sockets_;    // opened for it
  std::string connection_key_;  // of the connection in use; empty if there is none yet
  long written_before_ = 0;     // bytes, when the request was about to be written
  long timeout_ms_ = 0;
  int64_t ends_at_ns_ = 0;  // of the monotonic clock
  uint64_t ticket_ = 0;
  bool is_stale_ = false;  // that connection turned out to be dead
};

}  // namespace convoy::transport
