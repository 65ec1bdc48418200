// The spelling of enumerations on the wire and in the store. Spellings are permanent.
#pragma once

#include <optional>
#include <string_view>

#include "convoy/model.h"

namespace convoy::model {

std::string_view Name(ProjectType value);        // "incoming", "outgoing"
std::string_view Name(RetryStrategy value);      // "linear", "exponential"
std::string_view Name(Hash value);               // "SHA256", "SHA512"
std::string_view Name(Encoding value);           // "hex", "base64"
std::string_view Name(OAuth2Client value);       // "shared_secret", "client_assertion"
std::string_view Name(OAuth2Algorithm value);    // "RS256", "ES256"
std::string_view Name(ExpiryUnit value);         // "seconds", "milliseconds", "minutes", "hours"
std::string_view Name(EndpointStatus value);     // "active", "inactive", "paused"
std::string_view Name(StandardSignature value);  // "none", "v1", "v1a"
std::string_view Name(SourceType value);      // "http", "rest_api", "pub_sub", "db_change_stream"
std::string_view Name(Provider value);        // "", "github", "shopify", "twitter"
std::string_view Name(VerifyMode value);      // "enforce", "observe", "quarantine"
std::string_view Name(SaslMechanism value);   // "none", "plain", "scram_sha256", "scram_sha512"
std::string_view Name(MessageFormat value);   // "envelope", "raw"
std::string_view Name(MessageWrapper value);  // "none", "sns", "eventbridge"
std::string_view Name(HeldKind value);        // "quarantine", "dead_letter"
std::string_view Name(DeliveryMode value);    // "at_least_once", "at_most_once"
std::string_view Name(Role value);            // "instance_admin", "project_admin", "project_viewer"
std::string_view Name(PortalAuth value);      // "static_token", "refresh_token"
std::string_view Name(EventStatus value);  // "Pending", "Processing", "Success", "Failure", "Retry"
std::string_view Name(DeliveryStatus value);  // "Scheduled", "Processing", "Retry", "Success", …

// "sqs", "google", "kafka", "amqp", "outbox"; empty if there is none.
std::string_view BrokerTypeOf(const BrokerConfig& broker);

// The value with that spelling; nullopt if there is none. E.g. Parse<Hash>("SHA256").
template <typename Enum>
std::optional<Enum> Parse(std::string_view name);

}  // namespace convoy::model
