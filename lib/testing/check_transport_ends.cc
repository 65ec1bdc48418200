// Checks of how exchanges end: each once, at the right moment, with the outcome that decides about
// a retry.
#include <poll.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/testing/transport_requirements.h"

namespace convoy::testing {
namespace {

// Takes the request and says nothing.
HttpPeer::Behaviour Silence() {
  return [](HttpPeer& peer, PeerConnection& connection) {
    if (peer.Take(connection)) connection.AwaitEnd();
  };
}

// Answers the first request of a connection, and closes it.
HttpPeer::Behaviour AnswerAndClose(std::string answer) {
  return [answer = std::move(answer)](HttpPeer& peer, PeerConnection& connection) {
    if (peer.Take(connection)) connection.Write(answer);
  };
}

void CheckOnce(Expectations& expect, Transport& transport) {
  HttpPeer peer(HttpPeer::Answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  CONVOY_REQUIRE(peer.is_open());
  ExchangeDriver driver(transport);
  driver.Send(PostTo(peer.Url()));
  driver.Send(PostTo("no url at all"));
  driver.Send(PostTo(peer.Url()));
  for (size_t i = 0; i < 3; ++i) CONVOY_EXPECT(!driver.at(i).is_from_send);
  CONVOY_REQUIRE(driver.Run());
  for (int i = 0; i < 3; ++i) transport.Step();
  transport.Cancel();
  for (size_t i = 0; i < 3; ++i) CONVOY_EXPECT(driver.at(i).ends_count == 1);
}

void CheckTimeout(Expectations& expect, Transport& transport) {
  HttpPeer peer(Silence());
  CONVOY_REQUIRE(peer.is_open());
  const std::unique_ptr<Clock> clock = NewSystemClock();
  const absl::Time begin = clock->SteadyNow();
  OutgoingRequest request = PostTo(peer.Url());
  request.timeout = absl::Milliseconds(400);
  const TransportResult result = ExchangeOne(expect, transport, std::move(request));
  const absl::Duration elapsed = clock->SteadyNow() - begin;
  CONVOY_EXPECT(result.outcome == TransportOutcome::kTimedOut);
  CONVOY_EXPECT(result.http_status == 0);
  CONVOY_EXPECT(result.may_have_arrived);
  CONVOY_EXPECT(!result.error.empty());
  CONVOY_EXPECT(elapsed > absl::Milliseconds(300));
  CONVOY_EXPECT(elapsed < absl::Seconds(5));
}

// A peer that sends a little now and then does not win time with it.
void CheckDrip(Expectations& expect, Transport& transport) {
  HttpPeer peer([](HttpPeer& self, PeerConnection& connection) {
    if (!self.Take(connection)) return;
    if (!connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")) return;
    for (int i = 0; i < 60 && connection.Write("x"); ++i) absl::SleepFor(absl::Milliseconds(100));
  });
  CONVOY_REQUIRE(peer.is_open());
  OutgoingRequest request = PostTo(peer.Url());
  request.timeout = absl::Milliseconds(500);
  const TransportResult result = ExchangeOne(expect, transport, std::move(request));
  CONVOY_EXPECT(result.outcome == TransportOutcome::kTimedOut);
  CONVOY_EXPECT(result.http_status == 200);
}

void CheckTooLarge(Expectations& expect, Transport& transport) {
  constexpr size_t kBytesMax = 1000;
  const std::string body(300'000, 'x');
  for (const bool has_length : {true, false}) {
    const std::string length =
        has_length ? absl::StrCat("Content-Length: ", body.size(), "\r\n") : std::string();
    HttpPeer peer(AnswerAndClose(absl::StrCat("HTTP/1.1 200 OK\r\n", length, "\r\n", body)));
    CONVOY_REQUIRE(peer.is_open());
    OutgoingRequest request = PostTo(peer.Url());
    request.response_bytes_max = kBytesMax;
    const TransportResult result = ExchangeOne(expect, transport, std::move(request));
    CONVOY_EXPECT(result.outcome == TransportOutcome::kResponseTooLarge);
    CONVOY_EXPECT(result.http_status == 200);
    CONVOY_EXPECT(result.body.size() <= kBytesMax);
  }
}

void CheckNoListener(Expectations& expect, Transport& transport) {
  std::string url;
  {
    const HttpPeer peer(Silence());
    CONVOY_REQUIRE(peer.is_open());
    url = peer.Url();
  }
  const TransportResult result = ExchangeOne(expect, transport, PostTo(url));
  CONVOY_EXPECT(result.outcome == TransportOutcome::kConnectFailed);
  CONVOY_EXPECT(!result.may_have_arrived);
  CONVOY_EXPECT(result.error.find('\n') == std::string::npos && !result.error.empty());
}

void CheckBreakOff(Expectations& expect, Transport& transport) {
  HttpPeer peer([](HttpPeer& self, PeerConnection& connection) { self.Take(connection); });
  CONVOY_REQUIRE(peer.is_open());
  const TransportResult result = ExchangeOne(expect, transport, PostTo(peer.Url()));
  CONVOY_EXPECT(result.outcome == TransportOutcome::kProtocolError);
  CONVOY_EXPECT(result.http_status == 0);
  CONVOY_EXPECT(result.may_have_arrived);
  // The peer may have acted on the first.
  CONVOY_EXPECT(peer.requests().size() == 1);
}

void CheckNoHttp(Expectations& expect, Transport& transport) {
  HttpPeer peer(AnswerAndClose("220 mail.example ESMTP\r\n\r\n"));
  CONVOY_REQUIRE(peer.is_open());
  const TransportResult result = ExchangeOne(expect, transport, PostTo(peer.Url()));
  CONVOY_EXPECT(result.outcome == TransportOutcome::kProtocolError);
  CONVOY_EXPECT(result.http_status == 0);
}

void CheckCutShort(Expectations& expect, Transport& transport) {
  HttpPeer peer(AnswerAndClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"));
  CONVOY_REQUIRE(peer.is_open());
  const TransportResult result = ExchangeOne(expect, transport, PostTo(peer.Url()));
  CONVOY_EXPECT(result.outcome == TransportOutcome::kProtocolError);
  CONVOY_EXPECT(result.http_status == 200);
}

void CheckUrls(Expectations& expect, Transport& transport) {
  for (const char* const url :
       {"ftp://127.0.0.1/", "http://", "no url at all", "file:///etc/hosts"}) {
    const TransportResult result = ExchangeOne(expect, transport, PostTo(url));
    CONVOY_EXPECT(result.outcome == TransportOutcome::kInvalidUrl);
    CONVOY_EXPECT(!result.may_have_arrived);
  }
}

void CheckMail(Expectations& expect, Transport& transport) {
  std::string address;
  {
    const HttpPeer peer(Silence());
    CONVOY_REQUIRE(peer.is_open());
    address = peer.Url("").substr(std::string_view("http").size());
  }
  OutgoingRequest request = PostTo(absl::StrCat("smtp", address), "Subject: s\r\n\r\nt\r\n");
  request.mail =
      std::make_shared<const Mail>(Mail{.from = "a@example.com", .recipients = {"b@example.com"}});
  const TransportOutcome outcome = ExchangeOne(expect, transport, std::move(request)).outcome;
  CONVOY_EXPECT(outcome == TransportOutcome::kInvalidUrl ||
                outcome == TransportOutcome::kConnectFailed);
}

void CheckCancel(Expectations& expect, Transport& transport) {
  HttpPeer peer(Silence());
  CONVOY_REQUIRE(peer.is_open());
  ExchangeDriver driver(transport);
  for (int i = 0; i < 3; ++i) driver.Send(PostTo(peer.Url()));
  driver.Run(absl::Milliseconds(300));
  CONVOY_EXPECT(driver.ended_count() == 0);
  transport.Cancel();
  CONVOY_EXPECT(driver.ended_count() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CONVOY_EXPECT(driver.at(i).result.outcome == TransportOutcome::kCancelled);
  }
}

void CheckQuiet(Expectations& expect, Transport& transport) {
  HttpPeer peer(Silence());
  CONVOY_REQUIRE(peer.is_open());
  ExchangeDriver driver(transport);
  driver.Send(PostTo(peer.Url()));
  driver.Run(absl::Milliseconds(300));
  // Now there is nothing to do but to wait: a descriptor that is readable keeps a loop busy.
  int readable_count = 0;
  for (int i = 0; i < 20; ++i) {
    pollfd wake = {.fd = transport.wake_fd(), .events = POLLIN};
    if (poll(&wake, 1, 10) != 1) continue;
    ++readable_count;
    transport.Step();
  }
  CONVOY_EXPECT(readable_count <= 5);
  transport.Cancel();
}

constexpr TransportRequirement kRequirements[] = {
    {"a completion runs once, and not from within Send", CheckOnce},
    {"an exchange that takes too long times out", CheckTimeout},
    {"the time-out is for the whole exchange", CheckDrip},
    {"a response that is too large is cut off", CheckTooLarge},
    {"a port without a listener is a failed connection, and nothing was sent", CheckNoListener},
    {"a peer that breaks off is a protocol error, and is not asked again", CheckBreakOff},
    {"an answer that is no HTTP is a protocol error", CheckNoHttp},
    {"a body that is cut short is a protocol error, with its status", CheckCutShort},
    {"a URL that cannot be used is invalid, and nothing was sent", CheckUrls},
    {"an e-mail is sent, or is an invalid URL", CheckMail},
    {"cancelling ends every exchange at once", CheckCancel},
    {"the descriptor is quiet while there is nothing to do", CheckQuiet},
};

}  // namespace

std::span<const TransportRequirement> TransportEndRequirements() { return kRequirements; }

}  // namespace convoy::testing
