// Transport: the sender of outgoing requests. The default is libcurl; a host with an HTTP client of
// its own (an event loop, a proxy) implements this interface.
//
// A transport calls back from no thread of its own: it works when its owner calls Step, and a file
// descriptor says when there is work. All calls come from one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

#include "convoy/http.h"
#include "convoy/model.h"

namespace convoy {

// An e-mail to send over SMTP. Its text is the request's body, headers included, with lines that
// end in CRLF.
struct Mail {
  std::string from;  // addresses without display names
  std::vector<std::string> recipients;
  std::string user;  // empty: no authentication
  std::string password;
};

struct OutgoingRequest {
  std::string method = "POST";
  std::string url;
  Headers headers;  // complete and checked; the transport adds only what HTTP itself demands
  std::shared_ptr<const std::string> body;
  absl::Duration timeout = absl::Seconds(10);  // for the whole exchange
  uint64_t response_bytes_max = 51'200;        // reading stops there and the connection is dropped
  // Null: the transport's own authorities, and no client certificate. A connection that was made
  // with one is not used for requests with another.
  std::shared_ptr<const EndpointTls> tls;
  // Unless null, `url` is "smtp://" or "smtps://" with the host and port of a server that the host
  // of the gateway has named, so no guard applies to it; method, headers and `tls` have no meaning.
  // The outcome is kResponse, with status 250, once the server has taken it. A transport without
  // e-mail answers kInvalidUrl.
  std::shared_ptr<const Mail> mail;
};

// How an exchange ended. The numeric values are permanent.
//
// Once the head of the final response is complete, every outcome has its status, also if the body
// was then cut off, timed out or was too large, or if the transport was shut down. Without a
// complete head there is no answer, and the status is 0.
enum class TransportOutcome : uint8_t {
  kResponse = 0,       // a response arrived whole; look at its status
  kDeniedAddress = 1,  // the guard refused the resolved address; nothing was sent
  kInvalidUrl = 2,     // the URL cannot be used; nothing was sent
  kNameNotResolved = 3,
  kConnectFailed = 4,
  kTlsFailed = 5,
  kTimedOut = 6,
  kResponseTooLarge = 7,  // the head, or the body, whose first part is given
  kProtocolError = 8,     // the peer broke off or did not speak HTTP
  kCancelled = 9,         // the transport was shut down
  kLocalFailure = 10,     // this side had no socket or memory for it; nothing was sent
  kNoAccessToken = 11,    // by the gateway, not by a transport: nothing was sent
  // Of local delivery (local.h).
  kHandled = 12,         // the host is done with it
  kHandlerFailed = 13,   // the host wants it again
  kHandlerRefused = 14,  // the host can never use it
  kNotTaken = 15,        // the host did not take it: no attempt was made
  kFunctionFailed = 16,  // of the gateway: the subscription's function failed; nothing was sent
};

struct TransportResult {
  TransportOutcome outcome = TransportOutcome::kProtocolError;
  int http_status = 0;  // of the final response whose head is complete; otherwise 0
  Headers headers;
  std::string body;       // at most response_bytes_max
  std::string remote_ip;  // numeric; empty if no connection was made
  std::string error;      // one line without secrets; empty for kResponse
  // False only if no byte of the request was written. Then it may be sent again, even in the mode
  // at_most_once.
  bool may_have_arrived = true;
  // The wait that the host asked for with kHandlerFailed. A response has a header for it.
  absl::Duration retry_after = absl::ZeroDuration();
  absl::Duration elapsed = absl::ZeroDuration();
  PhaseTimings phases;
};

using SendCompletion = std::function<void(TransportResult)>;

class Transport {
 public:
  virtual ~Transport() = default;

  virtual std::string_view name() const = 0;

  // Starts an exchange. `done` runs exactly once, from within Step or Cancel, never from Send. The
  // request is written to the peer at most once: a transport must not repeat it after it has
  // written a byte of it, because the peer may have acted on it.
  virtual void Send(OutgoingRequest request, SendCompletion done) = 0;

  // Does all work that needs no waiting, and runs completions.
  virtual void Step() = 0;

  // A file descriptor that is readable when Step has work. Owned by the transport; valid for its
  // lifetime.
  virtual int wake_fd() const = 0;

  // Ends every exchange with kCancelled, now.
  virtual void Cancel() = 0;
};

}  // namespace convoy
