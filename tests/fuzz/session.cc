// Connections of convoyd: what a peer sends and when, and what comes back.
//
// Input: a byte of flags, a byte for the size of the pieces, then what the peer sends. The same
// bytes are sent whole and in pieces, over a real socket, to a gateway that answers each request
// with its method, path and length. Promises that are checked: what comes back is a sequence of
// whole responses, of which none follows one that says it is the last; the peer that has finished
// is answered and let go; a session ends, and nothing of it is left; pieces make no difference.
#include "examples/convoyd/session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "convoy/gateway.h"
#include "examples/convoyd/wire.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"

namespace convoy {

// The gateway itself stays away: convoyd needs OpenSSL's headers, and this needs no store.
HttpResponse Gateway::OverloadedResponse() { return convoyd::TextResponse(503, "overloaded"); }

}  // namespace convoy

namespace convoy::fuzz {
namespace {

using convoyd::ConnectionTable;
using convoyd::PlainStream;
using Session = convoyd::Session<PlainStream>;

constexpr uint8_t kAnswersLater = 1;
constexpr uint8_t kHasLittleMemory = 2;
constexpr uint8_t kIsEvicted = 4;  // after the first piece
constexpr uint8_t kIsDrained = 8;  // after the first piece
constexpr int kPollsMax = 10'000;

// Takes every path that begins with /ok, with bodies up to 64 bytes; refuses /no by its head.
class EchoGateway final : public Gateway {
 public:
  explicit EchoGateway(bool answers_later) : answers_later_(answers_later) {}

  absl::StatusOr<std::string> Bootstrap() override { return absl::UnimplementedError("echo"); }
  HeadDecision InspectHead(const HttpRequest& head) override {
    HeadDecision decision{.body_bytes_max = 64};
    decision.is_declined = !head.path.starts_with("/ok") && !head.path.starts_with("/no");
    if (head.path.starts_with("/no")) decision.refusal = convoyd::TextResponse(401, "no");
    return decision;
  }
  HttpResponse RefuseTooLarge(const HttpRequest&) override {
    return convoyd::TextResponse(413, "too large");
  }
  std::optional<HttpResponse> Handle(const HttpRequest& request) override {
    Require(request.body.size() <= 64, "a body is not larger than it may be");
    return convoyd::TextResponse(
        200, absl::StrCat(request.method, " ", request.path, " ", request.body.size()));
  }
  bool HandleAsync(const HttpRequest& request, std::function<void(HttpResponse)> done) override {
    Require(request.path.starts_with("/ok"), "what is refused by its head is not asked");
    HttpResponse response = *Handle(request);
    if (!answers_later_) {
      done(std::move(response));
    } else {
      Require(later_ == nullptr, "one request at a time");
      later_ = [done = std::move(done), response = std::move(response)] { done(response); };
    }
    return true;
  }
  bool CallAsync(const HttpRequest&, std::function<void(HttpResponse)>) override { return false; }
  bool RefuseOverloadedAsync(const HttpRequest&, std::function<void(HttpResponse)> done) override {
    done(OverloadedResponse());
    return true;
  }
  absl::StatusOr<Receipt> Ingest(HostEvent) override { return absl::UnimplementedError("echo"); }
  void IngestAsync(HostEvent, std::function<void(absl::StatusOr<Receipt>)>) override {}
  std::optional<HttpResponse> Call(const HttpRequest&) override { return std::nullopt; }
  absl::StatusOr<std::vector<LocalDelivery>> TakeLocal(std::string_view, size_t,
                                                       absl::Duration) override {
    return absl::UnimplementedError("echo");
  }
  absl::Status FinishLocal(uint64_t, LocalOutcome) override {
    return absl::UnimplementedError("echo");
  }
  std::optional<HostOutcome> NextOutcome() override { return std::nullopt; }
  uint64_t dropped_outcomes_count() const override { return 0; }
  size_t Poll(size_t) override { return 0; }
  absl::StatusOr<absl::Time> Step() override { return absl::InfiniteFuture(); }
  int wake_fd() const override { return -1; }
  absl::Status Start() override { return absl::OkStatus(); }
  absl::Status Close(absl::Duration) override { return absl::OkStatus(); }

  // Whether there was one to give.
  bool AnswerNow() {
    if (later_ == nullptr) return false;
    std::exchange(later_, nullptr)();
    return true;
  }

 private:
  const bool answers_later_;
  std::function<void()> later_;
};

class Owner final : public convoyd::SessionOwner {
 public:
  void RemoveSession(convoyd::SessionBase*) override { session.reset(); }
  bool is_draining() const override { return is_drained; }
  void CountRefusal(int status, std::string_view) override {
    Require(status >= 400 && status <= 505, "a refusal has a status");
  }
  void AddMetrics(HttpResponse&) const override {}

  std::shared_ptr<Session> session;
  bool is_drained = false;
};

// One connection, with the peer's end of it.
class Connection {
 public:
  explicit Connection(uint8_t flags)
      : flags_(flags),
        gateway_((flags & kAnswersLater) != 0),
        table_({.body_memory_bytes_max = (flags & kHasLittleMemory) != 0 ? 16u : 1u << 20,
                .body_memory_per_address_bytes_max = 1 << 20}) {
    int ends[2];
    Require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "there are sockets");
    peer_ = ends[0];
    PlainStream stream(context_);
    stream.assign(boost::asio::ip::tcp::v4(), ends[1]);
    const convoyd::SessionOptions options{.framing = {.request_line_bytes_max = 128,
                                                      .head_bytes_max = 512,
                                                      .headers_max = 8,
                                                      .chunk_extension_bytes_max = 32,
                                                      .trailer_bytes_max = 64}};
    owner_.session = std::make_shared<Session>(std::move(stream), &owner_, &gateway_, options,
                                               table_.Reserve("peer"));
    session_ = owner_.session;
    owner_.session->Start();
    GoOn();
  }
  ~Connection() { close(peer_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Send(std::string_view piece) {
    while (!piece.empty()) {
      const ssize_t sent = send(peer_, piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) break;  // it has closed
      piece.remove_prefix(static_cast<size_t>(sent));
      GoOn();
    }
    if (pieces_count_++ > 0 || owner_.session == nullptr) return;
    if ((flags_ & kIsEvicted) != 0) owner_.session->Evict();
    owner_.is_drained = (flags_ & kIsDrained) != 0;
    if (owner_.is_drained && owner_.session != nullptr) owner_.session->Drain();
    GoOn();
  }

  // The peer has finished; what it was answered.
  std::string Finish() {
    shutdown(peer_, SHUT_WR);
    GoOn();
    if (const auto session = session_.lock()) {
      session->CheckDeadline(std::chrono::steady_clock::now() + std::chrono::hours(1));
    }
    GoOn();
    if (const auto session = session_.lock()) session->Close();
    GoOn();
    Require(owner_.session == nullptr && session_.expired(), "a session ends");
    Require(table_.counts().connections == 0 && table_.counts().body_memory_bytes == 0,
            "a session gives back what it held");
    return std::move(answers_);
  }

 private:
  void GoOn() {
    for (int polls = 0;; ++polls) {
      Require(polls < kPollsMax, "a session does not spin");
      context_.restart();
      const size_t done_count = context_.poll();
      const bool has_answered = gateway_.AnswerNow();
      if (!Receive() && done_count == 0 && !has_answered) return;
    }
  }

  bool Receive() {
    char buffer[4096];
    const ssize_t size = recv(peer_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size <= 0) return false;
    answers_.append(buffer, static_cast<size_t>(size));
    return true;
  }

  const uint8_t flags_;
  EchoGateway gateway_;
  ConnectionTable table_;
  boost::asio::io_context context_{1};
  Owner owner_;
  std::weak_ptr<Session> session_;
  int peer_ = -1;
  int pieces_count_ = 0;
  std::string answers_;
};

// The statuses of the responses. Where the peer may have asked for heads alone, bodies are not
// looked for, and only the first is read.
std::vector<int> StatusesOf(std::string_view answers, bool may_lack_bodies) {
  std::vector<int> statuses;
  bool is_over = false;
  while (!answers.empty()) {
    Require(!is_over, "nothing follows the last response");
    const size_t end = answers.find("\r\n\r\n");
    Require(answers.starts_with("HTTP/1.1 ") && end != std::string_view::npos,
            "a response has a head");
    const std::string_view head = answers.substr(0, end + 2);
    int status = 0;
    Require(absl::SimpleAtoi(head.substr(9, 3), &status), "a response has a status");
    answers.remove_prefix(end + 4);
    if (status == 100) continue;
    statuses.push_back(status);
    if (may_lack_bodies) break;
    is_over = head.find("\r\nConnection: close\r\n") != std::string_view::npos;
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const size_t length_at = head.find(kLength);
    size_t length = 0;
    if (length_at != std::string_view::npos) {
      const std::string_view number = head.substr(length_at + kLength.size());
      Require(absl::SimpleAtoi(number.substr(0, number.find('\r')), &length), "a length");
    }
    Require(length <= answers.size(), "a response is whole");
    answers.remove_prefix(length);
  }
  return statuses;
}

std::vector<int> Run(std::string_view bytes, uint8_t flags, size_t piece) {
  Connection connection(flags);
  for (size_t at = 0; at < bytes.size(); at += piece) connection.Send(bytes.substr(at, piece));
  return StatusesOf(connection.Finish(), bytes.find("HEAD") != std::string_view::npos);
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace convoy::fuzz;
  Input input(data, size);
  const uint8_t flags = input.Byte();
  const size_t piece = 1 + input.Byte() % 64;
  const std::string_view bytes = input.Rest();
  const std::vector<int> whole = Run(bytes, flags, std::max<size_t>(bytes.size(), 1));
  const std::vector<int> pieces = Run(bytes, flags, piece);
  // When it is let go, and when memory is asked for, depends on what has been read by then.
  if ((flags & (kHasLittleMemory | kIsEvicted | kIsDrained)) == 0) {
    Require(whole == pieces, "pieces make no difference");
  }
  return 0;
}
