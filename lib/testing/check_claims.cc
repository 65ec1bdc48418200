// Checks of claims: due deliveries are handed out once, fairly, until the lease ends.
#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "lib/testing/storage_requirements.h"
#include "lib/testing/storage_samples.h"

namespace convoy::testing {
namespace {

const Event& SampleEvent() {
  static const Event* const kEvent = new Event(MakeEvent(MakeProject(1).id, 1));
  return *kEvent;
}

void CheckLeases(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  CONVOY_REQUIRE(Submit(storage, SampleEvent(),
                        {MakeDelivery(SampleEvent(), Id('E', 1), 1, now + absl::Seconds(5)),
                         MakeDelivery(SampleEvent(), Id('E', 2), 2, now)})
                     .status.ok());
  const Claim first = CONVOY_VALUE(storage.ClaimDue({.now = now, .lease = absl::Seconds(60)}));
  CONVOY_REQUIRE(first.deliveries.size() == 1);
  CONVOY_EXPECT(first.deliveries[0].lease != 0);
  CONVOY_EXPECT(first.deliveries[0].delivery.id == Id('D', 2));
  CONVOY_EXPECT(first.deliveries[0].delivery.status == DeliveryStatus::kProcessing);
  CONVOY_EXPECT(*first.deliveries[0].event == SampleEvent());
  CONVOY_EXPECT(first.next_due_at == now + absl::Seconds(5));
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(SampleEvent().project_id, Id('D', 2))).status ==
                DeliveryStatus::kProcessing);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ClaimDue({.now = now})).deliveries.empty());
  const Claim later = CONVOY_VALUE(storage.ClaimDue({.now = now + absl::Seconds(60)}));
  // The other became due, and the first lease has ended.
  CONVOY_REQUIRE(later.deliveries.size() == 2);
  CONVOY_EXPECT(later.deliveries[0].lease != later.deliveries[1].lease);
  for (const ClaimedDelivery& claimed : later.deliveries) {
    CONVOY_EXPECT(claimed.lease != first.deliveries[0].lease);
  }
}

void CheckReleasing(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  Delivery tried = MakeDelivery(SampleEvent(), Id('E', 2), 2, now);
  tried.status = DeliveryStatus::kRetry;
  tried.attempts_count = 1;
  CONVOY_REQUIRE(
      Submit(storage, SampleEvent(), {MakeDelivery(SampleEvent(), Id('E', 1), 1, now), tried})
          .status.ok());
  const Claim claim = CONVOY_VALUE(storage.ClaimDue({.now = now}));
  CONVOY_REQUIRE(claim.deliveries.size() == 2);
  CONVOY_REQUIRE_OK(storage.ReleaseClaims());
  const std::string project = SampleEvent().project_id;
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(project, Id('D', 1))) ==
                MakeDelivery(SampleEvent(), Id('E', 1), 1, now));
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(project, Id('D', 2))) == tried);
  // The lease ended with it.
  DeliveryUpdate late{.lease = claim.deliveries[0].lease, .delivery = claim.deliveries[0].delivery};
  late.delivery.status = DeliveryStatus::kSuccess;
  CONVOY_EXPECT(Update(storage, late).updates_applied == std::vector<bool>{false});
  CONVOY_EXPECT(CONVOY_VALUE(storage.ClaimDue({.now = now})).deliveries.size() == 2);
}

// A claim is the record that a delivery is about to be sent.
void CheckAtMostOnce(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  const std::string project = SampleEvent().project_id;
  std::vector<Delivery> deliveries;
  for (int number = 1; number <= 4; ++number) {
    deliveries.push_back(MakeDelivery(SampleEvent(), Id('E', number), number, now));
    deliveries.back().mode = DeliveryMode::kAtMostOnce;
  }
  CONVOY_REQUIRE_OK(Submit(storage, SampleEvent(), deliveries).status);
  const auto claim = [&](absl::Time at, std::vector<std::string> skipped) {
    return storage.ClaimDue(
        {.now = at, .lease = absl::Seconds(60), .skipped_endpoint_ids = std::move(skipped)});
  };
  // The first was put back, unsent; the second has its outcome; the third ends with its lease, and
  // the fourth when claims are given back.
  const Claim first = CONVOY_VALUE(claim(now, {Id('E', 4)}));
  CONVOY_REQUIRE(first.deliveries.size() == 3);
  for (const ClaimedDelivery& claimed : first.deliveries) {
    DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
    if (claimed.delivery.id == Id('D', 3)) continue;
    const bool is_first = claimed.delivery.id == Id('D', 1);
    update.delivery.status = is_first ? DeliveryStatus::kScheduled : DeliveryStatus::kSuccess;
    CONVOY_EXPECT(Update(storage, update).updates_applied == std::vector<bool>{true});
  }
  const Claim later = CONVOY_VALUE(claim(now + absl::Seconds(60), {Id('E', 4)}));
  CONVOY_REQUIRE(later.deliveries.size() == 1);
  CONVOY_EXPECT(later.deliveries[0].delivery.id == Id('D', 1));
  const Delivery third = CONVOY_VALUE(storage.GetDelivery(project, Id('D', 3)));
  CONVOY_EXPECT(third.status == DeliveryStatus::kFailure);
  CONVOY_EXPECT(!third.description.empty());
  const std::vector<Backlog> backlogs = CONVOY_VALUE(storage.ListBacklogs());
  CONVOY_EXPECT(backlogs.size() == 1 && backlogs[0].count == 2);

  const Claim fourth = CONVOY_VALUE(claim(now + absl::Seconds(61), {}));
  CONVOY_REQUIRE(fourth.deliveries.size() == 1);
  CONVOY_REQUIRE_OK(storage.ReleaseClaims());
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(project, Id('D', 4))).status ==
                DeliveryStatus::kFailure);
  CONVOY_EXPECT(CONVOY_VALUE(claim(now + absl::Hours(9), {})).deliveries.empty());
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListBacklogs()).empty());
}

void CheckBacklogs(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  const std::string project = SampleEvent().project_id;
  std::vector<Delivery> deliveries;
  for (int number = 1; number <= 3; ++number) {
    deliveries.push_back(
        MakeDelivery(SampleEvent(), Id('E', number), number, now - absl::Minutes(number)));
  }
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListBacklogs()).empty());
  CONVOY_REQUIRE_OK(Submit(storage, SampleEvent(), deliveries).status);
  const auto is_backlog = [&](uint64_t count, absl::Time oldest_due_at) {
    const absl::StatusOr<std::vector<Backlog>> all = storage.ListBacklogs();
    return all.ok() && all->size() == 1 && all->front().project_id == project &&
           all->front().count == count && all->front().oldest_due_at == oldest_due_at;
  };
  CONVOY_EXPECT(is_backlog(3, now - absl::Minutes(3)));
  // A claimed one has not ended, and is due when its lease is over.
  const absl::Duration lease = absl::Seconds(60);
  const Claim claim = CONVOY_VALUE(
      storage.ClaimDue({.now = now, .lease = lease, .skipped_endpoint_ids = {Id('E', 2)}}));
  CONVOY_REQUIRE(claim.deliveries.size() == 2);
  CONVOY_EXPECT(is_backlog(3, now - absl::Minutes(2)));
  for (const ClaimedDelivery& claimed : claim.deliveries) {
    DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
    update.delivery.status = DeliveryStatus::kSuccess;
    CONVOY_EXPECT(Update(storage, update).updates_applied == std::vector<bool>{true});
  }
  CONVOY_EXPECT(is_backlog(1, now - absl::Minutes(2)));
  // One that has ended counts again once it is put back.
  WriteBatch batch;
  batch.requeues.push_back({.project_id = project,
                            .delivery_id = Id('D', 1),
                            .from = {DeliveryStatus::kSuccess},
                            .due_at = now - absl::Hours(1)});
  CONVOY_REQUIRE_OK(CommitOne(storage, std::move(batch)).status);
  CONVOY_EXPECT(is_backlog(2, now - absl::Hours(1)));
  for (const ClaimedDelivery& claimed :
       CONVOY_VALUE(storage.ClaimDue({.now = now, .lease = lease})).deliveries) {
    DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
    update.delivery.status = DeliveryStatus::kFailure;
    CONVOY_EXPECT(Update(storage, update).updates_applied == std::vector<bool>{true});
  }
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListBacklogs()).empty());
}

void CheckFairness(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  std::vector<Delivery> deliveries;
  for (int i = 0; i < 300; ++i) {
    deliveries.push_back(MakeDelivery(SampleEvent(), Id('E', 1), i, now - absl::Hours(1)));
  }
  for (int i = 300; i < 310; ++i) {
    deliveries.push_back(MakeDelivery(SampleEvent(), Id('E', i), i, now));
  }
  for (int i = 310; i < 330; ++i) {
    deliveries.push_back(MakeDelivery(SampleEvent(), Id('E', 305), i, now));
  }
  CONVOY_REQUIRE_OK(Submit(storage, SampleEvent(), deliveries).status);
  const Claim claim = CONVOY_VALUE(storage.ClaimDue({.now = now, .items_max = 22}));
  CONVOY_EXPECT(claim.deliveries.size() <= 22);
  std::set<std::string> endpoints;
  for (const auto& claimed : claim.deliveries) endpoints.insert(claimed.delivery.endpoint_id);
  CONVOY_EXPECT(endpoints.size() == 11);  // the backlog of one does not keep the others out
  CONVOY_EXPECT(claim.next_due_at <= now);

  const Claim rest = CONVOY_VALUE(storage.ClaimDue(
      {.now = now, .items_per_endpoint_max = 4, .skipped_endpoint_ids = {Id('E', 305)}}));
  std::map<std::string, int> counts;
  for (const auto& claimed : rest.deliveries) ++counts[claimed.delivery.endpoint_id];
  CONVOY_EXPECT(!counts.contains(Id('E', 305)));
  CONVOY_EXPECT(std::all_of(counts.begin(), counts.end(),
                            [](const auto& entry) { return entry.second <= 4; }));
  CONVOY_EXPECT(counts[Id('E', 1)] > 0);

  const Claim chosen = CONVOY_VALUE(storage.ClaimDue(
      {.now = now, .items_per_endpoint_max = 1, .items_max_of_endpoint = {{Id('E', 1), 3}}}));
  counts.clear();
  for (const auto& claimed : chosen.deliveries) ++counts[claimed.delivery.endpoint_id];
  CONVOY_EXPECT(counts[Id('E', 1)] == 3);
  CONVOY_EXPECT(std::all_of(counts.begin(), counts.end(), [](const auto& entry) {
    return entry.first == Id('E', 1) || entry.second == 1;
  }));
}

void CheckSkippedAlone(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  CONVOY_REQUIRE(Submit(storage, SampleEvent(),
                        {MakeDelivery(SampleEvent(), Id('E', 1), 1, now),
                         MakeDelivery(SampleEvent(), Id('E', 2), 2, now + absl::Seconds(9))})
                     .status.ok());
  const Claim claim =
      CONVOY_VALUE(storage.ClaimDue({.now = now, .skipped_endpoint_ids = {Id('E', 1)}}));
  CONVOY_EXPECT(claim.deliveries.empty());
  CONVOY_EXPECT(claim.next_due_at == now + absl::Seconds(9));  // of those that are not skipped
  const Claim none = CONVOY_VALUE(
      storage.ClaimDue({.now = now, .skipped_endpoint_ids = {Id('E', 1), Id('E', 2)}}));
  CONVOY_EXPECT(none.deliveries.empty());
  CONVOY_EXPECT(none.next_due_at == absl::InfiniteFuture());
}

// However small the portions are, a dispatcher that goes on asking gets all that is due, once.
void CheckPortions(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  std::vector<Delivery> deliveries;
  for (int i = 0; i < 60; ++i) {
    deliveries.push_back(
        MakeDelivery(SampleEvent(), Id('E', i % 7), i, now - absl::Seconds(i % 11)));
  }
  CONVOY_REQUIRE_OK(Submit(storage, SampleEvent(), deliveries).status);
  std::set<std::string> claimed_ids;
  size_t claimed_count = 0;
  for (int round = 0; round < 200; ++round) {
    const Claim claim =
        CONVOY_VALUE(storage.ClaimDue({.now = now, .items_max = 3, .items_per_endpoint_max = 2}));
    CONVOY_EXPECT(claim.deliveries.size() <= 3);
    for (const auto& claimed : claim.deliveries) claimed_ids.insert(claimed.delivery.id);
    claimed_count += claim.deliveries.size();
    if (claim.next_due_at > now) break;
  }
  CONVOY_EXPECT(claimed_count == 60);
  CONVOY_EXPECT(claimed_ids.size() == 60);
}

Event MakeLargeEvent(int number, size_t body_bytes) {
  Event event = MakeEvent(SampleEvent().project_id, number);
  event.body = std::string(body_bytes, 'b');
  return event;
}

// Each body counts once, and the first delivery is handed out whatever its size.
void CheckBytes(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  constexpr int kEvents = 12;
  constexpr size_t kBody = 1'000;
  int delivery_number = 0;
  for (int number = 1; number <= kEvents; ++number) {
    const Event event = MakeLargeEvent(number, kBody);
    std::vector<Delivery> deliveries;
    for (int endpoint = 1; endpoint <= 3; ++endpoint) {
      deliveries.push_back(
          MakeDelivery(event, Id('E', endpoint), ++delivery_number, now - absl::Seconds(60)));
    }
    CONVOY_REQUIRE_OK(Submit(storage, event, std::move(deliveries)).status);
  }
  std::set<std::string> claimed_ids;
  for (const uint64_t bytes_max : {2 * kBody + 500, size_t{1}, kBody, 100 * kBody}) {
    const Claim claim = CONVOY_VALUE(storage.ClaimDue({.now = now, .bytes_max = bytes_max}));
    std::set<const Event*> events;
    for (const ClaimedDelivery& claimed : claim.deliveries) {
      CONVOY_EXPECT(claimed_ids.insert(claimed.delivery.id).second);
      CONVOY_EXPECT(claimed.event->body.size() == kBody);
      events.insert(claimed.event.get());
    }
    CONVOY_EXPECT(!claim.deliveries.empty());
    CONVOY_EXPECT(events.size() * kBody <= std::max<uint64_t>(bytes_max, kBody));
    const bool has_all = claimed_ids.size() == kEvents * 3;
    CONVOY_EXPECT(has_all == (claim.next_due_at > now));  // what is left is due
  }
  CONVOY_EXPECT(claimed_ids.size() == kEvents * 3);
}

// A lane that gives one at a time is not kept waiting by another one that is never empty.
void CheckBytesAreShared(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  constexpr int kBacklog = 20;
  for (int number = 1; number <= kBacklog; ++number) {
    const Event event = MakeLargeEvent(number, 1'000);
    CONVOY_REQUIRE_OK(
        Submit(storage, event,
               {MakeDelivery(event, Id('E', 2), number, now - absl::Seconds(60 - number))})
            .status);
  }
  const Event ordered = MakeLargeEvent(kBacklog + 1, 1'000);
  CONVOY_REQUIRE_OK(Submit(storage, ordered,
                           {MakeDelivery(ordered, Id('E', 1), kBacklog + 1,
                                         now - absl::Seconds(55) + absl::Milliseconds(1))})
                        .status);
  ClaimRequest request{
      .now = now, .bytes_max = 1, .policy_of = [](std::string_view, std::string_view endpoint_id) {
        return LanePolicy{.is_fifo = endpoint_id == Id('E', 1)};
      }};
  std::vector<std::string> claimed_ids;
  for (int i = 0; i < 10; ++i) {
    for (const auto& claimed : CONVOY_VALUE(storage.ClaimDue(request)).deliveries) {
      claimed_ids.push_back(claimed.delivery.id);
    }
  }
  CONVOY_EXPECT(claimed_ids.size() == 10);
  CONVOY_EXPECT(std::find(claimed_ids.begin(), claimed_ids.end(), Id('D', kBacklog + 1)) !=
                claimed_ids.end());
}

void CheckThreads(Expectations& expect, Storage& storage) {
  std::vector<Delivery> deliveries;
  for (int i = 0; i < 200; ++i) {
    deliveries.push_back(MakeDelivery(SampleEvent(), Id('E', i % 7), i, SampleEpoch()));
  }
  CONVOY_REQUIRE_OK(Submit(storage, SampleEvent(), deliveries).status);
  std::mutex mutex;
  std::vector<std::string> claimed_ids;
  bool has_failed = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 60; ++i) {
        const auto claim = storage.ClaimDue({.now = SampleEpoch(), .items_max = 10});
        const std::lock_guard lock(mutex);
        has_failed = has_failed || !claim.ok();
        if (!claim.ok()) return;
        for (const auto& claimed : claim->deliveries) claimed_ids.push_back(claimed.delivery.id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CONVOY_EXPECT(!has_failed);
  CONVOY_EXPECT(claimed_ids.size() == 200);
  CONVOY_EXPECT(std::set<std::string>(claimed_ids.begin(), claimed_ids.end()).size() == 200);
}

constexpr StorageRequirement kRequirements[] = {
    {"a delivery is handed out once until its lease ends", CheckLeases},
    {"claims given back are due as before", CheckReleasing},
    {"backlogs count what has not ended, and know what is due longest", CheckBacklogs},
    {"a delivery of mode at_most_once is not handed out again without an outcome", CheckAtMostOnce},
    {"claiming is fair between endpoints and skips those it is told to", CheckFairness},
    {"endpoints that are skipped do not wake the dispatcher", CheckSkippedAlone},
    {"a caller that goes on asking gets all that is due", CheckPortions},
    {"a claim hands out no more bytes than there is room for", CheckBytes},
    {"lanes share the room for bytes in the order of their waiting", CheckBytesAreShared},
    {"threads that claim at the same time share the work", CheckThreads},
};

}  // namespace

std::span<const StorageRequirement> ClaimRequirements() { return kRequirements; }

}  // namespace convoy::testing
