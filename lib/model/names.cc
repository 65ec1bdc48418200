// Names of enumerations: one table each, for both directions.
#include "lib/model/names.h"

#include <array>
#include <iterator>
#include <utility>
#include <variant>

namespace convoy::model {
namespace {

template <typename Enum, size_t kCount>
using Table = std::array<std::pair<Enum, std::string_view>, kCount>;

constexpr Table<ProjectType, 2> kProjectTypes = {
    {{ProjectType::kIncoming, "incoming"}, {ProjectType::kOutgoing, "outgoing"}}};
constexpr Table<RetryStrategy, 2> kRetryStrategies = {
    {{RetryStrategy::kLinear, "linear"}, {RetryStrategy::kExponential, "exponential"}}};
constexpr Table<Hash, 2> kHashes = {{{Hash::kSha256, "SHA256"}, {Hash::kSha512, "SHA512"}}};
constexpr Table<Encoding, 2> kEncodings = {
    {{Encoding::kHex, "hex"}, {Encoding::kBase64, "base64"}}};
constexpr Table<OAuth2Client, 2> kOAuth2Clients = {
    {{OAuth2Client::kSharedSecret, "shared_secret"},
     {OAuth2Client::kClientAssertion, "client_assertion"}}};
constexpr Table<OAuth2Algorithm, 2> kOAuth2Algorithms = {
    {{OAuth2Algorithm::kRs256, "RS256"}, {OAuth2Algorithm::kEs256, "ES256"}}};
constexpr Table<ExpiryUnit, 4> kExpiryUnits = {{{ExpiryUnit::kSeconds, "seconds"},
                                                {ExpiryUnit::kMilliseconds, "milliseconds"},
                                                {ExpiryUnit::kMinutes, "minutes"},
                                                {ExpiryUnit::kHours, "hours"}}};
constexpr Table<EndpointStatus, 3> kEndpointStatuses = {{{EndpointStatus::kActive, "active"},
                                                         {EndpointStatus::kInactive, "inactive"},
                                                         {EndpointStatus::kPaused, "paused"}}};
constexpr Table<StandardSignature, 3> kStandardSignatures = {{{StandardSignature::kNone, "none"},
                                                              {StandardSignature::kV1, "v1"},
                                                              {StandardSignature::kV1a, "v1a"}}};
constexpr Table<SourceType, 4> kSourceTypes = {{{SourceType::kHttp, "http"},
                                                {SourceType::kRestApi, "rest_api"},
                                                {SourceType::kPubSub, "pub_sub"},
                                                {SourceType::kDbChangeStream, "db_change_stream"}}};
constexpr Table<VerifyMode, 3> kVerifyModes = {{{VerifyMode::kEnforce, "enforce"},
                                                {VerifyMode::kObserve, "observe"},
                                                {VerifyMode::kQuarantine, "quarantine"}}};
constexpr Table<SaslMechanism, 4> kSaslMechanisms = {
    {{SaslMechanism::kNone, "none"},
     {SaslMechanism::kPlain, "plain"},
     {SaslMechanism::kScramSha256, "scram_sha256"},
     {SaslMechanism::kScramSha512, "scram_sha512"}}};
constexpr Table<MessageFormat, 2> kMessageFormats = {
    {{MessageFormat::kEnvelope, "envelope"}, {MessageFormat::kRaw, "raw"}}};
constexpr Table<MessageWrapper, 3> kMessageWrappers = {
    {{MessageWrapper::kNone, "none"},
     {MessageWrapper::kSns, "sns"},
     {MessageWrapper::kEventBridge, "eventbridge"}}};
constexpr Table<HeldKind, 2> kHeldKinds = {
    {{HeldKind::kQuarantine, "quarantine"}, {HeldKind::kDeadLetter, "dead_letter"}}};
constexpr Table<Provider, 4> kProviders = {{{Provider::kNone, ""},
                                            {Provider::kGithub, "github"},
                                            {Provider::kShopify, "shopify"},
                                            {Provider::kTwitter, "twitter"}}};
constexpr Table<DeliveryMode, 2> kDeliveryModes = {
    {{DeliveryMode::kAtLeastOnce, "at_least_once"}, {DeliveryMode::kAtMostOnce, "at_most_once"}}};
constexpr Table<Role, 3> kRoles = {{{Role::kInstanceAdmin, "instance_admin"},
                                    {Role::kProjectAdmin, "project_admin"},
                                    {Role::kProjectViewer, "project_viewer"}}};
constexpr Table<PortalAuth, 2> kPortalAuths = {
    {{PortalAuth::kStaticToken, "static_token"}, {PortalAuth::kRefreshToken, "refresh_token"}}};
constexpr Table<EventStatus, 5> kEventStatuses = {{{EventStatus::kPending, "Pending"},
                                                   {EventStatus::kProcessing, "Processing"},
                                                   {EventStatus::kSuccess, "Success"},
                                                   {EventStatus::kFailure, "Failure"},
                                                   {EventStatus::kRetry, "Retry"}}};
constexpr Table<DeliveryStatus, 6> kDeliveryStatuses = {
    {{DeliveryStatus::kScheduled, "Scheduled"},
     {DeliveryStatus::kProcessing, "Processing"},
     {DeliveryStatus::kRetry, "Retry"},
     {DeliveryStatus::kSuccess, "Success"},
     {DeliveryStatus::kFailure, "Failure"},
     {DeliveryStatus::kDiscarded, "Discarded"}}};

template <typename Enum, size_t kCount>
std::string_view NameIn(const Table<Enum, kCount>& table, Enum value) {
  for (const auto& [entry, name] : table) {
    if (entry == value) return name;
  }
  return "";
}

template <typename Enum, size_t kCount>
std::optional<Enum> ParseIn(const Table<Enum, kCount>& table, std::string_view name) {
  for (const auto& [entry, spelling] : table) {
    if (spelling == name) return entry;
  }
  return std::nullopt;
}

}  // namespace

#define CONVOY_NAMES(Enum, table)                                    \
  std::string_view Name(Enum value) { return NameIn(table, value); } \
  template <>                                                        \
  std::optional<Enum> Parse<Enum>(std::string_view name) {           \
    return ParseIn(table, name);                                     \
  }

CONVOY_NAMES(ProjectType, kProjectTypes)
CONVOY_NAMES(RetryStrategy, kRetryStrategies)
CONVOY_NAMES(Hash, kHashes)
CONVOY_NAMES(Encoding, kEncodings)
CONVOY_NAMES(OAuth2Client, kOAuth2Clients)
CONVOY_NAMES(OAuth2Algorithm, kOAuth2Algorithms)
CONVOY_NAMES(ExpiryUnit, kExpiryUnits)
CONVOY_NAMES(EndpointStatus, kEndpointStatuses)
CONVOY_NAMES(StandardSignature, kStandardSignatures)
CONVOY_NAMES(SourceType, kSourceTypes)
CONVOY_NAMES(Provider, kProviders)
CONVOY_NAMES(VerifyMode, kVerifyModes)
CONVOY_NAMES(SaslMechanism, kSaslMechanisms)
CONVOY_NAMES(MessageFormat, kMessageFormats)
CONVOY_NAMES(MessageWrapper, kMessageWrappers)
CONVOY_NAMES(HeldKind, kHeldKinds)
CONVOY_NAMES(DeliveryMode, kDeliveryModes)
CONVOY_NAMES(Role, kRoles)
CONVOY_NAMES(PortalAuth, kPortalAuths)
CONVOY_NAMES(EventStatus, kEventStatuses)
CONVOY_NAMES(DeliveryStatus, kDeliveryStatuses)

#undef CONVOY_NAMES

std::string_view BrokerTypeOf(const BrokerConfig& broker) {
  // In the order of the alternatives.
  constexpr std::string_view kTypes[] = {"", "sqs", "google", "kafka", "amqp", "outbox"};
  static_assert(std::size(kTypes) == std::variant_size_v<BrokerConfig>);
  return kTypes[broker.index()];
}

}  // namespace convoy::model
