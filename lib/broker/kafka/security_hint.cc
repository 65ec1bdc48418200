// Told apart by librdkafka's texts. A connection that cannot be made at all has a text of its own;
// if librdkafka says no more than that brokers are down, they took connections and closed them.
#include "lib/broker/kafka/security_hint.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace convoy::kafka {
namespace {

bool IsClosedByPeer(std::string_view text) {
  return absl::StrContains(text, "brokers are down") || absl::StrContains(text, "Broken pipe") ||
         absl::StrContains(text, "Connection reset") || absl::StartsWith(text, "Disconnected") ||
         absl::StrContains(text, ": Disconnected: ");
}

std::string_view HintOf(std::string_view text, const Security& security) {
  if (security.has_tls && absl::StrContains(text, "PLAINTEXT broker listener")) {
    return "look at auth.tls: this port may be one without TLS";
  }
  if (security.has_login && absl::StrContains(text, "SASL state")) {
    return "look at auth.type: this port may be one without a login";
  }
  if (!IsClosedByPeer(text)) return {};
  if (!security.has_login && !security.has_tls) {
    return "connections are closed; look at auth: this port may want TLS (auth.tls) or a user and "
           "password (auth.type)";
  }
  if (!security.has_tls) return "connections are closed; look at auth.tls: this port may want TLS";
  if (!security.has_login) {
    return "connections are closed; look at auth.type: this port may want a user and password";
  }
  return {};
}

}  // namespace

Security SecurityOf(const KafkaConfig& config) {
  return {.has_login = config.mechanism != SaslMechanism::kNone, .has_tls = config.has_tls};
}

std::string WithSecurityHint(std::string_view text, const Security& security) {
  const std::string_view hint = HintOf(text, security);
  return hint.empty() ? std::string(text) : absl::StrCat(hint, " (", text, ")");
}

}  // namespace convoy::kafka
