#include "lib/model/codec.h"

#include <catch2/catch.hpp>

#include "lib/model/names.h"
#include "lib/model/oauth2_codec.h"
#include "tests/support/sim_clock.h"

namespace convoy::model {
namespace {

using testing::SeededRandom;

// Random objects: every field is set to something that its default is not, most of the time.
class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  std::string Text() {
    static const char* kPieces[] = {"a", "Z", "\"", "\\", "\n", "é", "😀", " ", "$", "{"};
    std::string text;
    for (uint64_t i = random_.Below(8); i > 0; --i) text += kPieces[random_.Below(10)];
    return text;
  }
  bool Flag() { return random_.Chance(50); }
  uint32_t Number() { return static_cast<uint32_t>(random_.Next()); }
  absl::Time Time() {
    return absl::FromUnixMicros(static_cast<int64_t>(random_.Below(1ull << 52)));
  }
  absl::Duration Duration() { return absl::Microseconds(random_.Below(1ull << 40)); }
  template <typename Enum>
  Enum Pick(int count) {
    return static_cast<Enum>(random_.Below(count));
  }
  std::vector<std::string> Texts() {
    std::vector<std::string> texts(random_.Below(4));
    for (std::string& text : texts) text = Text();
    return texts;
  }
  RetryPolicy Retry() { return {Pick<RetryStrategy>(2), Duration(), Number()}; }
  RateLimit Limit() { return {Number(), Duration()}; }

  Project MakeProject() {
    Project project{.id = Text(), .name = Text(), .type = Pick<ProjectType>(2), .logo_url = Text()};
    ProjectConfig& config = project.config;
    config.body_bytes_max = random_.Next();
    config.retry = Retry();
    config.rate_limit = Limit();
    config.signature.header = Text();
    for (uint64_t i = random_.Below(3); i > 0; --i) {
      config.signature.versions.push_back({Text(), Pick<Hash>(2), Pick<Encoding>(2), Time()});
    }
    config.request_id_header = Text();
    config.has_trace_headers = Flag();
    config.trace_header = Text();
    config.should_disable_endpoint = Flag();
    config.has_multiple_endpoint_subscriptions = Flag();
    config.is_https_required = Flag();
    config.has_verified_dynamic_events = Flag();
    if (Flag()) {
      config.meta_events = MetaEventConfig{Flag(), Text(), Text(), Texts(), Text(), Text(), Text()};
    }
    project.parent_id = Text();
    project.created_at = Time();
    project.updated_at = Time();
    return project;
  }

  OAuth2Auth MakeOAuth2() {
    OAuth2Auth auth{.url = Text(),
                    .client_id = Text(),
                    .scope = Text(),
                    .audience = Text(),
                    .client = Pick<OAuth2Client>(2),
                    .client_secret = Text(),
                    .issuer = Text(),
                    .subject = Text(),
                    .expiry_unit = Pick<ExpiryUnit>(4),
                    .token_field = Text(),
                    .type_field = Text(),
                    .expiry_field = Text()};
    if (auth.client == OAuth2Client::kSharedSecret) return auth;  // the others have no meaning
    auth.algorithm = Pick<OAuth2Algorithm>(2);
    for (const JwkMember& member : JwkMembers()) auth.signing_key.*member.text = Text();
    return auth;
  }

  Endpoint MakeEndpoint() {
    Endpoint endpoint{.id = Text(),
                      .project_id = Text(),
                      .owner_id = Text(),
                      .name = Text(),
                      .url = Text(),
                      .description = Text(),
                      .support_email = Text(),
                      .status = Pick<EndpointStatus>(3)};
    for (uint64_t i = random_.Below(3); i > 0; --i) {
      Secret secret{.id = Text(), .value = Text(), .created_at = Time(), .updated_at = Time()};
      if (Flag()) secret.expires_at = Time();
      endpoint.secrets.push_back(secret);
    }
    endpoint.has_advanced_signatures = Flag();
    endpoint.timeout = Duration();
    endpoint.rate_limit = Limit();
    endpoint.content_type = Text();
    endpoint.is_fifo = Flag();
    if (Flag())
      endpoint.auth = ApiKeyAuth{Text(), Text()};
    else if (Flag())
      endpoint.auth = BasicAuth{Text(), Text()};
    else if (Flag())
      endpoint.auth = MakeOAuth2();
    if (Flag())
      endpoint.tls = {
          .ca_bundle = Text(), .client_certificate = Text() + "x", .client_key = Text()};
    endpoint.created_at = Time();
    endpoint.updated_at = Time();
    return endpoint;
  }

  BrokerConfig MakeBroker() {
    switch (random_.Below(6)) {
      case 0:
        return SqsConfig{Text(), Text(), Text(), Text(), Text(), Text(), Pick<MessageWrapper>(3)};
      case 1:
        return GooglePubSubConfig{Text(), Text(), Text(), Text()};
      case 2:
        return KafkaConfig{Texts(), Text(), Text(), Pick<SaslMechanism>(4), Text(), Text(), Flag()};
      case 3:
        return AmqpConfig{.schema = Text(),
                          .host = Text(),
                          .port = static_cast<uint16_t>(random_.Below(65'536)),
                          .vhost = Text(),
                          .username = Text(),
                          .password = Text(),
                          .queue = Text(),
                          .exchange = Text(),
                          .routing_key = Text(),
                          .dead_letter_exchange = Text()};
      case 4:
        return OutboxConfig{.name = Text()};
    }
    return {};
  }

  Source MakeSource() {
    Source source{.id = Text(),
                  .project_id = Text(),
                  .mask_id = Text(),
                  .name = Text(),
                  .type = Pick<SourceType>(4),
                  .provider = Pick<Provider>(4),
                  .is_disabled = Flag()};
    switch (random_.Below(4)) {
      case 0:
        source.verifier = HmacVerifierConfig{Text(), Pick<Hash>(2), Pick<Encoding>(2), Text()};
        break;
      case 1:
        source.verifier = BasicAuth{Text(), Text()};
        break;
      case 2:
        source.verifier = ApiKeyAuth{Text(), Text()};
        break;
    }
    source.custom_response = {Text(), Text()};
    source.idempotency_keys = Texts();
    source.event_type_location = Text();
    source.broker = MakeBroker();
    source.workers_count = static_cast<uint32_t>(random_.Below(33));
    source.message_format = Pick<MessageFormat>(2);
    source.raw_event_type = Text();
    source.message_locations = {
        .event_type = Text(), .idempotency_key = Text(), .endpoint_id = Text(), .owner_id = Text()};
    source.forward_headers = Texts();
    source.created_at = Time();
    source.updated_at = Time();
    return source;
  }

  Subscription MakeSubscription() {
    Subscription subscription{.id = Text(),
                              .project_id = Text(),
                              .name = Text(),
                              .source_id = Text(),
                              .endpoint_id = Text(),
                              .event_types = Texts(),
                              .filter = {Text(), Text(), Text(), Text()}};
    for (uint64_t i = random_.Below(3); i > 0; --i) {
      subscription.type_filters.push_back(
          {.id = Text(), .event_type = Text(), .content = {Text(), Text(), Text(), Text()}});
      if (Flag()) subscription.type_filters.back().enabled_at = Time();
    }
    if (Flag()) subscription.retry = Retry();
    subscription.delivery_mode = Pick<DeliveryMode>(2);
    subscription.created_at = Time();
    subscription.updated_at = Time();
    return subscription;
  }

  EventType MakeEventType() {
    EventType type{.id = Text(),
                   .project_id = Text(),
                   .name = Text(),
                   .category = Text(),
                   .description = Text(),
                   .json_schema = Text()};
    if (Flag()) type.deprecated_at = Time();
    type.created_at = Time();
    type.updated_at = Time();
    return type;
  }

  PortalLink MakePortalLink() {
    PortalLink link{.id = Text(),
                    .project_id = Text(),
                    .name = Text(),
                    .owner_id = Text(),
                    .auth = Pick<PortalAuth>(2),
                    .may_manage_endpoints = Flag(),
                    .mask_id = Text()};
    for (uint64_t i = random_.Below(3); i > 0; --i) {
      link.tokens.push_back({.salt = Text(), .hash = Text() + "\xFF"});
      if (Flag()) link.tokens.back().expires_at = Time();
    }
    link.created_at = Time();
    link.updated_at = Time();
    return link;
  }

  ApiKey MakeApiKey() {
    std::string bytes(16, '\0');
    random_.Fill(std::span(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()));
    ApiKey key{.id = Text(),
               .name = Text(),
               .mask_id = Text(),
               .salt = bytes,
               .hash = bytes + "x",
               .role = Pick<Role>(3),
               .project_id = Text()};
    if (Flag()) key.expires_at = Time();
    key.created_at = Time();
    return key;
  }

 private:
  SeededRandom random_;
};

TEST_CASE("codec: random objects survive") {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Maker make(seed);
    INFO("seed " << seed);
    const Project project = make.MakeProject();
    CHECK(DecodeProject(Encode(project)).value() == project);
    const Endpoint endpoint = make.MakeEndpoint();
    CHECK(DecodeEndpoint(Encode(endpoint)).value() == endpoint);
    const Source source = make.MakeSource();
    CHECK(DecodeSource(Encode(source)).value() == source);
    const Subscription subscription = make.MakeSubscription();
    CHECK(DecodeSubscription(Encode(subscription)).value() == subscription);
    const ApiKey key = make.MakeApiKey();
    CHECK(DecodeApiKey(Encode(key)).value() == key);
    const EventType type = make.MakeEventType();
    CHECK(DecodeEventType(Encode(type)).value() == type);
    const PortalLink link = make.MakePortalLink();
    CHECK(DecodePortalLink(Encode(link)).value() == link);
  }
}

TEST_CASE("codec: missing fields take their defaults, unknown ones are ignored") {
  CHECK(DecodeProject("{}").value() == Project{});
  CHECK(DecodeEndpoint("{\"from_the_future\":[1]}").value() == Endpoint{});
  CHECK(DecodeSource("{}").value() == Source{});
  CHECK(DecodeSubscription("{}").value() == Subscription{});
}

TEST_CASE("codec: damaged texts are errors") {
  CHECK_FALSE(DecodeProject("").ok());
  CHECK_FALSE(DecodeProject("[]").ok());
  CHECK(absl::IsDataLoss(DecodeProject("{\"type\":\"sideways\"}").status()));
  CHECK(absl::IsDataLoss(DecodeProject("{\"config\":{\"retry\":{\"strategy\":\"x\"}}}").status()));
  CHECK(absl::IsDataLoss(DecodeEndpoint("{\"auth\":{\"kind\":\"x\"}}").status()));
  CHECK(absl::IsDataLoss(DecodeSource("{\"verifier\":{\"kind\":\"x\"}}").status()));
  CHECK(absl::IsDataLoss(DecodeSource("{\"broker\":{\"type\":\"x\"}}").status()));
  CHECK(absl::IsDataLoss(DecodeSource("{\"broker\":{\"type\":\"amqp\",\"port\":65536}}").status()));
  CHECK(absl::IsDataLoss(DecodeSource("{\"message_format\":\"x\"}").status()));
  CHECK(absl::IsDataLoss(DecodeSubscription("{\"name\":1}").status()));
  CHECK(absl::IsDataLoss(DecodeApiKey("{\"salt\":\"?\"}").status()));
  CHECK(absl::IsDataLoss(DecodePortalLink("{\"tokens\":[{\"salt\":\"?\"}]}").status()));
  CHECK(absl::IsDataLoss(DecodeEventType("{\"name\":1}").status()));
}

TEST_CASE("codec: header lists keep every byte, their order and their spelling") {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  const Headers headers = {{"X-B", "1"}, {"x-a", all}, {"X-B", ""}, {"X-U", "é"}};
  CHECK(DecodeHeaders(EncodeHeaders(headers)).value() == headers);
  const Headers many(200'000, Header{"n", ""});
  CHECK(DecodeHeaders(EncodeHeaders(many)).value() == many);
  const Headers large = {{"n", std::string(17 * 1024 * 1024, 'x')}};
  CHECK(DecodeHeaders(EncodeHeaders(large)).value() == large);
  CHECK(EncodeHeaders({{"a", "b~ "}, {"c", "\"\\\n\x7f\xe9"}}) ==
        "[[\"a\",\"b~ \"],[\"c\",\"\\\"\\\\\\n\x7f\xc3\xa9\"]]");
  CHECK(EncodeHeaders({}) == "[]");
  CHECK(DecodeHeaders("[]").value().empty());
  for (const char* text : {"", "{}", "[1]", "[[\"a\"]]", "[[\"a\",1]]", "[[\"a\",\"€\"]]"}) {
    INFO(text);
    CHECK_FALSE(DecodeHeaders(text).ok());
  }
}

template <typename Enum>
void CheckNames(int count) {
  for (int i = 0; i < count; ++i) {
    const Enum value = static_cast<Enum>(i);
    CHECK(Parse<Enum>(Name(value)) == value);
  }
  CHECK_FALSE(Parse<Enum>("no such name").has_value());
}

TEST_CASE("names: every enumerator has a name of its own") {
  CheckNames<ProjectType>(2);
  CheckNames<RetryStrategy>(2);
  CheckNames<Hash>(2);
  CheckNames<Encoding>(2);
  CheckNames<EndpointStatus>(3);
  CheckNames<SourceType>(4);
  CheckNames<Provider>(4);
  CheckNames<SaslMechanism>(4);
  CheckNames<MessageFormat>(2);
  CheckNames<DeliveryMode>(2);
  CheckNames<Role>(3);
  CheckNames<PortalAuth>(2);
  CheckNames<EventStatus>(5);
  CheckNames<DeliveryStatus>(6);
}

}  // namespace
}  // namespace convoy::model
