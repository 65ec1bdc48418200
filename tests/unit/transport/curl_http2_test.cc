// HTTP/2 of the curl transport with a real server: requests share a connection, and no request is
// written twice, whatever the server says of it.
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/support/python_server.h"
#include "tests/unit/transport/scripted_resolver.h"
#include "tests/unit/transport/transport_driver.h"

namespace convoy {
namespace {

using testing::PythonServer;
using testing::ScriptName;
using testing::TransportDriver;

const std::string kCertificates = absl::StrCat(CONVOY_TEST_DIR, "/unit/transport/certificates/");

CurlTransportOptions Options(bool has_http2 = true) {
  return {.allowed_networks = {"127.0.0.0/8"},
          .ca_file = kCertificates + "authority.crt",
          .has_http2 = has_http2};
}

struct Counts {
  int heads = 0, whole = 0, connections = 0;
};

class Http2Receiver {
 public:
  Http2Receiver()
      // The package is Debian's.
      : server_("unit/transport/http2_receiver.py",
                {kCertificates + "right.crt", kCertificates + "right.key"}, "/usr/bin/python3") {
    ScriptName("right.test", {{"127.0.0.1"}});
  }

  std::string url(std::string_view path) const {
    return absl::StrCat("https://right.test:", server_.port(), path);
  }

  // Asked by a transport of its own, which is one of the connections.
  Counts AskCounts() const {
    TransportDriver driver(Options());
    Counts counts;
    std::istringstream text(driver.Exchange(url("/counts")).body);
    text >> counts.heads >> counts.whole >> counts.connections;
    --counts.connections;
    return counts;
  }

 private:
  const PythonServer server_;
};

TEST_CASE("curl_http2: it is spoken where it is switched on and offered") {
  const Http2Receiver receiver;
  TransportDriver without(Options(/*has_http2=*/false));
  CHECK(without.Exchange(receiver.url("/ok")).body == "HTTP/1.1");
  TransportDriver with(Options());
  CHECK(with.Exchange(receiver.url("/ok")).body == "2 2");
  const TransportResult second = with.Exchange(receiver.url("/ok"));
  CHECK(second.body == "3 2");  // the same connection
  CHECK(second.headers.size() == 1);
  CHECK(second.http_status == 200);
}

TEST_CASE("curl_http2: requests share a connection, and none waits for another's answer") {
  const Http2Receiver receiver;
  TransportDriver driver(Options());
  REQUIRE(driver.Exchange(receiver.url("/ok")).http_status == 200);  // the connection is there
  constexpr int kWaiting = 20;
  for (int i = 0; i < kWaiting; ++i) driver.Send(TransportDriver::Post(receiver.url("/wait")));
  driver.Send(TransportDriver::Post(receiver.url("/go")));
  driver.Run();
  for (const TransportResult& result : driver.results()) CHECK(result.http_status == 200);
  const Counts counts = receiver.AskCounts();
  CHECK(counts.whole == kWaiting + 2);
  CHECK(counts.heads == counts.whole);
  CHECK(counts.connections == 1);
}

// More than windows of flow control hold at once, in both directions.
TEST_CASE("curl_http2: many requests and answers of all sizes pass through one connection") {
  const Http2Receiver receiver;
  TransportDriver driver(Options());
  REQUIRE(driver.Exchange(receiver.url("/ok")).http_status == 200);
  constexpr size_t kSizes[] = {0, 1, 1000, 16'384, 30'000, 100'000};
  constexpr int kRequests = 600;
  for (int i = 0; i < kRequests; ++i) {
    const size_t answer_size = kSizes[static_cast<size_t>(i) % std::size(kSizes)];
    OutgoingRequest request =
        TransportDriver::Post(receiver.url(absl::StrCat("/large/", answer_size)),
                              std::string(kSizes[static_cast<size_t>(i / 6) % 6], 'b'));
    request.response_bytes_max = 50'000;
    driver.Send(std::move(request));
    if (i % 40 == 39) driver.Run();
  }
  driver.Run();
  size_t whole_count = 0, capped_count = 0;
  for (const TransportResult& result : driver.results()) {
    REQUIRE(result.http_status == 200);
    whole_count += result.outcome == TransportOutcome::kResponse ? 1 : 0;
    capped_count += result.body.size() == 50'000 ? 1 : 0;
  }
  CHECK(whole_count == kRequests * 5 / 6 + 1);
  CHECK(capped_count == kRequests / 6);
  const Counts counts = receiver.AskCounts();
  CHECK(counts.heads == kRequests + 1);
  CHECK(counts.connections == 1);
}

// Requests that libcurl would send again by itself: each is one request, and one failure of an
// attempt.
TEST_CASE("curl_http2: a request that the server does not take is not written again") {
  struct Case {
    const char* path;
    int status;  // 0: no answer
  };
  const Case cases[] = {{"/refuse", 0},        {"/refuse-after-body", 0}, {"/http11", 0},
                        {"/goaway", 0},        {"/misdirected", 421},     {"/break", 0},
                        {"/goaway-after", 200}};
  for (const Case& expected : cases) {
    for (const bool is_kept : {false, true}) {
      for (const size_t body_size : {2u, 300'000u}) {
        INFO(expected.path << " kept " << is_kept << " body " << body_size);
        const Http2Receiver receiver;
        TransportDriver driver(Options());
        if (is_kept) REQUIRE(driver.Exchange(receiver.url("/ok")).http_status == 200);
        const TransportResult result = driver.Exchange(
            TransportDriver::Post(receiver.url(expected.path), std::string(body_size, 'b')));
        CHECK(result.http_status == expected.status);
        if (expected.status == 0) CHECK(result.outcome == TransportOutcome::kProtocolError);
        if (expected.status == 0) CHECK_FALSE(result.error.empty());
        if (body_size == 2u && std::string_view(expected.path).starts_with("/refuse")) {
          CHECK(result.error == "the receiver did not take the request on its HTTP/2 connection");
        }
        CHECK(receiver.AskCounts().heads == (is_kept ? 2 : 1));
        // The next one goes through.
        CHECK(driver.Exchange(receiver.url("/ok")).http_status == 200);
        CHECK(receiver.AskCounts().heads == (is_kept ? 3 : 2));
      }
    }
  }
}

// A connection that goes away takes many requests with it at once, some of which the server says
// it has not seen: those are failures, too, because libcurl is not asked to repeat anything.
TEST_CASE("curl_http2: requests written equal requests asked for, while connections go away") {
  const Http2Receiver receiver;
  TransportDriver driver(Options());
  const char* const paths[] = {"/ok", "/ok", "/refuse", "/ok", "/goaway", "/ok", "/break"};
  size_t sent_count = 0, answered_count = 0;
  for (int round = 0; round < 10; ++round) {
    for (const char* path : paths) {
      driver.Send(TransportDriver::Post(receiver.url(path)));
      ++sent_count;
    }
    driver.Run();
  }
  for (const TransportResult& result : driver.results()) {
    answered_count += result.http_status == 200 ? 1 : 0;
  }
  const Counts counts = receiver.AskCounts();
  WARN(sent_count << " sent, " << counts.heads << " heads received, " << answered_count
                  << " answered, " << counts.connections << " connections");
  CHECK(static_cast<size_t>(counts.heads) <= sent_count);
  CHECK(answered_count <= static_cast<size_t>(counts.whole));
  CHECK(answered_count > 0);
}

}  // namespace
}  // namespace convoy
