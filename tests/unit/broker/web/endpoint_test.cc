#include "lib/broker/web/endpoint.h"

#include <catch2/catch.hpp>

namespace convoy::broker {
namespace {

TEST_CASE("endpoint: scheme, authority and path") {
  const auto endpoint = ParseEndpoint("https://sqs.example.com:8443/behind/", "f").value();
  CHECK(endpoint.scheme == "https");
  CHECK(endpoint.authority == "sqs.example.com:8443");
  CHECK(endpoint.path == "/behind");
  CHECK(endpoint.UrlOf("/v1") == "https://sqs.example.com:8443/behind/v1");
  CHECK(ParseEndpoint("http://localhost", "f").value().UrlOf("/") == "http://localhost/");
}

TEST_CASE("endpoint: what is not a plain URL is refused with the field's name") {
  for (const char* url : {"", "example.com", "ftp://example.com", "https://", "https:///path",
                          "https://user:secret@example.com", "https://example.com/?a=b",
                          "https://example.com/#x", "https://exa mple.com", "https://a\r\nb",
                          "https://example.com/%2e", "HTTPS://example.com", "https://a\\b"}) {
    INFO(url);
    const auto refused = ParseEndpoint(url, "sqs.endpoint");
    REQUIRE(refused.status().code() == absl::StatusCode::kInvalidArgument);
    CHECK(refused.status().message().starts_with("sqs.endpoint "));
    CHECK(refused.status().message().find("secret") == std::string_view::npos);
  }
}

TEST_CASE("endpoint: this machine by its name") {
  const auto is_loopback = [](const char* url) {
    return IsLoopback(ParseEndpoint(url, "f").value());
  };
  CHECK(is_loopback("http://localhost:8085"));
  CHECK(is_loopback("http://127.0.0.1"));
  CHECK(is_loopback("http://[::1]:8085"));
  CHECK_FALSE(is_loopback("http://localhost.example.com"));
  CHECK_FALSE(is_loopback("http://127.0.0.1.example.com:80"));
  CHECK_FALSE(is_loopback("http://10.0.0.1"));
}

}  // namespace
}  // namespace convoy::broker
