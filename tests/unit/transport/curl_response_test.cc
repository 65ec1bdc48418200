// Responses of faulty receivers to the curl transport, on real sockets.
#include <atomic>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "lib/base/text.h"
#include "tests/unit/transport/receiver.h"
#include "tests/unit/transport/transport_driver.h"

namespace convoy {
namespace {

using testing::Answer;
using testing::Peer;
using testing::ReceivedRequest;
using testing::Receiver;
using testing::TransportDriver;

constexpr absl::Duration kShort = absl::Milliseconds(200);

TransportResult ResultOf(const Receiver::Behaviour& behaviour,
                         absl::Duration timeout = absl::Seconds(20),
                         uint64_t response_bytes_max = 1000) {
  const Receiver receiver(behaviour);
  TransportDriver driver;
  OutgoingRequest request = TransportDriver::Post(receiver.url());
  request.timeout = timeout;
  request.response_bytes_max = response_bytes_max;
  return driver.Exchange(std::move(request));
}

TransportResult ResultOf(const char* response) { return ResultOf(Answer(response)); }

TEST_CASE("curl_response: an answer is given as it came") {
  const std::string body("he\0lo", 5);
  const TransportResult result = ResultOf(
      Answer("HTTP/1.1 201 Made\r\nX-One: a\r\nx-two:  b c \r\nX-One: again\r\nX-Empty:\r\n"
             "Content-Length: 5\r\n\r\n" +
             body));
  CHECK(result.outcome == TransportOutcome::kResponse);
  CHECK(result.http_status == 201);
  CHECK(result.headers == Headers{{"X-One", "a"},
                                  {"x-two", "b c"},
                                  {"X-One", "again"},
                                  {"X-Empty", ""},
                                  {"Content-Length", "5"}});
  CHECK(result.body == body);
  CHECK(result.remote_ip == "127.0.0.1");
  CHECK(result.error.empty());
}

TEST_CASE("curl_response: phases are measured") {
  const auto behaviour = [](Peer& peer) {
    for (ReceivedRequest request; peer.Read(&request);) {
      absl::SleepFor(kShort);
      peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
      absl::SleepFor(kShort);
      peer.Write("ok");
    }
  };
  const Receiver receiver(behaviour);
  TransportDriver driver;
  for (const bool is_kept : {false, true}) {
    INFO("kept connection: " << is_kept);
    const TransportResult result = driver.Exchange(receiver.url());
    const PhaseTimings& phases = result.phases;
    CHECK(phases.first_byte >= kShort);
    CHECK(phases.first_byte < 2 * kShort);
    CHECK(result.elapsed >= 2 * kShort);
    CHECK(phases.tls == absl::ZeroDuration());
    if (!is_kept) CHECK(phases.connect > absl::ZeroDuration());
    CHECK(phases.name_lookup + phases.connect + phases.first_byte < result.elapsed);
  }
}

TEST_CASE("curl_response: a phase that does not end has no time") {
  const TransportResult result =
      ResultOf([](Peer& peer) { peer.WaitForClose(); }, /*timeout=*/kShort);
  CHECK(result.outcome == TransportOutcome::kTimedOut);
  CHECK(result.phases.first_byte == absl::ZeroDuration());
  CHECK(result.elapsed >= kShort);
}

TEST_CASE("curl_response: the end of the connection ends a body without a length") {
  const TransportResult result = ResultOf("HTTP/1.1 200 OK\r\n\r\nall of it");
  CHECK(result.outcome == TransportOutcome::kResponse);
  CHECK(result.body == "all of it");
}

TEST_CASE("curl_response: statuses without a body end there") {
  for (const int status : {204, 304}) {
    INFO(status);
    // A length on a 304 speaks of the body that is not sent.
    const TransportResult result = ResultOf([status](Peer& peer) {
      ReceivedRequest request;
      if (!peer.Read(&request)) return;
      peer.Write(absl::StrCat("HTTP/1.1 ", status, " X\r\n",
                              status == 304 ? "Content-Length: 10\r\n" : "", "\r\n"));
      peer.WaitForClose();
    });
    CHECK(result.outcome == TransportOutcome::kResponse);
    CHECK(result.http_status == status);
    CHECK(result.body.empty());
  }
}

TEST_CASE("curl_response: interim answers are passed over, their headers, too") {
  const TransportResult result = ResultOf(
      "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n"
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nX-Final: 1\r\nContent-Length: 2\r\n\r\nok");
  CHECK(result.outcome == TransportOutcome::kResponse);
  CHECK(result.http_status == 200);
  CHECK(result.headers == Headers{{"X-Final", "1"}, {"Content-Length", "2"}});
  CHECK(result.body == "ok");
}

TEST_CASE("curl_response: an interim answer alone is none") {
  for (const char* response :
       {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"}) {
    INFO(response);
    const TransportResult result = ResultOf(response);
    CHECK((result.outcome == TransportOutcome::kProtocolError || result.http_status == 101));
    CHECK_FALSE((result.http_status >= 200 && result.http_status < 300));
  }
}

TEST_CASE("curl_response: interim answers without end are cut off") {
  const TransportResult result = ResultOf([](Peer& peer) {
    ReceivedRequest request;
    if (!peer.Read(&request)) return;
    while (peer.Write("HTTP/1.1 102 Processing\r\nX-Wait: more\r\n\r\n")) {
    }
  });
  CHECK(result.outcome == TransportOutcome::kResponseTooLarge);
  CHECK(result.http_status == 0);
}

TEST_CASE("curl_response: redirects are answers, not invitations") {
  std::atomic<int> followed_count = 0;
  const Receiver target([&](Peer& peer) {
    ++followed_count;
    Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(peer);
  });
  for (const int status : {301, 302, 303, 307, 308}) {
    const TransportResult result =
        ResultOf(Answer(absl::StrCat("HTTP/1.1 ", status, " Moved\r\nLocation: ", target.url(),
                                     "\r\nContent-Length: 0\r\n\r\n")));
    CHECK(result.outcome == TransportOutcome::kResponse);
    CHECK(result.http_status == status);
  }
  CHECK(followed_count == 0);
}

TEST_CASE("curl_response: Retry-After reaches the caller whatever it says") {
  for (const char* value : {"120", "Fri, 01 May 2026 10:01:00 GMT", "-5", "whenever", ""}) {
    for (const int status : {429, 503}) {
      const TransportResult result = ResultOf(Answer(absl::StrCat(
          "HTTP/1.1 ", status, " Later\r\nRetry-After: ", value, "\r\nContent-Length: 0\r\n\r\n")));
      CHECK(result.outcome == TransportOutcome::kResponse);
      CHECK(result.http_status == status);
      CHECK(base::FindHeader(result.headers, "retry-after") == value);
    }
  }
}

TEST_CASE("curl_response: a receiver that never answers times out") {
  const auto silent = [](Peer& peer) { peer.WaitForClose(); };
  const TransportResult result = ResultOf(silent, kShort);
  CHECK(result.outcome == TransportOutcome::kTimedOut);
  CHECK(result.http_status == 0);
  CHECK(result.error == "timed out waiting for the response (200ms)");
  CHECK(result.elapsed >= kShort);
}

TEST_CASE("curl_response: an answer that came while the process stood still is taken in") {
  std::atomic<int> read_count = 0;
  const Receiver prompt([&](Peer& peer) {
    for (ReceivedRequest request; peer.Read(&request);) {
      ++read_count;
      peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  });
  const Receiver silent([&](Peer& peer) {
    ReceivedRequest request;
    if (peer.Read(&request)) ++read_count;
    peer.WaitForClose();
  });
  TransportDriver driver;
  for (int repeat = 0; repeat < 2; ++repeat) {  // the second time on a kept connection
    const size_t before = driver.results().size();
    for (const Receiver* receiver : {&prompt, &silent}) {
      OutgoingRequest request = TransportDriver::Post(receiver->url());
      request.timeout = kShort;
      driver.Send(std::move(request));
    }
    // Until the requests are written, and no further.
    const int wanted = 2 * (repeat + 1);
    const absl::Time end = absl::Now() + kShort;
    while (read_count < wanted && absl::Now() < end) driver.transport().Step();
    REQUIRE(read_count == wanted);
    absl::SleepFor(2 * kShort);
    driver.Run();
    REQUIRE(driver.results().size() == before + 2);
    CHECK(driver.results()[before].http_status == 200);
    CHECK(driver.results()[before].body == "ok");
    CHECK(driver.results()[before + 1].outcome == TransportOutcome::kTimedOut);
    CHECK(driver.results()[before + 1].error == "timed out waiting for the response (200ms)");
  }
}

TEST_CASE("curl_response: headers that trickle do not stretch the timeout") {
  const TransportResult result = ResultOf(
      [](Peer& peer) {
        ReceivedRequest request;
        if (!peer.Read(&request)) return;
        bool is_connected = peer.Write("HTTP/1.1 200 OK\r\n");
        while (is_connected) {
          absl::SleepFor(absl::Milliseconds(20));
          is_connected = peer.Write("X: 1\r\n");
        }
      },
      kShort);
  CHECK(result.outcome == TransportOutcome::kTimedOut);
  CHECK(result.http_status == 0);  // a head that does not end is no answer
  CHECK(result.error == "timed out reading the response head (200ms)");
}

TEST_CASE("curl_response: a body that trickles does not stretch the timeout") {
  const TransportResult result = ResultOf(
      [](Peer& peer) {
        ReceivedRequest request;
        if (!peer.Read(&request)) return;
        bool is_connected = peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n");
        while (is_connected) {
          absl::SleepFor(absl::Milliseconds(20));
          is_connected = peer.Write("x");
        }
      },
      kShort);
  CHECK(result.outcome == TransportOutcome::kTimedOut);
  CHECK(result.http_status == 200);
  CHECK(result.error == "timed out reading the response body (200ms)");
  CHECK(result.body.starts_with("x"));
}

TEST_CASE("curl_response: slowness within the timeout does no harm") {
  const TransportResult result = ResultOf([](Peer& peer) {
    ReceivedRequest request;
    if (!peer.Read(&request)) return;
    for (const char c : std::string("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")) {
      absl::SleepFor(absl::Milliseconds(2));
      peer.Write({&c, 1});
    }
  });
  CHECK(result.outcome == TransportOutcome::kResponse);
  CHECK(result.body == "yes");
}

TEST_CASE("curl_response: a connection that breaks is a protocol error") {
  const std::pair<const char*, Receiver::Behaviour> cases[] = {
      {"closes after accept", [](Peer&) {}},
      {"closes after the request",
       [](Peer& peer) {
         ReceivedRequest request;
         peer.Read(&request);
       }},
      {"closes in the status line", Answer("HTTP/1.1 20")},
      {"closes in the headers", Answer("HTTP/1.1 200 OK\r\nX-A: b\r\nX-")},
      {"closes in the body", Answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")},
      {"resets in the body",
       [](Peer& peer) {
         ReceivedRequest request;
         if (!peer.Read(&request)) return;
         peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
         peer.Reset();
       }},
      {"resets at once", [](Peer& peer) { peer.Reset(); }},
      {"resets after the request", [](Peer& peer) {
         ReceivedRequest request;
         peer.Read(&request);
         peer.Reset();
       }}};
  for (const auto& [name, behaviour] : cases) {
    INFO(name);
    const TransportResult result = ResultOf(behaviour);
    CHECK(result.outcome == TransportOutcome::kProtocolError);
    CHECK_FALSE(result.error.empty());
    CHECK(result.error.find('\n') == std::string::npos);
  }
}

TEST_CASE("curl_response: what is not HTTP is a protocol error") {
  for (const char* response :
       {"SSH-2.0-OpenSSH_9.2\r\n", "garbage", "\r\n\r\n\r\n", "<html>hello</html>",
        "HTTP/1.1 abc OK\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 99 X\r\n\r\n", "HTTP/1.1 2000 X\r\n\r\n", "http/1.1 200 ok\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"}) {
    INFO(response);
    const TransportResult result = ResultOf(response);
    CHECK(result.outcome == TransportOutcome::kProtocolError);
    CHECK_FALSE(result.error.empty());
  }
  CHECK(ResultOf(Answer(std::string(5000, '\0'))).outcome == TransportOutcome::kProtocolError);
}

TEST_CASE("curl_response: chunks are put together") {
  const TransportResult result = ResultOf(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=1\r\nabc\r\n0005\r\ndefgh\r\n0\r\nX-Trailer: 1\r\n\r\n");
  CHECK(result.outcome == TransportOutcome::kResponse);
  CHECK(result.body == "abcdefgh");
}

TEST_CASE("curl_response: chunks that are framed badly are a protocol error") {
  for (const char* chunks :
       {"zz\r\nabc\r\n0\r\n\r\n", "3\r\nabcdef\r\n0\r\n\r\n", "3\r\nab",
        "ffffffffffffffffff\r\nabc", "3\r\nabc\r\n", "-3\r\nabc\r\n0\r\n\r\n"}) {
    INFO(chunks);
    const TransportResult result = ResultOf(
        Answer(absl::StrCat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunks)));
    CHECK(result.outcome == TransportOutcome::kProtocolError);
  }
}

TEST_CASE("curl_response: no more of a body is read than was asked for") {
  const auto sized = [](size_t size) {
    return ResultOf(Answer(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", size, "\r\n\r\n",
                                        std::string(size, 'x'))));
  };
  CHECK(sized(1000).outcome == TransportOutcome::kResponse);
  CHECK(sized(1000).body.size() == 1000);
  const TransportResult larger = sized(1001);
  CHECK(larger.outcome == TransportOutcome::kResponseTooLarge);
  CHECK(larger.http_status == 200);
  CHECK(larger.body == std::string(1000, 'x'));
}

TEST_CASE("curl_response: a body without end is cut off, and so is the connection") {
  for (const char* framing : {"", "Content-Length: 9000000000000\r\n"}) {
    std::atomic<bool> has_client_gone = false;
    {
      const Receiver receiver([&](Peer& peer) {
        ReceivedRequest request;
        if (!peer.Read(&request)) return;
        peer.Write(absl::StrCat("HTTP/1.1 500 Oh\r\n", framing, "\r\n"));
        while (peer.Write(std::string(10'000, 'x'))) {
        }
        has_client_gone = true;
      });
      TransportDriver driver;
      OutgoingRequest request = TransportDriver::Post(receiver.url());
      request.response_bytes_max = 20'000;
      const TransportResult result = driver.Exchange(std::move(request));
      CHECK(result.outcome == TransportOutcome::kResponseTooLarge);
      CHECK(result.http_status == 500);
      CHECK(result.body.size() == 20'000);
      for (int i = 0; i < 1000 && !has_client_gone; ++i) absl::SleepFor(absl::Milliseconds(10));
      CHECK(has_client_gone);
    }
  }
}

TEST_CASE("curl_response: a compressed body is not unpacked") {
  const TransportResult result = ResultOf(
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\n\x1f\x8b\x08zip");
  CHECK(result.outcome == TransportOutcome::kResponse);
  CHECK(result.body == "\x1f\x8b\x08zip");
}

TEST_CASE("curl_response: headers are bounded in number and size") {
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10'000; ++i) absl::StrAppend(&many, "X-", i, ": 1\r\n");
  const std::string one = absl::StrCat("HTTP/1.1 200 OK\r\nX: ", std::string(90'000, 'a'), "\r\n");
  const std::string huge =
      absl::StrCat("HTTP/1.1 200 OK\r\nX: ", std::string(5'000'000, 'a'), "\r\n");
  for (const std::string& head : {many, one, huge}) {
    const TransportResult result =
        ResultOf(Answer(absl::StrCat(head, "Content-Length: 0\r\n\r\n")));
    CHECK(result.outcome == TransportOutcome::kResponseTooLarge);
    CHECK(result.http_status == 0);
    CHECK(result.headers.empty());
    CHECK(result.error == "the response head is too large");
  }
  const TransportResult most = ResultOf(Answer(absl::StrCat(
      "HTTP/1.1 200 OK\r\nX: ", std::string(60'000, 'a'), "\r\nContent-Length: 0\r\n\r\n")));
  CHECK(most.outcome == TransportOutcome::kResponse);
}

TEST_CASE("curl_response: an answer before the request was read counts") {
  const Receiver receiver([](Peer& peer) {
    peer.Write("HTTP/1.1 413 Too Much\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    peer.WaitForClose();
  });
  TransportDriver driver;
  const TransportResult result =
      driver.Exchange(TransportDriver::Post(receiver.url(), std::string(8'000'000, 'x')));
  CHECK(result.outcome == TransportOutcome::kResponse);
  CHECK(result.http_status == 413);
}

}  // namespace
}  // namespace convoy
