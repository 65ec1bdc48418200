#include "lib/broker/kafka/security_hint.h"

#include <string>

#include <catch2/catch.hpp>

namespace convoy::kafka {
namespace {

constexpr Security kNothing;
constexpr Security kLogin{.has_login = true};
constexpr Security kTls{.has_tls = true};
constexpr Security kBoth{.has_login = true, .has_tls = true};

TEST_CASE("security_hint: a connection that is closed without a word points to what is not set") {
  for (const char* text : {"1/1 brokers are down", "h:1/bootstrap: Send failed: Broken pipe",
                           "h:1/1: Disconnected: connection closed by peer"}) {
    INFO(text);
    const std::string end = std::string(" (") + text + ")";
    CHECK(WithSecurityHint(text, kNothing) ==
          "connections are closed; look at auth: this port may want TLS (auth.tls) or a user and "
          "password (auth.type)" +
              end);
    CHECK(WithSecurityHint(text, kLogin) ==
          "connections are closed; look at auth.tls: this port may want TLS" + end);
    CHECK(WithSecurityHint(text, kTls) ==
          "connections are closed; look at auth.type: this port may want a user and password" +
              end);
    CHECK(WithSecurityHint(text, kBoth) == text);
  }
}

TEST_CASE("security_hint: what librdkafka guesses is said in the words of the settings") {
  const std::string plain =
      "SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?";
  for (const Security& security : {kTls, kBoth}) {
    CHECK(WithSecurityHint(plain, security) ==
          "look at auth.tls: this port may be one without TLS (" + plain + ")");
  }
  const std::string state = "handshake failed: Broker: Request not valid in current SASL state";
  CHECK(WithSecurityHint(state, kLogin) ==
        "look at auth.type: this port may be one without a login (" + state + ")");
}

TEST_CASE("security_hint: other errors are left alone") {
  for (const char* text :
       {"Connect to ipv4#127.0.0.1:1 failed: Connection refused", "Failed to resolve 'h:1'",
        "Local: Timed out", "", "SSL handshake failed: certificate verify failed"}) {
    for (const Security& security : {kNothing, kLogin, kTls, kBoth}) {
      CHECK(WithSecurityHint(text, security) == text);
    }
  }
}

}  // namespace
}  // namespace convoy::kafka
