#include "lib/broker/amqp/errors.h"

#include <catch2/catch.hpp>

namespace convoy::broker::amqp {
namespace {

absl::StatusCode CodeFor(int code, Phase phase, std::string_view text = "why") {
  return ServerError(code, text, "doing", phase, "secret").code();
}

TEST_CASE("errors: a reply code says whose turn it is") {
  CHECK(CodeFor(403, Phase::kLogin) == absl::StatusCode::kUnauthenticated);
  CHECK(CodeFor(403, Phase::kOpen) == absl::StatusCode::kPermissionDenied);
  CHECK(CodeFor(404, Phase::kOpen) == absl::StatusCode::kNotFound);
  CHECK(CodeFor(405, Phase::kOpen) == absl::StatusCode::kPermissionDenied);
  CHECK(CodeFor(530, Phase::kLogin, "NOT_ALLOWED - vhost x not found") ==
        absl::StatusCode::kNotFound);
  CHECK(CodeFor(530, Phase::kLogin, "NOT_ALLOWED - access to vhost refused") ==
        absl::StatusCode::kPermissionDenied);
  for (const int code : {200, 312, 320, 402, 406, 501, 504, 541, 0, 65535}) {
    CHECK(CodeFor(code, Phase::kOpen) == absl::StatusCode::kUnavailable);
  }
}

TEST_CASE("errors: the broker's words are quoted in one line of bounded length") {
  CHECK(ServerError(404, "NOT_FOUND - no queue 'q'", "cannot use queue q", Phase::kOpen, "")
            .message() == "cannot use queue q: NOT_FOUND - no queue 'q'");
  CHECK(OneLine("a\r\nb\tc\x7F") == "a??b?c?");
  CHECK(OneLine("h\xC3\xA4") == "h\xC3\xA4");
  CHECK(OneLine("h\xE4\xE4") == "h??");
  CHECK(OneLine(std::string(1000, 'x')).size() == 200);
  CHECK(OneLine("") == "");
}

TEST_CASE("errors: a broker that repeats the password is not quoted") {
  const absl::Status status =
      ServerError(403, "no user with password s3cret", "cannot log in", Phase::kLogin, "s3cret");
  CHECK(status.message() == "cannot log in: error 403");
}

TEST_CASE("errors: what librabbitmq gives up for is a broker that is away") {
  for (int status = -1; status > -0x15; --status) {
    const absl::Status error = LibraryError(status, "lost rabbit:5672");
    CHECK(error.code() == absl::StatusCode::kUnavailable);
    CHECK(error.message().substr(0, 18) == "lost rabbit:5672: ");
    CHECK(error.message().size() > 20);
  }
  CHECK(LibraryError(AMQP_STATUS_HEARTBEAT_TIMEOUT, "lost").message() ==
        "lost: the broker is silent");
  CHECK(LibraryError(AMQP_STATUS_BAD_AMQP_DATA, "lost").message() ==
        "lost: what came back is not AMQP 0-9-1");
}

}  // namespace
}  // namespace convoy::broker::amqp
