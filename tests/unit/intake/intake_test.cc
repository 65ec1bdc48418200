#include "lib/intake/intake.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

#include "convoy/config_read.h"
#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/crypto/digest.h"
#include "tests/support/sim_clock.h"

namespace convoy::intake {
namespace {

// Accepts what is signed with the header "X-Good: yes".
class HeaderVerifier : public Verifier {
 public:
  Verdict Verify(const VerifyRequest& request, absl::Time) const override {
    last_url = request.url;
    Verdict verdict;
    if (base::FindHeader(request.headers, "X-Good") == "yes") {
      verdict.reason = VerifyReason::kAccepted;
    }
    return verdict;
  }
  mutable std::string last_url;
};

// A project with three endpoints, and an intake in front of it.
struct World {
  World() {
    config.revision = 3;
    config.project.id = "P";
    config.endpoints = {{.id = "E1", .project_id = "P", .owner_id = "ann", .name = "one"},
                        {.id = "E2",
                         .project_id = "P",
                         .owner_id = "ann",
                         .name = "two",
                         .status = EndpointStatus::kPaused},
                        {.id = "E3",
                         .project_id = "P",
                         .owner_id = "bob",
                         .name = "three",
                         .status = EndpointStatus::kInactive}};
    entry.source = {.id = "S", .project_id = "P", .mask_id = "mask", .name = "shop"};
    entry.verifier = verifier;
  }

  void Subscribe(std::string id, std::string endpoint_id,
                 std::vector<std::string> event_types = {"*"}, std::string source_id = "",
                 std::string body_filter = "") {
    config.subscriptions.push_back({.id = std::move(id),
                                    .project_id = "P",
                                    .source_id = std::move(source_id),
                                    .endpoint_id = std::move(endpoint_id),
                                    .event_types = std::move(event_types),
                                    .filter = {.body = std::move(body_filter)}});
  }

  std::shared_ptr<const route::ProjectSnapshot> Snapshot() const {
    auto snapshot = route::ProjectSnapshot::Build(config);
    REQUIRE(snapshot.ok());
    return *snapshot;
  }

  absl::StatusOr<WriteBatch> Ingest(std::string_view body, std::vector<HeaderView> headers = {},
                                    std::string_view query = "") const {
    headers.push_back({"X-Good", "yes"});
    return IngestExactly(body, headers, query);
  }
  absl::StatusOr<WriteBatch> IngestExactly(std::string_view body,
                                           const std::vector<HeaderView>& headers,
                                           std::string_view query = "") const {
    return intake.PrepareIngest(*Snapshot(), entry,
                                {.method = "POST",
                                 .path = "/ingest/mask",
                                 .query = query,
                                 .headers = headers,
                                 .body = body});
  }

  mutable testing::SimClock clock;
  mutable testing::SeededRandom random;
  mutable base::UlidGenerator ulids{&clock, &random};
  GatewayOptions options;
  Intake intake{options, &clock, &ulids};
  ProjectConfiguration config;
  std::shared_ptr<HeaderVerifier> verifier = std::make_shared<HeaderVerifier>();
  config::SourceEntry entry;
};

const Submission& Only(const absl::StatusOr<WriteBatch>& batch) {
  REQUIRE(batch.status().ToString() == "OK");
  REQUIRE(batch->submissions.size() == 1);
  return batch->submissions.front();
}

std::string Refusal(const absl::StatusOr<WriteBatch>& batch) {
  REQUIRE_FALSE(batch.ok());
  return absl::StrCat(absl::StatusCodeToString(batch.status().code()), " ",
                      batch.status().message());
}

RestEvent MakeRest(std::string event_type = "invoice.paid", std::string data = R"({"a":1})") {
  return {.event_type = std::move(event_type), .data = std::move(data)};
}

// ---- Ingest ----

TEST_CASE("intake: an ingested request becomes an event with its deliveries") {
  World world;
  world.Subscribe("B1", "E1", {"*"}, "S");
  world.Subscribe("B2", "E2", {"mask"}, "S");
  world.Subscribe("B3", "E1", {"*"}, "another source");
  world.config.project.config.retry = {.interval = absl::Seconds(7), .attempts_max = 4};
  const auto batch =
      world.Ingest("\x01\xff{ not JSON", {{"Content-Type", "application/x-thing"}}, "a=1");
  const Submission& submission = Only(batch);
  const Event& event = submission.event;
  CHECK(base::IsUlid(event.id));
  CHECK(event.project_id == "P");
  CHECK(event.source_id == "S");
  CHECK(event.event_type == "mask");
  CHECK(event.body == "\x01\xff{ not JSON");
  CHECK(event.content_type == "application/x-thing");
  CHECK(event.url_query == "a=1");
  CHECK(event.url_path == "/ingest/mask");
  CHECK(event.headers == Headers{{"X-Good", "yes"}, {"X-Convoy-Source-Id", "mask"}});
  CHECK(event.endpoint_ids == std::vector<std::string>{"E1", "E2"});
  CHECK(event.status == EventStatus::kSuccess);
  CHECK(event.created_at == world.clock.Now());
  CHECK(event.acknowledged_at == world.clock.Now());
  CHECK_FALSE(event.is_duplicate);
  CHECK_FALSE(submission.dedupe.has_value());
  CHECK(batch->config.empty());

  REQUIRE(submission.deliveries.size() == 2);
  const Delivery& delivery = submission.deliveries[0];
  CHECK(base::IsUlid(delivery.id));
  CHECK(delivery.event_id == event.id);
  CHECK(delivery.project_id == "P");
  CHECK(delivery.endpoint_id == "E1");
  CHECK(delivery.subscription_id == "B1");
  CHECK(delivery.event_type == "mask");
  CHECK(delivery.status == DeliveryStatus::kScheduled);
  CHECK(delivery.due_at == world.clock.Now());
  CHECK(delivery.retry == world.config.project.config.retry);
  CHECK(submission.deliveries[1].status == DeliveryStatus::kScheduled);  // paused: it waits
  CHECK(submission.deliveries[1].id != delivery.id);
}

TEST_CASE("intake: an empty body becomes an empty object") {
  World world;
  CHECK(Only(world.Ingest("")).event.body == "{}");
}

TEST_CASE("intake: an event without a matching subscription is kept as failed, with the reason") {
  World world;
  const auto batch = world.Ingest("{}");
  CHECK(Only(batch).deliveries.empty());
  CHECK(Only(batch).event.status == EventStatus::kFailure);
  CHECK(Only(batch).event.failure_reason == "no subscription matched this event");
  world.Subscribe("B1", "gone", {"*"}, "S");
  CHECK(Only(world.Ingest("{}")).event.failure_reason ==
        "subscription matched without an endpoint_id");
}

TEST_CASE("intake: a delivery to an inactive endpoint is made and discarded") {
  World world;
  world.Subscribe("B1", "E3", {"*"}, "S");
  const auto batch = world.Ingest("{}");
  REQUIRE(Only(batch).deliveries.size() == 1);
  CHECK(Only(batch).deliveries[0].status == DeliveryStatus::kDiscarded);
  CHECK(Only(batch).deliveries[0].description == "the endpoint is inactive");
}

TEST_CASE("intake: a subscription's own retry policy and mode go into its deliveries") {
  World world;
  world.Subscribe("B1", "E1", {"*"}, "S");
  world.config.subscriptions[0].retry = RetryPolicy{.attempts_max = 2};
  world.config.subscriptions[0].delivery_mode = DeliveryMode::kAtMostOnce;
  const auto batch = world.Ingest("{}");
  CHECK(Only(batch).deliveries.at(0).retry.attempts_max == 2);
  CHECK(Only(batch).deliveries.at(0).mode == DeliveryMode::kAtMostOnce);
}

TEST_CASE("intake: what is not verified is refused before anything else is read from it") {
  World world;
  world.entry.source.idempotency_keys = {"request.header.X-Id"};
  CHECK(Refusal(world.IngestExactly("{}", {{"X-Good", "no"}})) ==
        "UNAUTHENTICATED Request verification failed");
}

TEST_CASE("intake: the verifier sees the public URL") {
  World world;
  world.options.public_url = "https://hooks.example.com";
  REQUIRE(world.Ingest("{}", {}, "x=1").ok());
  CHECK(world.verifier->last_url == "https://hooks.example.com/ingest/mask?x=1");
  REQUIRE(world.Ingest("{}").ok());
  CHECK(world.verifier->last_url == "https://hooks.example.com/ingest/mask");
}

TEST_CASE("intake: a source that cannot take requests refuses them") {
  World world;
  SECTION("of another type") {
    world.entry.source.type = SourceType::kPubSub;
    CHECK(Refusal(world.Ingest("{}")) == "INVALID_ARGUMENT source does not take events over HTTP");
  }
  SECTION("disabled") {
    world.entry.source.is_disabled = true;
    CHECK(Refusal(world.Ingest("{}")) == "INVALID_ARGUMENT source is disabled");
  }
  SECTION("without a valid verifier") {
    world.entry.verifier = nullptr;
    CHECK(Refusal(world.Ingest("{}")) ==
          "INVALID_ARGUMENT source has no valid verifier configured");
  }
}

TEST_CASE("intake: the smaller of the two limits bounds a body") {
  World world;
  world.config.project.config.body_bytes_max = 10;
  CHECK(world.Ingest(std::string(10, 'x')).ok());
  CHECK(Refusal(world.Ingest(std::string(11, 'x'))) ==
        "OUT_OF_RANGE request body too large: more than 10 bytes, see the project's "
        "max_payload_read_size");
  world.options.body_bytes_max = 5;
  const std::string refusal =
      "OUT_OF_RANGE request body too large: more than 5 bytes, see the gateway's body_bytes_max";
  CHECK(Refusal(world.Ingest(std::string(6, 'x'))) == refusal);
  CHECK(Refusal(world.intake.PrepareBroadcast(*world.Snapshot(), MakeRest("t", "\"1234\""))) ==
        refusal);
  world.config.project.config = {};
  world.options = {};
  CHECK(world.Ingest(std::string(25'000'000, 'x')).ok());
  CHECK(Refusal(world.Ingest(std::string(33'554'433, 'x'))).starts_with("OUT_OF_RANGE"));
}

TEST_CASE("intake: the event type comes from where the source says") {
  World world;
  world.Subscribe("B1", "E1", {"order.*"}, "S");
  const std::vector<HeaderView> form = {{"Content-Type", "application/x-www-form-urlencoded"}};
  SECTION("body") {
    world.entry.source.event_type_location = "request.body.meta.type";
    const auto batch = world.Ingest(R"({"meta":{"type":"order.made"}})");
    CHECK(Only(batch).event.event_type == "order.made");
    CHECK(Only(batch).deliveries.size() == 1);
    CHECK(Refusal(world.Ingest("{}")) ==
          "INVALID_ARGUMENT no event type found at request.body.meta.type");
    CHECK(Refusal(world.Ingest(
              absl::StrCat(R"({"meta":{"type":")", std::string(600, 'x'), R"("}})"))) ==
          "INVALID_ARGUMENT event_type: longer than 512 bytes");
  }
  SECTION("form field") {
    world.entry.source.event_type_location = "req.body.type";
    const auto batch = world.Ingest("type=order.made&x=1", form);
    CHECK(Only(batch).event.event_type == "order.made");
    CHECK(Only(batch).event.body == "type=order.made&x=1");
    CHECK(Only(batch).event.content_type == "application/x-www-form-urlencoded");
  }
  SECTION("header, not UTF-8") {
    world.entry.source.event_type_location = "request.header.X-Type";
    CHECK(Only(world.Ingest("", {{"x-type", "order.made"}})).event.event_type == "order.made");
    CHECK(Refusal(world.Ingest("", {{"x-type", "\xff"}})) ==
          "INVALID_ARGUMENT event_type: not valid UTF-8");
  }
}

TEST_CASE("intake: filters see a form as an object") {
  World world;
  world.Subscribe("B1", "E1", {"*"}, "S", R"({"kind":"big"})");
  const std::vector<HeaderView> form = {{"Content-Type", "application/x-www-form-urlencoded"}};
  CHECK(Only(world.Ingest("kind=big", form)).deliveries.size() == 1);
  CHECK(Only(world.Ingest("kind=small", form)).deliveries.empty());
  CHECK(Only(world.Ingest("kind=big")).deliveries.empty());
}

TEST_CASE("intake: idempotency locations make a dedupe key of the project") {
  World world;
  world.options.dedupe_window = absl::Hours(2);
  world.entry.source.idempotency_keys = {"request.header.X-Id", "request.body.n"};
  const auto key = [&world](std::string_view id, std::string_view body) {
    const auto batch = world.Ingest(body, {{"X-Id", id}});
    const Submission& submission = Only(batch);
    CHECK(submission.event.idempotency_key.size() == 64);
    REQUIRE(submission.dedupe.has_value());
    CHECK(submission.dedupe->scope == "P");
    CHECK(submission.dedupe->expires_at == world.clock.Now() + absl::Hours(2));
    return submission.dedupe->key;
  };
  const std::string first = key("a", R"({"n":12})");
  CHECK(key("a", R"({ "n" : 12, "other": 1 })") == first);
  CHECK(key("b", R"({"n":12})") != first);
  CHECK(key("a1", R"({"n":2})") != first);  // the values, not their concatenation
  world.entry.source.id = "S2";
  CHECK(key("a", R"({"n":12})") != first);
}

TEST_CASE("intake: a genuine request without its idempotency key is an event without one") {
  World world;
  world.entry.source.idempotency_keys = {"request.header.X-Id", "request.body.n"};
  const struct {
    std::string_view body;
    std::string_view id;
    std::string_view remark;
  } kCases[] = {
      {"{}", "a", "no idempotency key at request.body.n"},
      {R"({"n":null})", "a", "no idempotency key at request.body.n"},
      {R"({"n":{}})", "a", "no idempotency key at request.body.n"},
      {R"({"n":1})", "", "no idempotency key at request.header.X-Id"},
      {"<n/>", "a",
       "no idempotency key at request.body.n: the body is not JSON as far as it had to be read"},
  };
  for (const auto& test : kCases) {
    INFO(test.body);
    const std::vector<HeaderView> headers = {{"X-Id", test.id}, {"X-Good", "yes"}};
    const HttpRequest request{
        .method = "POST", .path = "/ingest/mask", .headers = headers, .body = test.body};
    std::string remark;
    std::optional<HeldInputWrite> hold;
    const auto batch =
        world.intake.PrepareIngest(*world.Snapshot(), world.entry, request, &hold, &remark);
    CHECK_FALSE(Only(batch).dedupe.has_value());
    CHECK(Only(batch).event.idempotency_key.empty());
    CHECK(remark == test.remark);
    CHECK_FALSE(hold.has_value());

    world.entry.source.verify_mode = VerifyMode::kQuarantine;
    const auto kept =
        world.intake.PrepareIngest(*world.Snapshot(), world.entry, request, &hold, &remark);
    CHECK(IngestReasonOf(kept.status()) == "missing_idempotency_key");
    REQUIRE(hold.has_value());
    CHECK(hold->input.reason == "missing_idempotency_key");
    CHECK(hold->input.detail == test.remark);
    std::string reason;
    CHECK(
        world.intake.PrepareHeldRequest(*world.Snapshot(), world.entry, hold->input, &reason).ok());
    world.entry.source.verify_mode = VerifyMode::kEnforce;
  }
  CHECK(world.intake.report().accepted_counts()["missing_idempotency_key"] == 10);
}

TEST_CASE("intake: the provider's id is a dedupe key for as long as a replay would pass") {
  World world;
  world.entry.verifier = CompilePreset("stripe", {"secret"}).value();
  const int64_t at = absl::ToUnixSeconds(world.clock.Now());
  const std::string body = R"({"id":"evt_1"})";
  const auto ingest = [&](std::string_view text) {
    const crypto::HmacKey key(crypto::HashAlgorithm::kSha256, "secret");
    const std::string mac =
        base::HexEncode(crypto::HmacOf(key, absl::StrCat(at, ".", text)).view());
    return world.Ingest(text, {{"Stripe-Signature", absl::StrCat("t=", at, ",v1=", mac)}});
  };
  const auto first = ingest(body), again = ingest(body), other = ingest(R"({"id":"evt_2"})");
  REQUIRE(Only(first).dedupe.has_value());
  CHECK(Only(first).dedupe->key == Only(again).dedupe->key);
  CHECK(Only(first).dedupe->key != Only(other).dedupe->key);
  CHECK(Only(first).dedupe->expires_at == absl::FromUnixSeconds(at + 301));
  CHECK(Only(first).event.idempotency_key.empty());
  CHECK_FALSE(Only(ingest("{}")).dedupe.has_value());
  world.entry.source.idempotency_keys = {"request.body.id"};
  CHECK(Only(ingest(body)).dedupe->key != Only(first).dedupe->key);
}

TEST_CASE("intake: numbers and booleans are idempotency keys as they are spelt") {
  World world;
  world.entry.source.idempotency_keys = {"request.body.n"};
  const auto key = [&world](std::string_view body) {
    const auto batch = world.Ingest(body);
    return Only(batch).dedupe.value().key;
  };
  CHECK(key(R"({"n":12})") == key(R"({"n": 12,"m":"\ud83d"})"));
  CHECK(key(R"({"n":12})") != key(R"({"n":13})"));
  CHECK(key(R"({"n":true})") != key(R"({"n":false})"));
  CHECK(key("{\"n\":\"a\\ud83d\"}") != key("{\"n\":\"a\\ud83e\"}"));
  CHECK(key("\xEF\xBB\xBF{\"n\":12}") == key(R"({"n":12})"));
}

TEST_CASE("intake: a body that no filter can look into says so on the event") {
  World world;
  world.Subscribe("B1", "E1", {"*"}, "S", R"({"kind":"big"})");
  const auto batch = world.Ingest("\x1F\x8B\x08", {{"Content-Encoding", "zstd"}});
  CHECK(Only(batch).deliveries.empty());
  CHECK(Only(batch).event.failure_reason ==
        "no subscription matched this event; a filter could not be applied: the body has a "
        "Content-Encoding that is not decoded here");
  CHECK(world.intake.report().accepted_counts()["unknown_coding"] == 1);
}

TEST_CASE("intake: every refusal has a reason") {
  World world;
  const auto reason = [&world](const HttpRequest& request) {
    return IngestReasonOf(
        world.intake.PrepareIngest(*world.Snapshot(), world.entry, request).status());
  };
  const std::vector<HeaderView> good = {{"X-Good", "yes"}};
  const std::vector<HeaderView> many(201, HeaderView{"X-A", "1"});
  const std::vector<HeaderView> bad_type = {{"Content-Type", "a\nb"}};
  CHECK(reason({.method = "DELETE", .path = "/ingest/m"}) == "method_not_allowed");
  CHECK(reason({.method = "POST", .path = "/ingest/ m"}) == "malformed_request");
  CHECK(reason({.method = "POST", .path = "/ingest/m", .headers = many}) == "too_many_headers");
  CHECK(reason({.method = "POST", .path = "/ingest/m", .headers = bad_type}) ==
        "malformed_request");
  world.entry.source.event_type_location = "request.body.t";
  CHECK(reason({.method = "POST", .path = "/ingest/m", .headers = good, .body = "{}"}) ==
        "missing_event_type");
  CHECK(reason({.method = "POST", .path = "/ingest/m", .headers = good, .body = "<t/>"}) ==
        "unreadable_body");
  world.entry.source.is_disabled = true;
  CHECK(reason({.method = "POST", .path = "/ingest/m", .headers = good, .body = "{}"}) ==
        "source_disabled");
  CHECK(world.intake.report().refused_counts()["malformed_request"] == 2);
}
TEST_CASE("intake: the idempotency key of ingest is the known digest of name and values") {
  World world;
  world.entry.source.idempotency_keys = {"request.query.id"};
  // printf shop42 | sha256sum
  CHECK(Only(world.Ingest("", {}, "id=42")).event.idempotency_key ==
        "483396d5c1b26791d57c6aa696a516deb73cd2d798b64514d3862e6894112f2b");
}

TEST_CASE("intake: a URL that could not be sent on is refused") {
  World world;
  CHECK(Refusal(world.Ingest("", {}, "a=1 HTTP/1.1\r\nX: y")) ==
        "INVALID_ARGUMENT query: too long or malformed");
  CHECK(Refusal(world.Ingest("", {}, std::string(20'000, 'x'))) ==
        "INVALID_ARGUMENT query: too long or malformed");
  CHECK(Refusal(world.Ingest("", {{"Content-Type", "a\r\nb"}})) ==
        "INVALID_ARGUMENT Content-Type: malformed");
}

// ---- The REST API ----

TEST_CASE("intake: a single event goes to those of the endpoint's subscriptions that want it") {
  World world;
  world.Subscribe("B1", "E1", {"invoice.*"});
  world.Subscribe("B2", "E1", {"other"});
  world.Subscribe("B3", "E2", {"*"});
  RestEvent input = MakeRest();
  input.custom_headers = {{"X-A", "1"}, {"content-type", "application/cloudevents+json"}};
  input.idempotency_key = "key";
  const auto batch = world.intake.PrepareSingle(*world.Snapshot(), input, "E1");
  const Submission& submission = Only(batch);
  CHECK(submission.event.body == R"({"a":1})");
  CHECK(submission.event.content_type == "application/cloudevents+json");
  CHECK(submission.event.headers == Headers{{"X-A", "1"}});
  CHECK(submission.event.idempotency_key == "key");
  CHECK(submission.event.source_id.empty());
  CHECK(submission.event.endpoint_ids == std::vector<std::string>{"E1"});
  REQUIRE(submission.deliveries.size() == 1);
  CHECK(submission.deliveries[0].subscription_id == "B1");
  CHECK(submission.deliveries[0].idempotency_key == "key");
  REQUIRE(submission.dedupe.has_value());
  CHECK(submission.dedupe->scope == "P");
  CHECK(submission.dedupe->expires_at == absl::InfiniteFuture());
  CHECK(batch->config.empty());

  const auto unwanted = world.intake.PrepareSingle(*world.Snapshot(), MakeRest("x"), "E1");
  CHECK(Only(unwanted).deliveries.empty());
  CHECK(Only(unwanted).event.status == EventStatus::kFailure);
  CHECK(Only(unwanted).event.content_type == "application/json");
  CHECK(unwanted->config.empty());
}

TEST_CASE("intake: an endpoint's first single event makes its subscription in the same batch") {
  World world;
  const auto batch = world.intake.PrepareSingle(*world.Snapshot(), MakeRest(), "E1");
  REQUIRE(Only(batch).deliveries.size() == 1);
  REQUIRE(batch->config.size() == 1);
  CHECK(batch->config[0].scope == "P");
  CHECK(batch->config[0].expected_revision == 3);
  REQUIRE(batch->config[0].puts.size() == 1);
  const auto subscription = DecodeConfig<Subscription>(batch->config[0].puts[0]).value();
  CHECK(subscription.name == "one-subscription");
  CHECK(subscription.endpoint_id == "E1");
  CHECK(subscription.project_id == "P");
  CHECK(subscription.event_types == std::vector<std::string>{"*"});
  CHECK(Only(batch).deliveries[0].subscription_id == subscription.id);
}

TEST_CASE("intake: a fan-out reaches every endpoint of the owner, once for each subscription") {
  World world;
  world.Subscribe("B1", "E1");
  world.Subscribe("B2", "E2");
  world.Subscribe("B3", "E3");
  const auto batch = world.intake.PrepareFanout(*world.Snapshot(), MakeRest(), "ann");
  CHECK(Only(batch).deliveries.size() == 2);
  CHECK(Only(batch).event.endpoint_ids == std::vector<std::string>{"E1", "E2"});
  CHECK(batch->config.empty());
  const auto unmatched = world.intake.PrepareFanout(*world.Snapshot(), MakeRest(), "nobody");
  CHECK(Only(unmatched).event.status == EventStatus::kFailure);
  CHECK(Refusal(world.intake.PrepareFanout(*world.Snapshot(), MakeRest(), "")) ==
        "INVALID_ARGUMENT owner_id:please provide an owner id");
}

TEST_CASE("intake: a broadcast reaches whatever wants the type, of whatever source") {
  World world;
  world.Subscribe("B1", "E1", {"invoice.*"});
  world.Subscribe("B2", "E2", {"invoice.paid"}, "S");
  world.Subscribe("B3", "E3", {"other"});
  const auto batch = world.intake.PrepareBroadcast(*world.Snapshot(), MakeRest());
  CHECK(Only(batch).deliveries.size() == 2);
  CHECK(Only(batch).event.endpoint_ids == std::vector<std::string>{"E1", "E2"});
}

TEST_CASE("intake: ingest and the REST API never share a dedupe key") {
  World world;
  world.entry.source.idempotency_keys = {"request.query.id"};
  const std::string ingested = Only(world.Ingest("", {}, "id=1")).dedupe->key;
  CHECK(ingested.front() == 'i');
  RestEvent input = MakeRest();
  input.idempotency_key = "i1";
  CHECK(Only(world.intake.PrepareBroadcast(*world.Snapshot(), input)).dedupe->key == "ri1");
}

TEST_CASE("intake: REST events are refused by the field that is wrong") {
  World world;
  const auto refusal = [&world](RestEvent event) {
    return Refusal(world.intake.PrepareSingle(*world.Snapshot(), std::move(event), "E1"));
  };
  const auto with_header = [](std::string name, std::string value) {
    RestEvent event = MakeRest();
    event.custom_headers = {{std::move(name), std::move(value)}};
    return event;
  };
  const auto with_key = [](std::string key) {
    RestEvent event = MakeRest();
    event.idempotency_key = std::move(key);
    return event;
  };
  CHECK(refusal(MakeRest("")) == "INVALID_ARGUMENT event_type:please provide an event type");
  CHECK(refusal({.event_type = "t"}) == "INVALID_ARGUMENT data:please provide your data");
  CHECK(refusal(MakeRest("\xc3\x28")) == "INVALID_ARGUMENT event_type: not valid UTF-8");
  CHECK(refusal(MakeRest(std::string(513, 'x'))) ==
        "INVALID_ARGUMENT event_type: longer than 512 bytes");
  CHECK(refusal(with_key("\xff")) == "INVALID_ARGUMENT idempotency_key: not valid UTF-8");
  CHECK(refusal(with_key("a\r\nX: y")) ==
        "INVALID_ARGUMENT idempotency_key: contains control characters");
  CHECK(refusal(with_key(std::string(1025, 'x'))) ==
        "INVALID_ARGUMENT idempotency_key: longer than 1024 bytes");
  CHECK(refusal(with_header("X A", "1")) ==
        "INVALID_ARGUMENT custom_headers: \"X A\" is not a header name");
  CHECK(refusal(with_header("X-A", "1\r\nX-B: 2")) ==
        "INVALID_ARGUMENT custom_headers: the value of \"X-A\" contains characters that a header "
        "must not");
  CHECK(refusal(with_header("content-length", "5")) ==
        "INVALID_ARGUMENT custom_headers: \"content-length\" cannot be chosen");
  CHECK(Refusal(world.intake.PrepareSingle(*world.Snapshot(), MakeRest(), "E9")) ==
        "INVALID_ARGUMENT endpoint not found");
  CHECK(Refusal(world.intake.PrepareSingle(*world.Snapshot(), MakeRest(), "")) ==
        "INVALID_ARGUMENT please provide an endpoint ID");
}

TEST_CASE("intake: a request-id header of their own makes the idempotency key mandatory") {
  World world;
  world.config.project.config.request_id_header = "X-Request";
  CHECK(Refusal(world.intake.PrepareBroadcast(*world.Snapshot(), MakeRest())) ==
        "INVALID_ARGUMENT idempotency_key is required when a custom request_id_header is "
        "configured");
  world.config.project.type = ProjectType::kIncoming;
  CHECK(world.intake.PrepareBroadcast(*world.Snapshot(), MakeRest()).ok());
  world.config.project.type = ProjectType::kOutgoing;
  world.config.project.config.request_id_header = "x-convoy-idempotency-key";
  CHECK(world.intake.PrepareBroadcast(*world.Snapshot(), MakeRest()).ok());
}

// ---- Replay ----

TEST_CASE("intake: a replay makes new deliveries to what wants the event now") {
  World world;
  world.Subscribe("B1", "E1", {"*"}, "S");
  Event event = Only(world.Ingest(R"({"a":1})")).event;
  world.Subscribe("B2", "E2", {"*"}, "S", R"({"a":1})");
  world.clock.Advance(absl::Hours(1));
  const auto batch = world.intake.PrepareReplay(*world.Snapshot(), event);
  REQUIRE(batch.ok());
  CHECK(batch->submissions.empty());
  REQUIRE(batch->extra_deliveries.size() == 2);
  CHECK(batch->extra_deliveries[1].event_id == event.id);
  CHECK(batch->extra_deliveries[1].due_at == world.clock.Now());

  // An event of the REST API went to endpoints of its sender's choice: it stays with them.
  event.source_id.clear();
  event.endpoint_ids = {"E2"};
  CHECK(world.intake.PrepareReplay(*world.Snapshot(), event)->extra_deliveries.size() == 1);
  event.endpoint_ids = {};
  CHECK(world.intake.PrepareReplay(*world.Snapshot(), event)->extra_deliveries.empty());
}

}  // namespace
}  // namespace convoy::intake
