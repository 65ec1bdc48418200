// Life cycle of a connection as a chain of asynchronous steps:
//
//   AwaitRequest → Read/Parse (head) → AcceptHead → Read/Parse (body) → Ask → Answer → AwaitRequest
//
// Requests that the head alone decides (too large, unknown link, wrong key, a path that is not
// served) are answered before a byte of the body is read. Each step has its time; a request that
// does not arrive in it is answered with 408.
#include "examples/convoyd/session.h"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "absl/strings/match.h"
#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>

#include "examples/convoyd/wire.h"

namespace convoyd {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

// An idle connection keeps little: most requests fit into the first read all the same.
constexpr size_t kIdleBufferBytes = 2 * 1024;
constexpr size_t kReadBytes = 16 * 1024;
// Largest response that is not counted among the bodies in memory.
constexpr size_t kSmallAnswerBytes = 64 * 1024;
constexpr std::chrono::seconds kLingerTimeout{2};
// The spans in which the least rate must be kept: senders may stall for a moment, and readers for
// longer, because they may be busy with what they have read.
constexpr std::chrono::seconds kBodySpan{10};
constexpr std::chrono::seconds kAnswerSpan{30};

constexpr std::string_view kNothingHere =
    "there is nothing at this path: providers post to /ingest/{mask_id}, the REST API is below "
    "/api/v1/projects";

template <typename Stream>
constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;

}  // namespace

template <typename Stream>
Session<Stream>::Session(Stream stream, SessionOwner* owner, convoy::Gateway* gateway,
                         const SessionOptions& options, std::unique_ptr<ConnectionPlace> place)
    : stream_(std::move(stream)),
      owner_(owner),
      gateway_(gateway),
      options_(options),
      place_(std::move(place)) {
  error_code ignored;
  auto& socket = stream_.lowest_layer();
  socket.set_option(Tcp::no_delay(true), ignored);
  const auto peer = socket.remote_endpoint(ignored);
  if (!ignored) remote_ip_ = peer.address().to_string();
}

template <typename Stream>
void Session<Stream>::Start() {
  if constexpr (kIsTls<Stream>) {
    Enter(Step::kHandshaking, options_.head_timeout);
    stream_.async_handshake(net::ssl::stream_base::server,
                            [self = this->shared_from_this()](error_code error) {
                              if (error || self->step_ == Step::kClosed) return self->Close();
                              self->Begin();
                            });
  } else {
    Begin();
  }
}

template <typename Stream>
void Session<Stream>::Begin() {
  if (place_ != nullptr) return AwaitRequest();
  parser_.emplace(&options_.framing, static_cast<BodyMemory*>(this));
  Refuse(503, "no room for another connection");
}

// ---- Time

template <typename Stream>
void Session<Stream>::Enter(Step step, std::chrono::milliseconds timeout) {
  if (step_ == Step::kClosed) return;
  step_ = step;
  deadline_ = std::chrono::steady_clock::now() + timeout;
  span_end_ = SteadyTime::max();
  if (place_ == nullptr) return;
  place_->Enter(PhaseOf(step));
}

template <typename Stream>
ConnectionPhase Session<Stream>::PhaseOf(Step step) const {
  switch (step) {
    case Step::kIdle:
      return has_answered_ ? ConnectionPhase::kIdle : ConnectionPhase::kNew;
    case Step::kHandshaking:  // as good as a head
    case Step::kReadingHead:
      return ConnectionPhase::kReadingHead;
    default:
      return ConnectionPhase::kBusy;
  }
}

template <typename Stream>
void Session<Stream>::StartRate(SteadyTime now, std::chrono::seconds span) {
  span_ = span;
  span_end_ = now + span;
  span_bytes_ = 0;
}

template <typename Stream>
bool Session<Stream>::IsTooSlow(SteadyTime now) {
  if (now < span_end_) return false;
  if (span_bytes_ < uint64_t{options_.rate_bytes_per_s_min} * span_.count()) return true;
  StartRate(now, span_);
  return false;
}

template <typename Stream>
void Session<Stream>::CheckDeadline(SteadyTime now) {
  const bool is_reading = step_ == Step::kReadingHead || step_ == Step::kReadingBody;
  if (now < deadline_ && !(is_reading && now >= request_deadline_) && !IsTooSlow(now)) return;
  // Without a read under way it is being told to go on: there is no second write beside that.
  if (is_reading && is_reading_) return Refuse(408, "the request took too long to arrive");
  Close();
}

template <typename Stream>
void Session<Stream>::Drain() {
  if (step_ == Step::kIdle || step_ == Step::kHandshaking) Close();
}

template <typename Stream>
void Session<Stream>::Evict() {
  const bool is_request_under_way = step_ == Step::kReadingBody || step_ == Step::kAsking ||
                                    step_ == Step::kAnswering || step_ == Step::kLingering;
  if (!is_request_under_way) return Close();
  is_kept_ = false;
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

template <typename Stream>
void Session<Stream>::AwaitRequest() {
  if (owner_->is_draining() && unread_.empty()) return Close();
  parser_.emplace(&options_.framing, static_cast<BodyMemory*>(this));
  if (!unread_.empty()) {
    Enter(Step::kReadingHead, options_.head_timeout);
    request_deadline_ = std::chrono::steady_clock::now() + options_.read_timeout;
    return Parse();
  }
  Enter(Step::kIdle, options_.idle_timeout);
  if (buffer_.size() != kIdleBufferBytes) buffer_ = std::vector<char>(kIdleBufferBytes);
  Read();
}

template <typename Stream>
void Session<Stream>::Read() {
  is_reading_ = true;
  stream_.async_read_some(net::buffer(buffer_),
                          [self = this->shared_from_this()](error_code error, size_t size) {
                            self->OnRead(error, size);
                          });
}

template <typename Stream>
void Session<Stream>::OnRead(error_code error, size_t size) {
  is_reading_ = false;
  if (error || step_ == Step::kClosed) return Close();
  if (step_ == Step::kAnswering) return;  // it was refused while it was being read
  if (step_ == Step::kLingering) {
    if (!kIsTls<Stream>) Read();
    return;
  }
  unread_ = std::string_view(buffer_.data(), size);
  span_bytes_ += size;
  if (step_ == Step::kIdle) {
    Enter(Step::kReadingHead, options_.head_timeout);
    request_deadline_ = std::chrono::steady_clock::now() + options_.read_timeout;
  }
  Parse();
}

template <typename Stream>
void Session<Stream>::Parse() {
  using Stage = RequestParser::Stage;
  while (true) {
    unread_.remove_prefix(parser_->Feed(unread_));
    if (parser_->stage() == Stage::kHeadRead && !AcceptHead()) return;
    if (parser_->stage() == Stage::kFailed) {
      return Refuse(parser_->error().status, parser_->error().text);
    }
    if (parser_->stage() == Stage::kDone) return Ask();
    if (unread_.empty()) break;
  }
  if (buffer_.size() != kReadBytes) buffer_ = std::vector<char>(kReadBytes);
  ContinueIfExpected();
}

template <typename Stream>
bool Session<Stream>::AcceptHead() {
  is_kept_ = parser_->is_kept_alive() && !owner_->is_draining();
  const auto target = SplitTarget(parser_->target());
  if (!target.has_value()) {
    Refuse(400, "malformed request target");
    return false;
  }
  path_ = target->path;
  query_ = target->query;

  convoy::HeadDecision decision = gateway_->InspectHead(MakeRequest());
  if (decision.is_declined) decision.refusal = TextResponse(404, kNothingHere);
  const uint64_t length = parser_->content_length().value_or(0);
  if (!decision.refusal.has_value() && length > decision.body_bytes_max) {
    decision.refusal = gateway_->RefuseTooLarge(MakeRequest());
  }
  if (decision.refusal.has_value()) {
    if (decision.refusal->status == 413) owner_->CountRefusal(413, "");
    is_kept_ = is_kept_ && parser_->content_length() == 0u;
    Answer(*std::move(decision.refusal));
    return false;
  }
  parser_->AcceptBody(decision.body_bytes_max);
  if (parser_->stage() == RequestParser::Stage::kBody) {
    Enter(Step::kReadingBody, options_.read_timeout);
    StartRate(std::chrono::steady_clock::now(), kBodySpan);
  }
  return true;
}

template <typename Stream>
void Session<Stream>::ContinueIfExpected() {
  // Once for each request, and not to a peer that sends its body without waiting.
  const bool is_expected = step_ == Step::kReadingBody && parser_->expects_continue() &&
                           head_.empty() && parser_->body().empty();
  if (!is_expected) return Read();
  head_ = "HTTP/1.1 100 Continue\r\n\r\n";
  net::async_write(stream_, net::buffer(head_),
                   [self = this->shared_from_this()](error_code error, size_t) {
                     if (error || self->step_ == Step::kClosed) return self->Close();
                     if (self->step_ == Step::kReadingBody) self->Read();
                   });
}

// ---- Answering

template <typename Stream>
convoy::HttpRequest Session<Stream>::MakeRequest() const {
  return {.method = parser_->method(),
          .path = path_,
          .query = query_,
          .headers = parser_->headers(),
          .body = parser_->body(),
          .remote_ip = remote_ip_};
}

template <typename Stream>
void Session<Stream>::Ask() {
  // The gateway's own patience decides here; a drain bounds it.
  Enter(Step::kAsking, options_.read_timeout);
  deadline_ = SteadyTime::max();
  self_ = this->shared_from_this();
  const bool is_handled =
      gateway_->HandleAsync(MakeRequest(), [this](convoy::HttpResponse response) {
        net::dispatch(stream_.get_executor(), [this, response = std::move(response)]() mutable {
          const auto self = std::move(self_);
          if (path_ == "/metrics" && response.status == 200) owner_->AddMetrics(response);
          Answer(std::move(response));
        });
      });
  if (is_handled) return;
  const auto self = std::move(self_);
  Answer(TextResponse(404, kNothingHere));
}

template <typename Stream>
void Session<Stream>::Refuse(int status, std::string_view text) {
  const bool is_head_read = !path_.empty();
  owner_->CountRefusal(status, status == 413 && is_head_read ? "" : text);
  is_kept_ = false;
  Answer(status == 413 && is_head_read ? gateway_->RefuseTooLarge(MakeRequest())
         : status == 503               ? convoy::Gateway::OverloadedResponse()
                                       : TextResponse(status, text));
}

template <typename Stream>
void Session<Stream>::Answer(convoy::HttpResponse response) {
  if (step_ == Step::kClosed) return;
  Enter(Step::kAnswering, options_.read_timeout);
  StartRate(std::chrono::steady_clock::now(), kAnswerSpan);
  is_kept_ = is_kept_ && !owner_->is_draining();
  for (const convoy::Header& header : response.headers) {
    if (absl::EqualsIgnoreCase(header.name, "Connection") &&
        absl::EqualsIgnoreCase(header.value, "close")) {
      is_kept_ = false;
    }
  }
  if (response.body.size() > kSmallAnswerBytes && !Grow(0, response.body.size())) {
    owner_->CountRefusal(503, "no memory for an answer");
    response = convoy::Gateway::OverloadedResponse();
    is_kept_ = false;
  }
  head_ = ResponseHead(response, is_kept_);
  const bool has_body = HasBody(parser_->method(), response.status);
  body_ = has_body ? std::move(response.body) : std::string();
  written_ = 0;
  Write();
}

template <typename Stream>
void Session<Stream>::Write() {
  const size_t of_head = std::min(written_, head_.size());
  const std::array<net::const_buffer, 2> rest{net::buffer(head_) + of_head,
                                              net::buffer(body_) + (written_ - of_head)};
  stream_.async_write_some(rest, [self = this->shared_from_this()](error_code error, size_t size) {
    if (error || self->step_ == Step::kClosed) return self->Close();
    self->written_ += size;
    self->span_bytes_ += size;
    if (self->written_ < self->head_.size() + self->body_.size()) return self->Write();
    self->OnAnswered();
  });
}

template <typename Stream>
void Session<Stream>::OnAnswered() {
  head_.clear();
  body_ = {};
  has_answered_ = true;
  if (place_ != nullptr) place_->ReleaseMemory();
  if (is_kept_) return AwaitRequest();
  const bool is_all_read =
      parser_->stage() == RequestParser::Stage::kDone && unread_.empty() && !is_reading_;
  if (is_all_read && !kIsTls<Stream>) return Close();
  Linger();
}

template <typename Stream>
void Session<Stream>::Linger() {
  parser_.reset();
  Enter(Step::kLingering, kLingerTimeout);
  if constexpr (kIsTls<Stream>) {
    // Sends close_notify and waits for the peer's, at most until the deadline.
    stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->Close(); });
  } else {
    error_code ignored;
    stream_.shutdown(Tcp::socket::shutdown_send, ignored);
    if (buffer_.empty()) buffer_ = std::vector<char>(kIdleBufferBytes);
    if (!is_reading_) Read();
  }
}

template class Session<PlainStream>;
template class Session<TlsStream>;

}  // namespace convoyd
