// From a refused request to quarantine, and from there to an event.
#include "lib/intake/release.h"

#include <memory>
#include <string>
#include <vector>

#include "catch2/catch.hpp"

#include "lib/base/text.h"
#include "lib/intake/admission.h"
#include "lib/intake/event_headers.h"
#include "tests/support/sim_clock.h"

namespace convoy::intake {
namespace {

// Accepts what carries the header "X-Key" with the right value, no later than a minute after the
// epoch; or says what it is told to.
class KeyVerifier : public Verifier {
 public:
  explicit KeyVerifier(std::string key) : key_(std::move(key)) {}

  Verdict Verify(const VerifyRequest& request, absl::Time now) const override {
    Verdict verdict;
    verdict.reason = reason;
    if (base::FindHeader(request.headers, "X-Key") != key_) return verdict;
    verdict.reason = now > testing::SimEpoch() + absl::Minutes(1) ? VerifyReason::kTooOld
                                                                  : VerifyReason::kAccepted;
    return verdict;
  }

  VerifyReason reason = VerifyReason::kSignatureMismatch;

 private:
  const std::string key_;
};

struct World {
  World() {
    config.project.id = "P";
    config.endpoints = {{.id = "E1", .project_id = "P"}};
    config.subscriptions = {{.id = "B1", .project_id = "P", .source_id = "S", .endpoint_id = "E1"}};
    entry.source = {.id = "S", .project_id = "P", .mask_id = "mask", .name = "shop"};
    entry.source.verify_mode = VerifyMode::kQuarantine;
    entry.verifier = std::make_shared<KeyVerifier>("another");
  }

  std::shared_ptr<const route::ProjectSnapshot> Snapshot() const {
    return route::ProjectSnapshot::Build(config).value();
  }

  absl::StatusOr<WriteBatch> Ingest(std::string_view body, std::vector<HeaderView> headers,
                                    std::optional<HeldInputWrite>* out_hold) const {
    return intake.PrepareIngest(
        *Snapshot(), entry,
        {.method = "PUT", .path = "/ingest/mask", .query = "a=1", .headers = headers, .body = body},
        out_hold);
  }

  // Quarantined form of a request with the key "right".
  HeldInput Quarantine(std::string_view body = "{\"id\":7}") const {
    std::optional<HeldInputWrite> hold;
    CHECK(absl::IsUnauthenticated(Ingest(body, {{"X-Key", "right"}}, &hold).status()));
    REQUIRE(hold.has_value());
    return hold->input;
  }

  void Correct() { entry.verifier = std::make_shared<KeyVerifier>("right"); }

  ReleasePlan Plan(const HeldInput& input) const {
    return PlanRelease(intake, broker_intake, *Snapshot(), entry, input);
  }

  mutable testing::SimClock clock;
  mutable testing::SeededRandom random;
  mutable base::UlidGenerator ulids{&clock, &random};
  GatewayOptions options;
  Intake intake{options, &clock, &ulids};
  BrokerIntake broker_intake{options, &intake, &clock, &ulids};
  ProjectConfiguration config;
  config::SourceEntry entry;
};

TEST_CASE("admission: quarantine keeps a refused request whole, for a while") {
  World world;
  world.options.quarantine_inputs_max = 5;
  world.options.quarantine_age = absl::Hours(2);
  std::optional<HeldInputWrite> hold;
  const std::string body("\0\xff{", 3);
  const auto refused = world.Ingest(body, {{"X-Key", "right"}, {"x-a", "\xfe"}}, &hold);
  CHECK(absl::IsUnauthenticated(refused.status()));
  CHECK(refused.status().message() == "Request verification failed");
  CHECK(IngestReasonOf(refused.status()) == "signature_mismatch");
  REQUIRE(hold.has_value());
  CHECK(base::IsUlid(hold->input.id));
  const HeldInput expected{.id = hold->input.id,
                           .project_id = "P",
                           .source_id = "S",
                           .kind = HeldKind::kQuarantine,
                           .reason = "signature_mismatch",
                           .detail = hold->input.detail,
                           .method = "PUT",
                           .path = "/ingest/mask",
                           .query = "a=1",
                           .headers = {{"X-Key", "right"}, {"x-a", "\xfe"}},
                           .body = body,
                           .received_at = world.clock.Now(),
                           .expires_at = world.clock.Now() + absl::Hours(2)};
  CHECK(hold->input == expected);
  CHECK_FALSE(hold->input.detail.empty());
  CHECK(hold->items_max == 5);
  const GatewayOptions bounded{.quarantine_inputs_max = 1000, .quarantine_bytes_max = 1000};
  CHECK(QuarantineItemsMax(bounded, 0) == 1000);
  CHECK(QuarantineItemsMax(bounded, 1) == 1000);
  CHECK(QuarantineItemsMax(bounded, 250) == 4);
  CHECK(QuarantineItemsMax(bounded, 251) == 3);
  CHECK(QuarantineItemsMax(bounded, 1'000'000) == 1);
  CHECK_FALSE(hold->redelivery.has_value());

  world.options.quarantine_age = absl::InfiniteDuration();
  CHECK(world.Quarantine().expires_at == absl::InfiniteFuture());
}

TEST_CASE("admission: other modes, and refusals for other reasons, keep nothing") {
  World world;
  std::optional<HeldInputWrite> hold;
  std::vector<HeaderView> headers = {{"X-Key", "wrong"}};
  absl::StatusCode expected = absl::StatusCode::kUnauthenticated;
  SECTION("enforce") { world.entry.source.verify_mode = VerifyMode::kEnforce; }
  SECTION("observe") {
    world.entry.source.verify_mode = VerifyMode::kObserve;
    expected = absl::StatusCode::kOk;
  }
  SECTION("too large") {
    world.options.body_bytes_max = 1;
    expected = absl::StatusCode::kOutOfRange;
  }
  SECTION("disabled") {
    world.entry.source.is_disabled = true;
    expected = absl::StatusCode::kInvalidArgument;
  }
  SECTION("without a verifier") {
    world.entry.verifier = nullptr;
    expected = absl::StatusCode::kInvalidArgument;
  }
  SECTION("waiting for a published key") {
    auto verifier = std::make_shared<KeyVerifier>("right");
    verifier->reason = VerifyReason::kKeyUnavailable;
    world.entry.verifier = verifier;
    expected = absl::StatusCode::kUnavailable;
  }
  SECTION("more headers than an event may have") {
    headers.assign(kHeadersMax + 1, HeaderView{"X-Key", "wrong"});
    expected = absl::StatusCode::kInvalidArgument;
  }
  SECTION("accepted") {
    world.entry.verifier = std::make_shared<KeyVerifier>("wrong");
    expected = absl::StatusCode::kOk;
  }
  CHECK(world.Ingest("{}", headers, &hold).status().code() == expected);
  CHECK_FALSE(hold.has_value());
}

TEST_CASE("release: event and release are one batch, and the event is that of the request") {
  World world;
  world.entry.source.idempotency_keys = {"request.body.id"};
  const HeldInput input = world.Quarantine("{\"id\":7 }");
  world.Correct();
  world.clock.Advance(absl::Hours(50));
  const ReleasePlan plan = world.Plan(input);
  CHECK(plan.refusal.empty());
  REQUIRE(plan.batch.releases.size() == 1);
  CHECK(plan.batch.releases[0].project_id == "P");
  CHECK(plan.batch.releases[0].held_id == input.id);
  REQUIRE(plan.batch.submissions.size() == 1);
  const Submission& submission = plan.batch.submissions[0];
  CHECK(submission.event.body == "{\"id\":7 }");
  CHECK(submission.event.url_path == "/ingest/mask");
  CHECK(submission.event.url_query == "a=1");
  CHECK(submission.event.created_at == world.clock.Now());
  CHECK(submission.event.headers == Headers{{"X-Key", "right"}, {"X-Convoy-Source-Id", "mask"}});
  CHECK(submission.deliveries.size() == 1);

  // It is deduplicated with what comes in directly.
  world.clock.Set(testing::SimEpoch());
  std::optional<HeldInputWrite> hold;
  const auto direct = world.Ingest("{\"id\":7}", {{"X-Key", "right"}}, &hold);
  REQUIRE(direct.ok());
  REQUIRE(submission.dedupe.has_value());
  CHECK(direct->submissions[0].dedupe->key == submission.dedupe->key);
}

TEST_CASE("release: a signature is verified by the clock of when it came in") {
  World world;
  const HeldInput in_time = world.Quarantine();
  world.clock.Advance(absl::Minutes(2));
  const HeldInput too_late = world.Quarantine();
  world.Correct();
  CHECK(world.Plan(in_time).refusal.empty());
  const ReleasePlan plan = world.Plan(too_late);
  CHECK(plan.refusal == "too_old");
  CHECK(plan.batch.submissions.empty());
  CHECK(plan.batch.releases.empty());
}

TEST_CASE("release: what is still wrong is said by its reason") {
  World world;
  const HeldInput input = world.Quarantine();
  CHECK(world.Plan(input).refusal == "signature_mismatch");
  world.Correct();
  SECTION("a source that takes nothing") {
    world.entry.source.is_disabled = true;
    CHECK(world.Plan(input).refusal == "source_unusable");
  }
  SECTION("a body that has become too large") {
    world.options.body_bytes_max = 1;
    CHECK(world.Plan(input).refusal == "unusable");
  }
  SECTION("no event type where there must be one") {
    world.entry.source.event_type_location = "request.header.X-Type";
    CHECK(world.Plan(input).refusal == "unusable");
  }
  CHECK(world.Plan(input).batch.releases.empty());
}

TEST_CASE("release: a source that only observes lets its quarantine go") {
  World world;
  const HeldInput input = world.Quarantine();
  world.entry.source.verify_mode = VerifyMode::kObserve;
  CHECK(world.Plan(input).refusal.empty());
}

TEST_CASE("release: a broker's dead letter becomes its event once its endpoint is there") {
  World world;
  world.entry.source.type = SourceType::kPubSub;
  world.entry.verifier = nullptr;
  const HeldInput letter{.id = "H",
                         .project_id = "P",
                         .source_id = "S",
                         .kind = HeldKind::kDeadLetter,
                         .reason = "unknown_endpoint",
                         .body = R"({"event_type":"t","endpoint_id":"E2","data":{"a" :1}})",
                         .redelivery_id = "orders/3/1207"};
  CHECK(world.Plan(letter).refusal == "unknown_endpoint");
  CHECK(world.Plan(letter).batch.releases.empty());
  world.config.endpoints.push_back({.id = "E2", .project_id = "P"});
  const ReleasePlan plan = world.Plan(letter);
  CHECK(plan.refusal.empty());
  REQUIRE(plan.batch.submissions.size() == 1);
  CHECK(plan.batch.submissions[0].event.body == R"({"a" :1})");
  CHECK_FALSE(plan.batch.submissions[0].redelivery.has_value());
  REQUIRE(plan.batch.releases.size() == 1);
  CHECK(plan.batch.releases[0].held_id == "H");
}

}  // namespace
}  // namespace convoy::intake
