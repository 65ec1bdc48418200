// Hints about the security settings of a source, for errors by which brokers do not say what is
// wrong: a port that wants TLS or a login closes the connection of a client that does not begin
// with it.
#pragma once

#include <string>
#include <string_view>

#include "convoy/model.h"

namespace convoy::kafka {

struct Security {
  bool has_login = false;  // SASL
  bool has_tls = false;
};

Security SecurityOf(const KafkaConfig& config);

// librdkafka's `text` with the settings to look at, if it may be about them; otherwise as it is.
std::string WithSecurityHint(std::string_view text, const Security& security);

}  // namespace convoy::kafka
