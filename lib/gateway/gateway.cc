// Gateway::Open: checks the options, fills in the default parts, composes.
#include "convoy/gateway.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "convoy/option_table.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/wipe.h"
#include "lib/dispatch/notifier.h"
#include "lib/gateway/embedded_gateway.h"
#include "lib/model/local_name.h"
#include "lib/storage/sealed_storage.h"
#include "lib/trace/context.h"

namespace convoy {
namespace {

absl::Status CheckMetrics(const GatewayOptions& options) {
  const std::string& token = options.metrics_token;
  if (options.metrics_access != MetricsAccess::kToken) {
    return token.empty() ? absl::OkStatus()
                         : absl::InvalidArgumentError(
                               "metrics_token is of no use unless metrics_access asks for it");
  }
  const bool is_visible =
      std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (token.size() < 16 || token.size() > 256 || !is_visible) {
    return absl::InvalidArgumentError("metrics_token must be 16 to 256 visible ASCII characters");
  }
  return absl::OkStatus();
}

absl::Status CheckMail(const GatewayOptions& options) {
  if (options.mail_server.empty()) {
    const bool is_clear =
        options.mail_from.empty() && options.mail_user.empty() && options.mail_password.empty();
    return is_clear ? absl::OkStatus()
                    : absl::InvalidArgumentError(
                          "mail_from, mail_user and mail_password are of no use without "
                          "mail_server");
  }
  if (!options.mail_server.starts_with("smtp://") && !options.mail_server.starts_with("smtps://")) {
    return absl::InvalidArgumentError("mail_server must start with smtp:// or smtps://");
  }
  if (options.mail_server.find_first_of("@ \t\r\n") != std::string::npos) {
    return absl::InvalidArgumentError("mail_server must hold a host and a port, and nothing else");
  }
  if (!dispatch::IsMailAddress(options.mail_from)) {
    return absl::InvalidArgumentError("mail_from must be an address such as hooks@example.com");
  }
  if (options.mail_user.empty() != options.mail_password.empty()) {
    return absl::InvalidArgumentError("mail_user and mail_password must be given together");
  }
  return absl::OkStatus();
}

absl::Status CheckOptions(const GatewayOptions& options) {
  if (!options.public_url.starts_with("http://") && !options.public_url.starts_with("https://")) {
    return absl::InvalidArgumentError("public_url must start with http:// or https://");
  }
  if (absl::Status status = CheckNumericOptions(options); !status.ok()) return status;
  for (const std::string& name : options.local_names) {
    if (model::IsLocalName(name) || (name == "*" && options.local_names.size() == 1)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "local_names: each must be ", model::kLocalNameRule, "; or \"*\" alone, for every name"));
  }
  for (const std::string& key : {options.secrets_key, options.former_secrets_key}) {
    if (!key.empty() && key.size() != crypto::kAeadKeyBytes) {
      return absl::InvalidArgumentError("secrets_key and former_secrets_key must have 32 bytes");
    }
  }
  if (options.secrets_key.empty() && !options.former_secrets_key.empty()) {
    return absl::InvalidArgumentError("former_secrets_key is of no use without secrets_key");
  }
  if (absl::Status status = CheckMail(options); !status.ok()) return status;
  if (auto status = trace::CheckTraceHeader(options.trace_header); !status.ok()) return status;
  return CheckMetrics(options);
}

// A gateway that delivers nothing still fetches keys and tokens.
uint32_t ConnectionsMaxOf(const GatewayOptions& options) {
  constexpr uint32_t kForFetches = 16;
  if (options.connections_max != 0) return options.connections_max;
  return options.in_flight_max == 0 ? kForFetches : options.in_flight_max;
}

absl::Status FillDefaults(const GatewayOptions& options, GatewayParts& parts) {
  if (parts.storage == nullptr) {
    return absl::InvalidArgumentError(
        "a gateway needs a storage: see OpenSqliteStorage and NewMemoryStorage");
  }
  if (parts.clock == nullptr) parts.clock = NewSystemClock();
  if (parts.random == nullptr) parts.random = NewSystemRandom();
  if (parts.observer == nullptr) parts.observer = std::make_shared<Observer>();
  if (parts.transport == nullptr) {
    auto transport = NewCurlTransport({.allowed_networks = options.allowed_networks,
                                       .connections_max = ConnectionsMaxOf(options),
                                       .ca_file = options.ca_file,
                                       .connection_idle_max = options.connection_idle_max,
                                       .connection_age_max = options.connection_age_max,
                                       .name_age_max = options.name_age_max,
                                       .proxy = options.delivery_proxy,
                                       .has_http2 = options.has_http2});
    if (!transport.ok()) return transport.status();
    parts.transport = *std::move(transport);
  }
  return absl::OkStatus();
}

// The keys are not kept.
absl::Status OpenSecrets(GatewayOptions& options, GatewayParts& parts) {
  auto opened = options.secrets_key.empty()
                    ? storage::KeepClear(std::move(parts.storage))
                    : storage::SealStorage(
                          std::move(parts.storage),
                          {.current = options.secrets_key, .former = options.former_secrets_key},
                          parts.random.get());
  crypto::Wipe(options.secrets_key);
  crypto::Wipe(options.former_secrets_key);
  if (!opened.ok()) return opened.status();
  parts.storage = *std::move(opened);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Open(GatewayOptions options, GatewayParts parts) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  // Paths begin with a slash themselves.
  while (options.public_url.ends_with('/')) options.public_url.pop_back();
  if (absl::Status status = FillDefaults(options, parts); !status.ok()) return status;
  if (absl::Status status = OpenSecrets(options, parts); !status.ok()) return status;
  auto wake = gateway::WakeFd::Open(parts.transport->wake_fd());
  if (!wake.ok()) return wake.status();
  auto host_wake = gateway::HostWake::Open((*wake)->fd());
  if (!host_wake.ok()) return host_wake.status();
  const std::string bytes_max = absl::StrCat(options.body_bytes_max);
  const LogField fields[] = {{"setting", "body_bytes_max"}, {"bytes_max", bytes_max}};
  parts.observer->Log(LogLevel::kDebug, "larger request bodies are refused as too large", fields);
  return std::make_unique<gateway::EmbeddedGateway>(std::move(options), std::move(parts),
                                                    *std::move(wake), *std::move(host_wake));
}

}  // namespace convoy
