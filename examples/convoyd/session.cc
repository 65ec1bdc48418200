// The life of a connection as a chain of asynchronous steps:
//
//   AwaitRequest → Read/Parse (head) → AcceptHead → Read/Parse (body) → Ask → Answer → AwaitRequest
//
// What the head alone decides (too large, unknown link, wrong key) is answered before a byte of the
// body is read. Headers are taken when the head is complete: trailers never become headers.
#include "examples/convoyd/session.h"

#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>

#include "examples/convoyd/wire.h"

namespace convoyd {
namespace {

namespace net = boost::asio;
namespace beast_http = boost::beast::http;
using boost::system::error_code;

constexpr size_t kReadBytes = 16 * 1024;
constexpr std::chrono::seconds kLingerTimeout{2};

template <typename Stream>
constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;

// What the parser says of a request that is not to be answered by the gateway.
convoy::HttpResponse ResponseToParseError(const error_code& error) {
  if (error == beast_http::error::body_limit) return convoy::Gateway::TooLargeResponse();
  if (error == beast_http::error::header_limit) {
    return TextResponse(431, "request head too large");
  }
  return TextResponse(400, "malformed HTTP request");
}

}  // namespace

template <typename Stream>
Session<Stream>::Session(Stream stream, SessionOwner* owner, convoy::Gateway* gateway,
                         const SessionOptions& options)
    : stream_(std::move(stream)), owner_(owner), gateway_(gateway), options_(options) {
  error_code ignored;
  auto& socket = stream_.lowest_layer();
  socket.set_option(Tcp::no_delay(true), ignored);
  const auto peer = socket.remote_endpoint(ignored);
  if (!ignored) remote_ip_ = peer.address().to_string();
}

template <typename Stream>
void Session<Stream>::Start() {
  if constexpr (kIsTls<Stream>) {
    Enter(Step::kHandshaking, options_.read_timeout);
    stream_.async_handshake(net::ssl::stream_base::server,
                            [self = this->shared_from_this()](error_code error) {
                              if (error) return self->Close();
                              self->AwaitRequest();
                            });
  } else {
    AwaitRequest();
  }
}

template <typename Stream>
void Session<Stream>::Enter(Step step, std::chrono::milliseconds timeout) {
  if (step_ == Step::kClosed) return;
  step_ = step;
  deadline_ = std::chrono::steady_clock::now() + timeout;
}

template <typename Stream>
void Session<Stream>::CheckDeadline(SteadyTime now) {
  if (now >= deadline_) Close();
}

template <typename Stream>
void Session<Stream>::Drain() {
  if (step_ == Step::kIdle || step_ == Step::kHandshaking) Close();
}

template <typename Stream>
void Session<Stream>::Close() {
  if (step_ == Step::kClosed) return;
  step_ = Step::kClosed;
  error_code ignored;
  stream_.lowest_layer().shutdown(Tcp::socket::shutdown_both, ignored);
  stream_.lowest_layer().close(ignored);
  const auto self = this->shared_from_this();  // the owner may hold the last reference
  owner_->RemoveSession(this);
}

// ---- Reading
// -------------------------------------------------------------------------------------

template <typename Stream>
void Session<Stream>::AwaitRequest() {
  if (owner_->is_draining() && buffer_.size() == 0) return Close();
  parser_.emplace();
  parser_->header_limit(options_.head_bytes_max);
  // The true limit is set when the head has been judged.
  parser_->body_limit(std::numeric_limits<uint64_t>::max());
  is_head_accepted_ = false;
  if (buffer_.size() > 0) {
    Enter(Step::kReading, options_.read_timeout);
    Parse();
  } else {
    Enter(Step::kIdle, options_.idle_timeout);
    Read();
  }
}

template <typename Stream>
void Session<Stream>::Read() {
  stream_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = this->shared_from_this()](error_code error, size_t size) {
                            self->OnRead(error, size);
                          });
}

template <typename Stream>
void Session<Stream>::OnRead(error_code error, size_t size) {
  if (error || step_ == Step::kClosed) return Close();
  buffer_.commit(size);
  if (step_ == Step::kIdle) Enter(Step::kReading, options_.read_timeout);
  Parse();
}

template <typename Stream>
void Session<Stream>::Parse() {
  while (!parser_->is_done() && buffer_.size() > 0) {
    error_code error;
    parser_->eager(is_head_accepted_);
    buffer_.consume(parser_->put(buffer_.data(), error));
    if (error == beast_http::error::need_more) break;
    if (error) {
      is_kept_ = false;
      return Answer(ResponseToParseError(error));
    }
    if (parser_->is_header_done() && !is_head_accepted_ && !AcceptHead()) return;
  }
  if (parser_->is_done()) return Ask();
  ContinueIfExpected();
}

template <typename Stream>
bool Session<Stream>::AcceptHead() {
  is_head_accepted_ = true;
  is_kept_ = parser_->keep_alive() && !owner_->is_draining();
  const auto& message = parser_->get();
  const auto target = SplitTarget(message.target());
  if (!target.has_value()) {
    is_kept_ = false;
    Answer(TextResponse(400, "malformed request target"));
    return false;
  }
  path_ = target->path;
  query_ = target->query;
  headers_.clear();
  for (const auto& field : message) headers_.push_back({field.name_string(), field.value()});

  convoy::HeadDecision decision = gateway_->InspectHead(MakeRequest());
  const auto content_length = parser_->content_length();
  if (!decision.refusal.has_value() && content_length.has_value() &&
      *content_length > decision.body_bytes_max) {
    decision.refusal = convoy::Gateway::TooLargeResponse();
  }
  if (decision.refusal.has_value()) {
    is_kept_ = is_kept_ && parser_->is_done();
    Answer(*std::move(decision.refusal));
    return false;
  }
  parser_->body_limit(decision.body_bytes_max);
  return true;
}

template <typename Stream>
void Session<Stream>::ContinueIfExpected() {
  const bool is_expected =
      is_head_accepted_ && absl::EqualsIgnoreCase(parser_->get()["Expect"], "100-continue");
  // Once for each request, and not to a peer that sends its body without waiting.
  if (!is_expected || !head_.empty() || buffer_.size() > 0) return Read();
  head_ = "HTTP/1.1 100 Continue\r\n\r\n";
  net::async_write(stream_, net::buffer(head_),
                   [self = this->shared_from_this()](error_code error, size_t) {
                     if (error || self->step_ == Step::kClosed) return self->Close();
                     self->Read();
                   });
}

// ---- Answering
// -----------------------------------------------------------------------------------

template <typename Stream>
convoy::HttpRequest Session<Stream>::MakeRequest() const {
  const auto& message = parser_->get();
  return {.method = message.method_string(),
          .path = path_,
          .query = query_,
          .headers = headers_,
          .body = message.body(),
          .remote_ip = remote_ip_};
}

template <typename Stream>
void Session<Stream>::Ask() {
  // The gateway's own patience decides here; a drain bounds it.
  step_ = Step::kAnswering;
  deadline_ = SteadyTime::max();
  self_ = this->shared_from_this();
  const bool is_handled =
      gateway_->HandleAsync(MakeRequest(), [this](convoy::HttpResponse response) {
        net::dispatch(stream_.get_executor(), [this, response = std::move(response)]() mutable {
          const auto self = std::move(self_);
          Answer(std::move(response));
        });
      });
  if (is_handled) return;
  const auto self = std::move(self_);
  Answer(TextResponse(404, "404 page not found"));
}

template <typename Stream>
void Session<Stream>::Answer(convoy::HttpResponse response) {
  if (step_ == Step::kClosed) return;
  Enter(Step::kAnswering, options_.read_timeout);
  is_kept_ = is_kept_ && !owner_->is_draining();
  for (const convoy::Header& header : response.headers) {
    if (absl::EqualsIgnoreCase(header.name, "Connection") &&
        absl::EqualsIgnoreCase(header.value, "close")) {
      is_kept_ = false;
    }
  }
  head_ = ResponseHead(response, is_kept_);
  const bool has_body = HasBody(parser_->get().method_string(), response.status);
  body_ = has_body ? std::move(response.body) : std::string();
  net::async_write(
      stream_, std::array<net::const_buffer, 2>{net::buffer(head_), net::buffer(body_)},
      [self = this->shared_from_this()](error_code error, size_t) { self->OnAnswered(error); });
}

template <typename Stream>
void Session<Stream>::OnAnswered(error_code error) {
  head_.clear();
  body_.clear();
  if (error || step_ == Step::kClosed) return Close();
  if (is_kept_) return AwaitRequest();
  if (parser_->is_done() && buffer_.size() == 0 && !kIsTls<Stream>) return Close();
  Linger();
}

template <typename Stream>
void Session<Stream>::Linger() {
  Enter(Step::kLingering, kLingerTimeout);
  if constexpr (kIsTls<Stream>) {
    // Sends close_notify and waits for the peer's, at most until the deadline.
    stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->Close(); });
  } else {
    error_code ignored;
    stream_.shutdown(Tcp::socket::shutdown_send, ignored);
    Discard();
  }
}

template <typename Stream>
void Session<Stream>::Discard() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = this->shared_from_this()](error_code error, size_t) {
                            if (error || self->step_ == Step::kClosed) return self->Close();
                            self->Discard();
                          });
}

template class Session<PlainStream>;
template class Session<TlsStream>;

}  // namespace convoyd
