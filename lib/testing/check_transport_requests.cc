// Checks of what a transport writes to a peer, and of the responses that it reads.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

#include "lib/base/text.h"
#include "lib/testing/transport_requirements.h"

namespace convoy::testing {
namespace {

constexpr std::string_view kEmptyAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

// Values of the headers of a head that have the name, whatever its case.
std::vector<std::string> ValuesOf(std::string_view head, std::string_view name) {
  std::vector<std::string> values;
  for (const std::string_view line : absl::StrSplit(head, "\r\n")) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (!absl::EqualsIgnoreCase(line.substr(0, colon), name)) continue;
    values.emplace_back(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
  return values;
}

void CheckRequest(Expectations& expect, Transport& transport) {
  HttpPeer peer(HttpPeer::Answers(std::string(kEmptyAnswer)));
  CONVOY_REQUIRE(peer.is_open());
  std::string body(70'000, 'x');
  for (size_t i = 0; i < 256; ++i) body[i] = static_cast<char>(i);
  OutgoingRequest request = PostTo(peer.Url("/a%20b/c?d=e&f=%2F"), body);
  request.method = "PUT";
  request.headers = {{"Content-Type", "application/octet-stream"}, {"X-One", "two three"}};
  const TransportResult result = ExchangeOne(expect, transport, request);
  CONVOY_REQUIRE(result.outcome == TransportOutcome::kResponse);
  CONVOY_EXPECT(result.http_status == 200);
  const std::vector<PeerRequest> arrived = peer.requests();
  CONVOY_REQUIRE(arrived.size() == 1);
  CONVOY_EXPECT(absl::StartsWith(arrived[0].head, "PUT /a%20b/c?d=e&f=%2F HTTP/1.1\r\n"));
  for (const Header& header : request.headers) {
    CONVOY_EXPECT_SAME(ValuesOf(arrived[0].head, header.name), {header.value});
  }
  CONVOY_EXPECT(ValuesOf(arrived[0].head, "Host").size() == 1);
  CONVOY_EXPECT(arrived[0].body == body);
}

void CheckRequestWithoutBody(Expectations& expect, Transport& transport) {
  HttpPeer peer(HttpPeer::Answers(std::string(kEmptyAnswer)));
  CONVOY_REQUIRE(peer.is_open());
  OutgoingRequest request;
  request.method = "GET";
  request.url = peer.Url("/keys");
  const TransportResult result = ExchangeOne(expect, transport, std::move(request));
  CONVOY_EXPECT(result.outcome == TransportOutcome::kResponse);
  const std::vector<PeerRequest> arrived = peer.requests();
  CONVOY_REQUIRE(arrived.size() == 1);
  CONVOY_EXPECT(absl::StartsWith(arrived[0].head, "GET /keys HTTP/1.1\r\n"));
}

void CheckResponse(Expectations& expect, Transport& transport) {
  HttpPeer peer(
      HttpPeer::Answers("HTTP/1.1 418 I am\r\nContent-Length: 5\r\nX-One: two "
                        "three\r\nRetry-After: 7\r\n\r\nab\ncd"));
  CONVOY_REQUIRE(peer.is_open());
  const TransportResult result = ExchangeOne(expect, transport, PostTo(peer.Url()));
  CONVOY_EXPECT(result.outcome == TransportOutcome::kResponse);
  CONVOY_EXPECT(result.http_status == 418);
  CONVOY_EXPECT(result.body == "ab\ncd");
  CONVOY_EXPECT(base::FindHeader(result.headers, "x-one") == "two three");
  CONVOY_EXPECT(base::FindHeader(result.headers, "retry-after") == "7");
  CONVOY_EXPECT(result.remote_ip == "127.0.0.1");
  CONVOY_EXPECT(result.error.empty());
}

void CheckForms(Expectations& expect, Transport& transport) {
  struct Form {
    std::string_view answer;
    int status;
    std::string_view body;
  };
  const Form forms[] = {
      {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
       200, "abcde"},
      {"HTTP/1.0 200 OK\r\n\r\nto the end", 200, "to the end"},
      {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: "
       "1\r\n\r\nx",
       201, "x"},
  };
  for (const Form& form : forms) {
    HttpPeer peer([&form](HttpPeer& self, PeerConnection& connection) {
      if (self.Take(connection)) connection.Write(form.answer);
    });
    CONVOY_REQUIRE(peer.is_open());
    const TransportResult result = ExchangeOne(expect, transport, PostTo(peer.Url()));
    CONVOY_EXPECT(result.outcome == TransportOutcome::kResponse);
    CONVOY_EXPECT(result.http_status == form.status);
    CONVOY_EXPECT_SAME({result.body}, {std::string(form.body)});
  }
}

void CheckPieces(Expectations& expect, Transport& transport) {
  HttpPeer peer([](HttpPeer& self, PeerConnection& connection) {
    if (!self.Take(connection)) return;
    for (const std::string_view piece :
         {"HTTP/1.1 2", "00 OK\r\nContent-Le", "ngth: 4\r\n\r", "\nab", "cd"}) {
      connection.Write(piece);
      absl::SleepFor(absl::Milliseconds(20));
    }
  });
  CONVOY_REQUIRE(peer.is_open());
  const TransportResult result = ExchangeOne(expect, transport, PostTo(peer.Url()));
  CONVOY_EXPECT(result.outcome == TransportOutcome::kResponse);
  CONVOY_EXPECT(result.body == "abcd");
}

void CheckRedirect(Expectations& expect, Transport& transport) {
  HttpPeer target(HttpPeer::Answers(std::string(kEmptyAnswer)));
  HttpPeer peer(HttpPeer::Answers(absl::StrCat("HTTP/1.1 307 Elsewhere\r\nLocation: ", target.Url(),
                                               "\r\nContent-Length: 0\r\n\r\n")));
  CONVOY_REQUIRE(peer.is_open() && target.is_open());
  const TransportResult result = ExchangeOne(expect, transport, PostTo(peer.Url()));
  CONVOY_EXPECT(result.outcome == TransportOutcome::kResponse);
  CONVOY_EXPECT(result.http_status == 307);
  CONVOY_EXPECT(target.requests().empty());
}

void CheckManyAtOnce(Expectations& expect, Transport& transport) {
  constexpr size_t kCount = 8;
  static constexpr absl::Duration kAnswerTime = absl::Milliseconds(400);
  HttpPeer peer([](HttpPeer& self, PeerConnection& connection) {
    PeerRequest request;
    while (self.Take(connection, &request)) {
      absl::SleepFor(kAnswerTime);
      connection.Write(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", request.body.size(),
                                    "\r\n\r\n", request.body));
    }
  });
  CONVOY_REQUIRE(peer.is_open());
  const std::unique_ptr<Clock> clock = NewSystemClock();
  const absl::Time begin = clock->SteadyNow();
  ExchangeDriver driver(transport);
  for (size_t i = 0; i < kCount; ++i) driver.Send(PostTo(peer.Url(), absl::StrCat("body ", i)));
  CONVOY_EXPECT(driver.Run());
  CONVOY_EXPECT(clock->SteadyNow() - begin < kAnswerTime * kCount * 3 / 4);
  for (size_t i = 0; i < kCount; ++i) {
    CONVOY_EXPECT(driver.at(i).result.body == absl::StrCat("body ", i));
  }
}

void CheckManyInTurn(Expectations& expect, Transport& transport) {
  HttpPeer peer(HttpPeer::Answers(std::string(kEmptyAnswer)));
  CONVOY_REQUIRE(peer.is_open());
  constexpr size_t kCount = 50;
  for (size_t i = 0; i < kCount; ++i) {
    const TransportResult result = ExchangeOne(expect, transport, PostTo(peer.Url()));
    CONVOY_REQUIRE(result.outcome == TransportOutcome::kResponse);
  }
  CONVOY_EXPECT(peer.requests().size() == kCount);
}

constexpr TransportRequirement kRequirements[] = {
    {"a request arrives as it was given, once", CheckRequest},
    {"a request without a body arrives", CheckRequestWithoutBody},
    {"a response comes back as it was given", CheckResponse},
    {"each form of a response is understood", CheckForms},
    {"a response that comes in pieces is put together", CheckPieces},
    {"a redirect is a response, and is not followed", CheckRedirect},
    {"exchanges go on beside each other", CheckManyAtOnce},
    {"one exchange after the other works", CheckManyInTurn},
};

}  // namespace

std::span<const TransportRequirement> TransportRequestRequirements() { return kRequirements; }

}  // namespace convoy::testing
