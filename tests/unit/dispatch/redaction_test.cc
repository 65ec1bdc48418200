#include "lib/dispatch/redaction.h"

#include <catch2/catch.hpp>

namespace convoy::dispatch {
namespace {

TEST_CASE("redaction: the endpoint's key and the well-known credentials keep only their names") {
  const Headers headers = {{"X-Tenant", "acme"},
                           {"x-secret-KEY", "k"},
                           {"authorization", "Bearer t"},
                           {"Proxy-Authorization", "Basic x"},
                           {"COOKIE", "a=1"},
                           {"Cookie", "b=2"},
                           {"X-Convoy-Signature", "t=1"},
                           {"X-Authorization", "kept"}};
  CHECK(RedactHeaders(headers, ApiKeyAuth{"X-Secret-Key", "k"}) ==
        Headers{{"X-Tenant", "acme"},
                {"x-secret-KEY", "[redacted]"},
                {"authorization", "[redacted]"},
                {"Proxy-Authorization", "[redacted]"},
                {"COOKIE", "[redacted]"},
                {"Cookie", "[redacted]"},
                {"X-Convoy-Signature", "t=1"},
                {"X-Authorization", "kept"}});
  CHECK(RedactHeaders({{"X-Secret-Key", "k"}}, {}) == Headers{{"X-Secret-Key", "k"}});
  CHECK(RedactHeaders({{"Authorization", "Basic x"}}, BasicAuth{"u", "p"}) ==
        Headers{{"Authorization", "[redacted]"}});
}

TEST_CASE(
    "redaction: the place of an access token is shown, which takes that of a sender's header") {
  CHECK(RedactHeaders({{"AUTHORIZATION", "of the sender"}, {"X-A", "1"}}, OAuth2Auth{}) ==
        Headers{{"X-A", "1"}, {"Authorization", "[redacted]"}});
}

}  // namespace
}  // namespace convoy::dispatch
