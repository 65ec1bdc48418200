// Framing of requests: where one ends and what is refused, however its bytes are cut.
#include "examples/convoyd/framing.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

using convoyd::FramingLimits;
using convoyd::RequestParser;
using Stage = RequestParser::Stage;

namespace {

constexpr uint64_t kBodyMax = 1000;

// Grants what it is allowed to, and remembers how much that was at most.
class SomeMemory final : public convoyd::BodyMemory {
 public:
  explicit SomeMemory(uint64_t most = 1 << 20) : most_(most) {}
  bool Grow(uint64_t held, uint64_t wanted) override {
    CHECK(held == granted_);
    if (wanted > most_) return false;
    granted_ = wanted;
    return true;
  }
  uint64_t granted() const { return granted_; }

 private:
  const uint64_t most_;
  uint64_t granted_ = 0;
};

struct Outcome {
  int status = 0;  // 200: a request; 0: more is needed
  std::string body;
  size_t taken = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  bool is_kept = false;
};

Outcome ParseIn(std::string_view bytes, size_t piece, const FramingLimits& limits = {},
                uint64_t memory_max = 1 << 20) {
  SomeMemory memory(memory_max);
  RequestParser parser(&limits, &memory);
  Outcome outcome;
  while (outcome.taken < bytes.size()) {
    const size_t taken = parser.Feed(bytes.substr(outcome.taken, piece));
    outcome.taken += taken;
    if (parser.stage() == Stage::kHeadRead) parser.AcceptBody(kBodyMax);
    if (parser.stage() == Stage::kFailed) {
      outcome.status = parser.error().status;
      return outcome;
    }
    if (parser.stage() == Stage::kDone) break;
    REQUIRE(taken > 0);
  }
  if (parser.stage() != Stage::kDone) return outcome;
  outcome.status = 200;
  outcome.body = parser.body();
  outcome.is_kept = parser.is_kept_alive();
  for (const auto& header : parser.headers()) {
    outcome.headers.emplace_back(header.name, header.value);
  }
  return outcome;
}

// The status, which must not depend on how the bytes are cut.
int StatusOf(std::string_view bytes, const FramingLimits& limits = {}) {
  const int whole = ParseIn(bytes, bytes.size(), limits).status;
  for (const size_t piece : {1, 2, 3, 7}) CHECK(ParseIn(bytes, piece, limits).status == whole);
  return whole;
}

std::string Get(std::string_view headers) {
  return absl::StrCat("GET /healthz HTTP/1.1\r\nHost: x\r\n", headers, "\r\n");
}

std::string Chunked(std::string_view body) {
  return absl::StrCat("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", body);
}

}  // namespace

TEST_CASE("framing: requests are read to their end and not beyond") {
  const std::string sized = "POST /p?q HTTP/1.1\r\nHost: x:80\r\nContent-Length: 5\r\n\r\nhello";
  const std::string chunked = Chunked("3;a=\"b\"\r\nabc\r\n002\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n");
  for (const std::string& request :
       {Get(""), Get("A: b\r\nEmpty:\r\n"), sized, chunked, absl::StrCat("\r\n", sized)}) {
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{5}, size_t{1000}}) {
      CAPTURE(request, piece);
      const Outcome outcome = ParseIn(absl::StrCat(request, "GET /next"), piece);
      CHECK(outcome.status == 200);
      CHECK(outcome.taken == request.size());
      CHECK(outcome.is_kept);
    }
  }
  CHECK(ParseIn(sized, 4).body == "hello");
  CHECK(ParseIn(chunked, 4).body == "abcde");
  const auto headers = ParseIn(Get("A: \t b c \t\r\n"), 4).headers;
  REQUIRE(headers.size() == 2);
  CHECK(headers[1] == std::pair<std::string, std::string>("A", "b c"));
  CHECK(ParseIn(chunked, 4).headers.size() == 2);  // no trailer among them
}

TEST_CASE("framing: a request that is not whole is not a request") {
  const std::string request = Chunked("3\r\nabc\r\n0\r\n\r\n");
  for (size_t size = 1; size < request.size(); ++size) {
    CHECK(StatusOf(std::string_view(request).substr(0, size)) == 0);
  }
}

TEST_CASE("framing: a body has one framing") {
  const auto post = [](std::string_view headers, std::string_view version = "1.1") {
    return StatusOf(
        absl::StrCat("POST /p HTTP/", version, "\r\nHost: x\r\n", headers, "\r\n0\r\n\r\n"));
  };
  CHECK(post("Transfer-Encoding: chunked\r\n") == 200);
  CHECK(post("transfer-encoding:CHUNKED \r\n") == 200);
  for (const std::string_view coding :
       {"gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "xchunked",
        "chunked;q=1", "\"chunked\"", "chunked,", ",chunked", "chunkedx", "", "chun ked",
        "\x0b"
        "chunked"}) {
    CAPTURE(coding);
    CHECK(post(absl::StrCat("Transfer-Encoding: ", coding, "\r\n")) == 400);
    CHECK(post(absl::StrCat("Transfer-Encoding: ", coding, "\r\nContent-Length: 5\r\n")) == 400);
  }
  CHECK(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") == 400);
  CHECK(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") == 400);
  CHECK(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(post("Transfer-Encoding : chunked\r\n") == 400);
  CHECK(post("Transfer-Encoding: chunked\r\n", "1.0") == 400);
  CHECK(post("Content-Length: 5\r\n") == 200);
  for (const std::string_view length :
       {"+5", "-5", "0x5", "5, 5", "5 5", "", "5;", "five", "5\x0b"}) {
    CAPTURE(length);
    CHECK(post(absl::StrCat("Content-Length: ", length, "\r\n")) == 400);
  }
  CHECK(post("Content-Length: 5\r\nContent-Length: 5\r\n") == 400);
  CHECK(post("Content-Length: 1001\r\n") == 413);
  CHECK(post("Content-Length: 99999999999999999999999999\r\n") == 413);
}

TEST_CASE("framing: one Host, and a valid one") {
  const auto get = [](std::string_view headers, std::string_view version = "1.1") {
    return StatusOf(absl::StrCat("GET / HTTP/", version, "\r\n", headers, "\r\n"));
  };
  CHECK(get("") == 400);
  CHECK(get("Host: a\r\nHost: a\r\n") == 400);
  CHECK(get("Host: a\r\nX: y\r\nhost: b\r\n") == 400);
  CHECK(get("Host: a b\r\n") == 400);
  CHECK(get("Host: a/b\r\n") == 400);
  CHECK(get("Host: a,b\r\n") == 400);
  CHECK(get("Host: u@a\r\n") == 400);
  CHECK(get("Host:\r\n") == 200);
  CHECK(get("Host: [::1]:80\r\n") == 200);
  CHECK(get("", "1.0") == 200);
  CHECK(get("Host: a\r\nHost: a\r\n", "1.0") == 400);
}

TEST_CASE("framing: lines end with CRLF and are not folded") {
  CHECK(StatusOf(Get("A: b\r\n c\r\n")) == 400);
  CHECK(StatusOf(Get("A: b\r\n\tc\r\n")) == 400);
  CHECK(StatusOf(Get(" A: b\r\n")) == 400);
  CHECK(StatusOf(Get("A: b\n")) == 400);
  CHECK(StatusOf(Get("A: b\rC: d\r\n")) == 400);
  CHECK(StatusOf(Get("A: b\r\r\n")) == 400);
  CHECK(StatusOf(std::string_view("GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", 36)) == 400);
  CHECK(StatusOf("GET / HTTP/1.1\nHost: x\n\n") == 400);
  CHECK(StatusOf("GET / HTTP/1.1\r\nHost: x\r\n\n") == 400);
  CHECK(StatusOf("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(StatusOf("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  for (const std::string_view header : {"A b: c", ": c", "A", "A\x7f: b", "A(: b", "\xc3\xa4: b"}) {
    CAPTURE(header);
    CHECK(StatusOf(Get(absl::StrCat(header, "\r\n"))) == 400);
  }
}

TEST_CASE("framing: the request line is method, target, version") {
  const auto line = [](std::string_view text) {
    return StatusOf(absl::StrCat(text, "\r\nHost: x\r\n\r\n"));
  };
  CHECK(line("GET / HTTP/1.1") == 200);
  CHECK(line("GET / HTTP/1.9") == 200);
  CHECK(line("GET / HTTP/2.0") == 505);
  for (const std::string_view text :
       {"GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET /a b HTTP/1.1", "GET /",
        "GET / http/1.1", "GET / HTTP/1.10", "GET / HTTP/1", "GET\t/ HTTP/1.1", "G(T / HTTP/1.1",
        "GET /\x7f HTTP/1.1", "GET / HTTP/11", "nonsense"}) {
    CAPTURE(text);
    CHECK(line(text) == 400);
  }
}

TEST_CASE("framing: chunks are what they say") {
  for (const std::string_view body :
       {"3\r\nabcd\r\n0\r\n\r\n", "g\r\n", "-1\r\n", "+3\r\nabc\r\n", "0x3\r\nabc\r\n",
        "3 \r\nabc\r\n", " 3\r\nabc\r\n", "3\nabc\r\n", "3\r\nabc\n", "\r\n", "3\r\nabc0\r\n\r\n",
        "3;a\rb\r\nabc\r\n", "3 a\r\nabc\r\n", "00000000000000000\r\n\r\n",
        "0\r\nnot a trailer\r\n\r\n", "0\r\nX: a\n\r\n", "0\r\n X: a\r\n\r\n"}) {
    CAPTURE(body);
    CHECK(StatusOf(Chunked(body)) == 400);
  }
  CHECK(StatusOf(Chunked("3e9\r\n")) == 413);
  CHECK(StatusOf(Chunked("ffffffffffffffff\r\n")) == 413);
  std::string pieces;
  for (int chunk = 0; chunk < 11; ++chunk) {
    absl::StrAppend(&pieces, "64\r\n", std::string(100, 'x'), "\r\n");
  }
  CHECK(StatusOf(Chunked(pieces)) == 413);
}

TEST_CASE("framing: everything around a body is bounded") {
  const FramingLimits limits{.request_line_bytes_max = 100,
                             .head_bytes_max = 200,
                             .headers_max = 5,
                             .chunk_extension_bytes_max = 50,
                             .trailer_bytes_max = 60};
  const std::string much(1000, 'x');
  CHECK(StatusOf(absl::StrCat("GET /", much, " HTTP/1.1\r\n"), limits) == 414);
  CHECK(StatusOf(absl::StrCat("GET /", much), limits) == 414);
  CHECK(StatusOf(absl::StrCat("GET / HTTP/1.1\r\nA: ", much), limits) == 431);
  CHECK(StatusOf(Get("A: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\n"), limits) == 431);
  CHECK(StatusOf(Chunked(absl::StrCat("1;", much)), limits) == 400);
  std::string extensions;
  for (int chunk = 0; chunk < 20; ++chunk) absl::StrAppend(&extensions, "1;a=b\r\nx\r\n");
  CHECK(StatusOf(Chunked(extensions), limits) == 400);
  CHECK(StatusOf(Chunked(absl::StrCat("0\r\nX: ", much)), limits) == 431);
  std::string trailers = "0\r\n";
  for (int line = 0; line < 20; ++line) absl::StrAppend(&trailers, "A: b\r\n");
  CHECK(StatusOf(Chunked(trailers), limits) == 431);
}

TEST_CASE("framing: a body takes the memory it needs, and 503 is the answer without") {
  const std::string request = absl::StrCat(
      "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n", std::string(900, 'x'));
  CHECK(ParseIn(request, 50, {}, 900).status == 200);
  CHECK(ParseIn(request, 50, {}, 899).status == 503);
}

TEST_CASE("framing: what is kept does not grow with what is sent around a body") {
  const FramingLimits limits;
  SomeMemory memory;
  RequestParser parser(&limits, &memory);
  std::string_view head = "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(parser.Feed(head) == head.size());
  parser.AcceptBody(kBodyMax);
  size_t sent = 0;
  while (parser.stage() == Stage::kBody && sent < 100'000'000)
    sent += parser.Feed("1;abc\r\nx\r\n");
  CHECK(parser.stage() == Stage::kFailed);
  CHECK(memory.granted() <= kBodyMax);
  CHECK(sent < 20'000);
}

TEST_CASE("framing: connections are kept as HTTP says") {
  const auto is_kept = [](std::string_view version, std::string_view connection) {
    return ParseIn(absl::StrCat("GET / HTTP/", version, "\r\nHost: x\r\nConnection: ", connection,
                                "\r\n\r\n"),
                   1000)
        .is_kept;
  };
  CHECK(is_kept("1.1", "keep-alive"));
  CHECK(is_kept("1.1", "x"));
  CHECK_FALSE(is_kept("1.1", "x, Close"));
  CHECK_FALSE(is_kept("1.0", "x"));
  CHECK(is_kept("1.0", "Keep-Alive"));
}
