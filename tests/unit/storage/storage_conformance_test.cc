// What every store must do, run against each of ours.
#include <algorithm>
#include <functional>
#include <set>

#include <catch2/catch.hpp>

#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

const absl::Time kNow = SimEpoch();

// Runs `test` against each kind of store.
void ForEachStore(const std::function<void(Storage&)>& test) {
  SECTION("memory") { test(*NewMemoryStorage()); }
  SECTION("sqlite") {
    TemporaryFile file;
    auto storage = OpenSqliteStorage(file.path());
    REQUIRE(storage.ok());
    test(**storage);
  }
}

std::string SetUpProject(Storage& storage) {
  REQUIRE(Put(storage, "", storage.ConfigRevision("").value(), {MakeProject(1)}).status.ok());
  return MakeProject(1).id;
}

TEST_CASE("storage: an event comes back as it went in, with its delivery") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    Event event = MakeEvent(project, 1);
    event.endpoint_ids = {Id('E', 1), Id('E', 2)};
    const Delivery delivery = MakeDelivery(event, Id('E', 1), 1, kNow);
    const CommitResult result = Submit(storage, event, {delivery});
    REQUIRE(result.status.ok());
    CHECK(result.submissions == std::vector{SubmissionOutcome::kAccepted});
    CHECK(storage.GetEvent(project, event.id).value() == event);
    CHECK(storage.GetDelivery(project, delivery.id).value() == delivery);
    CHECK(absl::IsNotFound(storage.GetEvent("other", event.id).status()));
    CHECK(absl::IsNotFound(storage.GetDelivery("other", delivery.id).status()));
    CHECK(absl::IsNotFound(storage.GetEvent(project, "x").status()));
  });
}

TEST_CASE("storage: of equal keys the first is accepted, until the key expires") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    const DedupeKey key{
        .scope = project, .key = std::string("k\0y", 3), .expires_at = kNow + absl::Seconds(3)};
    const auto submit = [&](int number, const DedupeKey& with) {
      const Event event = MakeEvent(project, number);  // created at kNow + number seconds
      return Submit(storage, event, {MakeDelivery(event, Id('E', 1), number, kNow)}, with)
          .submissions.front();
    };
    CHECK(submit(1, key) == SubmissionOutcome::kAccepted);
    CHECK(submit(2, key) == SubmissionOutcome::kDuplicate);
    DedupeKey other = key;
    other.scope = "elsewhere";
    CHECK(submit(3, other) == SubmissionOutcome::kAccepted);
    DedupeKey renewed = key;
    renewed.expires_at = absl::InfiniteFuture();
    CHECK(submit(4, renewed) == SubmissionOutcome::kAccepted);  // three seconds are over
    CHECK(submit(5, key) == SubmissionOutcome::kDuplicate);

    const Event duplicate = storage.GetEvent(project, Id('V', 2)).value();
    CHECK(duplicate.is_duplicate);
    CHECK(duplicate.endpoint_ids.empty());
    CHECK(duplicate.body == MakeEvent(project, 2).body);
    CHECK(absl::IsNotFound(storage.GetDelivery(project, Id('D', 2)).status()));
  });
}

TEST_CASE("storage: equal keys within one commit are told apart by their order") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    std::vector<WriteBatch> batches(3);
    std::vector<WriteBatch*> pointers;
    for (int i = 0; i < 3; ++i) {
      batches[i].submissions.push_back(
          {.event = MakeEvent(project, i), .dedupe = DedupeKey{.scope = project, .key = "k"}});
      pointers.push_back(&batches[i]);
    }
    std::vector<CommitResult> results(3);
    REQUIRE(storage.Commit(pointers, results).ok());
    CHECK(results[0].submissions.front() == SubmissionOutcome::kAccepted);
    CHECK(results[1].submissions.front() == SubmissionOutcome::kDuplicate);
    CHECK(results[2].submissions.front() == SubmissionOutcome::kDuplicate);
  });
}

TEST_CASE("storage: configuration is written only against the revision that was read") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    CHECK(storage.ConfigRevision("").value() == 1);
    CHECK(storage.ConfigRevision(project).value() == 0);
    REQUIRE(Put(storage, project, 0, {MakeEndpoint(project, 1)}).status.ok());
    CHECK(storage.ConfigRevision(project).value() == 1);
    CHECK(absl::IsAborted(Put(storage, project, 0, {MakeEndpoint(project, 2)}).status));
    const ProjectConfiguration loaded = storage.LoadProject(project).value();
    CHECK(loaded.revision == 1);
    CHECK(loaded.endpoints == std::vector{MakeEndpoint(project, 1)});
    CHECK(loaded.project == MakeProject(1));
    CHECK(absl::IsNotFound(storage.LoadProject("x").status()));
  });
}

TEST_CASE("storage: a refused batch leaves no trace and does not touch its neighbours") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    WriteBatch good, bad, last;
    good.submissions.push_back({.event = MakeEvent(project, 1)});
    bad.submissions.push_back({.event = MakeEvent(project, 2)});
    bad.config.push_back({.scope = project, .puts = {MakeEndpoint(project, 1)}});
    bad.config.push_back({.scope = project, .expected_revision = 9});
    last.submissions.push_back({.event = MakeEvent(project, 3)});
    WriteBatch* const batches[] = {&good, &bad, &last};
    CommitResult results[3];
    REQUIRE(storage.Commit(batches, results).ok());
    CHECK(results[0].status.ok());
    CHECK(absl::IsAborted(results[1].status));
    CHECK(results[2].status.ok());
    CHECK(storage.GetEvent(project, Id('V', 1)).ok());
    CHECK_FALSE(storage.GetEvent(project, Id('V', 2)).ok());
    CHECK(storage.GetEvent(project, Id('V', 3)).ok());
    CHECK(storage.LoadProject(project).value().endpoints.empty());
    CHECK(storage.ConfigRevision(project).value() == 0);
  });
}

TEST_CASE("storage: project names are taken once") {
  ForEachStore([](Storage& storage) {
    SetUpProject(storage);
    Project same = MakeProject(2);
    same.name = MakeProject(1).name;
    CHECK(absl::IsAlreadyExists(Put(storage, "", 1, {same}).status));
    CHECK(storage.ListProjects().value().size() == 1);
    Project renamed = MakeProject(1);
    renamed.name = "another";
    CHECK(Put(storage, "", 1, {renamed}).status.ok());
    CHECK(Put(storage, "", 2, {same}).status.ok());
  });
}

TEST_CASE("storage: removing takes along what cannot be without it") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    const Subscription by_endpoint{
        .id = Id('S', 1), .project_id = project, .endpoint_id = Id('E', 1)};
    const Subscription by_source{.id = Id('S', 2),
                                 .project_id = project,
                                 .source_id = Id('O', 1),
                                 .endpoint_id = Id('E', 2)};
    const Source source{.id = Id('O', 1), .project_id = project, .mask_id = "mask", .name = "s"};
    const ApiKey key{.id = Id('K', 1), .mask_id = "keymask", .project_id = project};
    REQUIRE(Put(storage, project, 0,
                {MakeEndpoint(project, 1), MakeEndpoint(project, 2), source, by_endpoint, by_source,
                 key})
                .status.ok());
    CHECK(storage.FindSourceByMask("mask").value() == source);
    CHECK(storage.FindApiKeyByMask("keymask").value() == key);
    CHECK(storage.ListApiKeys(project).value() == std::vector{key});
    const auto remove = [&](ConfigKind kind, const std::string& id, const std::string& scope) {
      WriteBatch batch;
      batch.config.push_back({.scope = scope,
                              .expected_revision = storage.ConfigRevision(scope).value(),
                              .removes = {{kind, id}}});
      REQUIRE(CommitOne(storage, std::move(batch)).status.ok());
    };
    remove(ConfigKind::kEndpoint, Id('E', 1), project);
    CHECK(storage.LoadProject(project).value().subscriptions == std::vector{by_source});
    remove(ConfigKind::kSource, source.id, project);
    CHECK(storage.LoadProject(project).value().subscriptions.empty());
    const Event event = MakeEvent(project, 1);
    REQUIRE(Submit(storage, event, {MakeDelivery(event, Id('E', 2), 1, kNow)},
                   DedupeKey{.scope = project, .key = "k"})
                .status.ok());
    const uint64_t revision = storage.ConfigRevision(project).value();
    remove(ConfigKind::kProject, project, "");
    CHECK(storage.ConfigRevision(project).value() > revision);
    CHECK_FALSE(storage.GetEvent(project, event.id).ok());
    CHECK_FALSE(storage.GetDelivery(project, Id('D', 1)).ok());
    CHECK_FALSE(storage.FindApiKeyByMask("keymask").ok());
    CHECK(storage.ClaimDue({.now = kNow}).value().deliveries.empty());
  });
}

TEST_CASE("storage: a delivery is handed out once until its lease ends") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    const Event event = MakeEvent(project, 1);
    REQUIRE(Submit(storage, event,
                   {MakeDelivery(event, Id('E', 1), 1, kNow + absl::Seconds(5)),
                    MakeDelivery(event, Id('E', 2), 2, kNow)})
                .status.ok());
    const Claim first = storage.ClaimDue({.now = kNow, .lease = absl::Seconds(60)}).value();
    REQUIRE(first.deliveries.size() == 1);
    CHECK(first.deliveries[0].delivery.id == Id('D', 2));
    CHECK(first.deliveries[0].delivery.status == DeliveryStatus::kProcessing);
    CHECK(*first.deliveries[0].event == event);
    CHECK(first.next_due_at == kNow + absl::Seconds(5));
    CHECK(storage.ClaimDue({.now = kNow}).value().deliveries.empty());
    const Claim later = storage.ClaimDue({.now = kNow + absl::Seconds(60)}).value();
    CHECK(later.deliveries.size() == 2);  // the other became due, and the first lease has ended
  });
}

TEST_CASE("storage: an outcome counts only while its lease holds; the attempt is kept anyway") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    const Event event = MakeEvent(project, 1);
    REQUIRE(Submit(storage, event, {MakeDelivery(event, Id('E', 1), 1, kNow)}).status.ok());
    const Claim lost = storage.ClaimDue({.now = kNow, .lease = absl::Seconds(1)}).value();
    const Claim held = storage.ClaimDue({.now = kNow + absl::Seconds(2)}).value();
    REQUIRE(held.deliveries.size() == 1);
    const auto update = [&](const ClaimedDelivery& claimed, int attempt, DeliveryStatus status) {
      DeliveryUpdate next{.lease = claimed.lease, .delivery = claimed.delivery};
      next.delivery.status = status;
      next.delivery.attempts_count = 1;
      next.delivery.due_at = kNow + absl::Seconds(30);
      next.delivery.description = "why";
      next.attempt = Attempt{.id = Id('A', attempt),
                             .project_id = project,
                             .delivery_id = Id('D', 1),
                             .endpoint_id = Id('E', 1),
                             .url = "u",
                             .request_headers = {{"a", "b"}},
                             .http_status = 500,
                             .response_headers = {{"c", "\xff"}},
                             .response_body = std::string("\0\xfe", 2),
                             .remote_ip = "1.2.3.4",
                             .error = "e",
                             .requested_at = kNow,
                             .responded_at = kNow + absl::Milliseconds(1)};
      WriteBatch batch;
      batch.updates.push_back(next);
      const CommitResult result = CommitOne(storage, std::move(batch));
      REQUIRE(result.status.ok());
      return std::pair(bool(result.updates_applied.front()), next);
    };
    CHECK_FALSE(update(lost.deliveries[0], 1, DeliveryStatus::kSuccess).first);
    CHECK(storage.GetDelivery(project, Id('D', 1)).value().status == DeliveryStatus::kProcessing);
    const auto [is_applied, next] = update(held.deliveries[0], 2, DeliveryStatus::kRetry);
    CHECK(is_applied);
    CHECK(storage.GetDelivery(project, Id('D', 1)).value() == next.delivery);
    CHECK(storage.ListAttempts(project, Id('D', 1)).value().size() == 2);
    CHECK(storage.GetAttempt(project, Id('D', 1), Id('A', 2)).value() == *next.attempt);
    CHECK_FALSE(storage.GetAttempt("other", Id('D', 1), Id('A', 2)).ok());
    CHECK(storage.ClaimDue({.now = kNow + absl::Seconds(29)}).value().deliveries.empty());
    CHECK(storage.ClaimDue({.now = kNow + absl::Seconds(30)}).value().deliveries.size() == 1);
  });
}

TEST_CASE("storage: claims given back are due as before") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    const Event event = MakeEvent(project, 1);
    REQUIRE(Submit(storage, event, {MakeDelivery(event, Id('E', 1), 1, kNow)}).status.ok());
    REQUIRE(storage.ClaimDue({.now = kNow}).value().deliveries.size() == 1);
    REQUIRE(storage.ReleaseClaims().ok());
    CHECK(storage.GetDelivery(project, Id('D', 1)).value().status == DeliveryStatus::kScheduled);
    CHECK(storage.ClaimDue({.now = kNow}).value().deliveries.size() == 1);
  });
}

TEST_CASE("storage: claiming is fair between endpoints and skips those it is told to") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    const Event event = MakeEvent(project, 1);
    std::vector<Delivery> deliveries;
    for (int i = 0; i < 300; ++i) {
      deliveries.push_back(MakeDelivery(event, Id('E', 1), i, kNow - absl::Hours(1)));
    }
    for (int i = 300; i < 310; ++i) deliveries.push_back(MakeDelivery(event, Id('E', i), i, kNow));
    REQUIRE(Submit(storage, event, deliveries).status.ok());
    const Claim claim = storage.ClaimDue({.now = kNow, .items_max = 22}).value();
    std::set<std::string> endpoints;
    for (const auto& claimed : claim.deliveries) endpoints.insert(claimed.delivery.endpoint_id);
    CHECK(endpoints.size() == 11);  // the backlog of one does not keep the others out
    CHECK(claim.next_due_at <= kNow);

    const Claim rest =
        storage
            .ClaimDue(
                {.now = kNow, .items_per_endpoint_max = 4, .skipped_endpoint_ids = {Id('E', 305)}})
            .value();
    CHECK(rest.deliveries.size() <= 4 + 9);
    for (const auto& claimed : rest.deliveries) {
      CHECK(claimed.delivery.endpoint_id != Id('E', 305));
    }
  });
}

TEST_CASE("storage: a delivery is put back on schedule only from the states that are named") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    const Event event = MakeEvent(project, 1);
    Delivery failed = MakeDelivery(event, Id('E', 1), 1, kNow);
    failed.status = DeliveryStatus::kFailure;
    failed.attempts_count = 3;
    REQUIRE(Submit(storage, event, {failed}).status.ok());
    CHECK(storage.ClaimDue({.now = kNow}).value().deliveries.empty());
    const auto requeue = [&](const std::string& owner, DeliveryStatus from) {
      WriteBatch batch;
      batch.requeues.push_back({.project_id = owner,
                                .delivery_id = failed.id,
                                .from = {from},
                                .due_at = kNow + absl::Seconds(1)});
      return bool(CommitOne(storage, std::move(batch)).requeues_applied.front());
    };
    CHECK_FALSE(requeue(project, DeliveryStatus::kSuccess));
    CHECK_FALSE(requeue("other", DeliveryStatus::kFailure));
    CHECK(requeue(project, DeliveryStatus::kFailure));
    CHECK_FALSE(requeue(project, DeliveryStatus::kFailure));
    const Claim claim = storage.ClaimDue({.now = kNow + absl::Seconds(1)}).value();
    REQUIRE(claim.deliveries.size() == 1);
    CHECK(claim.deliveries[0].delivery.attempts_count == 0);
  });
}

TEST_CASE("storage: lists are walked in both directions without gaps or repetition") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    std::vector<ConfigObject> endpoints;
    for (int i = 0; i < 25; ++i) endpoints.push_back(MakeEndpoint(project, i));
    endpoints.push_back(MakeEndpoint("other", 99));
    REQUIRE(Put(storage, project, 0, endpoints).status.ok());
    for (const bool is_ascending : {false, true}) {
      for (const uint32_t size : {1u, 7u, 25u, 30u}) {
        std::vector<std::string> forward;
        PageRequest request{.is_ascending = is_ascending, .items_max = size};
        Page<Endpoint> page;
        while (true) {
          page = storage.ListEndpoints({.project_id = project}, request).value();
          for (const Endpoint& endpoint : page.items) forward.push_back(endpoint.id);
          CHECK(page.has_prev == !request.cursor.empty());
          if (!page.has_next) break;
          request.cursor = page.next_cursor;
        }
        REQUIRE(forward.size() == 25);
        CHECK(std::is_sorted(forward.begin(), forward.end()) == is_ascending);
        std::vector<std::string> backward;
        for (const Endpoint& endpoint : page.items) backward.push_back(endpoint.id);
        while (page.has_prev) {
          page = storage
                     .ListEndpoints({.project_id = project}, {.cursor = page.prev_cursor,
                                                              .is_backward = true,
                                                              .is_ascending = is_ascending,
                                                              .items_max = size})
                     .value();
          CHECK(page.has_next);
          std::vector<std::string> ids;
          for (const Endpoint& endpoint : page.items) ids.push_back(endpoint.id);
          backward.insert(backward.begin(), ids.begin(), ids.end());
        }
        CHECK(backward == forward);
      }
    }
  });
}

TEST_CASE("storage: lists select what is asked for, and nothing by accident") {
  ForEachStore([](Storage& storage) {
    const std::string project = SetUpProject(storage);
    Endpoint special = MakeEndpoint(project, 1);
    special.name = "100%_Sure\\";
    special.owner_id = "me";
    REQUIRE(Put(storage, project, 0, {special, MakeEndpoint(project, 2)}).status.ok());
    const auto count = [&](const std::string& part, const std::string& owner) {
      return storage
          .ListEndpoints({.project_id = project, .name_contains = part, .owner_id = owner}, {})
          .value()
          .items.size();
    };
    CHECK(count("", "") == 2);
    CHECK(count("sure", "") == 1);
    CHECK(count("%", "") == 1);
    CHECK(count("_", "") == 1);
    CHECK(count("\\", "") == 1);
    CHECK(count("x%", "") == 0);
    CHECK(count("", "me") == 1);
    CHECK(count("' OR 1=1 --", "") == 0);

    for (int i = 0; i < 4; ++i) {
      Event event = MakeEvent(project, i);
      event.source_id = i < 2 ? Id('O', 1) : "";
      event.idempotency_key = i == 3 ? "key" : "";
      event.event_type = i == 0 ? "zero" : "type";
      event.endpoint_ids = {Id('E', i)};
      Delivery delivery = MakeDelivery(event, Id('E', i), i, kNow);
      delivery.status = static_cast<DeliveryStatus>(i);
      REQUIRE(Submit(storage, event, {delivery}).status.ok());
    }
    const auto events = [&](EventQuery query) {
      query.project_id = project;
      std::string found;
      const Page<Event> page = storage.ListEvents(query, {}).value();
      for (const Event& event : page.items) {
        found += event.id.back();
      }
      return found;
    };
    CHECK(events({}) == "3210");
    CHECK(events({.endpoint_ids = {Id('E', 1), Id('E', 2)}}) == "21");
    CHECK(events({.source_ids = {Id('O', 1)}}) == "10");
    CHECK(events({.idempotency_key = "key"}) == "3");
    CHECK(events({.event_type = "zero"}) == "0");
    CHECK(events({.created_from = kNow + absl::Seconds(1),
                  .created_until = kNow + absl::Seconds(2)}) == "21");
    const auto deliveries = [&](DeliveryQuery query) {
      query.project_id = project;
      std::string found;
      const Page<Delivery> page = storage.ListDeliveries(query, {}).value();
      for (const Delivery& delivery : page.items) {
        found += delivery.id.back();
      }
      return found;
    };
    CHECK(deliveries({}) == "3210");
    CHECK(deliveries({.event_id = Id('V', 2)}) == "2");
    CHECK(deliveries({.subscription_id = Id('S', 1), .endpoint_ids = {Id('E', 0)}}) == "0");
    CHECK(deliveries({.statuses = {DeliveryStatus::kScheduled, DeliveryStatus::kRetry}}) == "20");
    CHECK(deliveries({.event_type = "none"}).empty());
  });
}

TEST_CASE("storage: a writable store says so") {
  ForEachStore([](Storage& storage) { CHECK(storage.CheckWritable().ok()); });
}

}  // namespace
}  // namespace convoy::testing
