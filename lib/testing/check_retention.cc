// Checks of retention: removed and kept records, and the size of a piece.
#include <utility>
#include <vector>

#include "lib/testing/storage_requirements.h"
#include "lib/testing/storage_samples.h"

namespace convoy::testing {
namespace {

std::string ProjectId() { return MakeProject(1).id; }

// The instant that event `number` was made at.
absl::Time MadeAt(int number) { return SampleEpoch() + absl::Seconds(number); }

// Stores event `number` with a delivery in each of the states; their numbers are 10 * number, …
void Store(Expectations& expect, Storage& storage, int number,
           const std::vector<DeliveryStatus>& statuses) {
  const Event event = MakeEvent(ProjectId(), number);
  std::vector<Delivery> deliveries;
  for (size_t i = 0; i < statuses.size(); ++i) {
    const int delivery_number = 10 * number + static_cast<int>(i);
    deliveries.push_back(MakeDelivery(event, Id('E', 1), delivery_number, event.created_at));
    deliveries.back().status = statuses[i];
  }
  CONVOY_REQUIRE_OK(Submit(storage, event, std::move(deliveries)).status);
}

bool HasEvent(Storage& storage, int number) {
  return storage.GetEvent(ProjectId(), EventId(number)).ok();
}

bool HasDelivery(Storage& storage, int number) {
  return storage.GetDelivery(ProjectId(), Id('D', number)).ok();
}

// Claims the one delivery that is due and ends it well.
DeliveryUpdate DeliverDue(Expectations& expect, Storage& storage, absl::Time now) {
  const Claim claim = CONVOY_VALUE(storage.ClaimDue({.now = now}));
  if (!CONVOY_EXPECT(claim.deliveries.size() == 1)) return {};
  DeliveryUpdate update{.lease = claim.deliveries[0].lease,
                        .delivery = claim.deliveries[0].delivery,
                        .attempt = MakeAttempt(claim.deliveries[0].delivery, 1)};
  update.delivery.status = DeliveryStatus::kSuccess;
  CONVOY_EXPECT(Update(storage, update).updates_applied == std::vector<bool>{true});
  return update;
}

void CheckWhatGoes(Expectations& expect, Storage& storage) {
  Store(expect, storage, 1, {DeliveryStatus::kScheduled});
  DeliverDue(expect, storage, MadeAt(9));
  Store(expect, storage, 2, {DeliveryStatus::kFailure, DeliveryStatus::kDiscarded});
  Store(expect, storage, 3, {});
  Store(expect, storage, 4, {DeliveryStatus::kSuccess});
  CONVOY_EXPECT(CONVOY_VALUE(storage.Prune({.events_before = MadeAt(1)})).events_count == 0);
  CONVOY_EXPECT(HasEvent(storage, 1));

  const Pruned pruned = CONVOY_VALUE(storage.Prune({.events_before = MadeAt(4)}));
  CONVOY_EXPECT(pruned.events_count == 3 && pruned.deliveries_count == 3);
  CONVOY_EXPECT(pruned.attempts_count == 1 && pruned.keys_count == 0);
  CONVOY_EXPECT(pruned.last_event_id == EventId(3) && !pruned.may_have_more);
  for (int number : {1, 2, 3}) CONVOY_EXPECT(!HasEvent(storage, number));
  for (int number : {10, 20, 21}) CONVOY_EXPECT(!HasDelivery(storage, number));
  const auto attempt = storage.GetAttempt(ProjectId(), Id('D', 10), Id('A', 1));
  CONVOY_EXPECT(absl::IsNotFound(attempt.status()));
  CONVOY_EXPECT(HasEvent(storage, 4) && HasDelivery(storage, 40));

  const Pruned again = CONVOY_VALUE(storage.Prune({.events_before = MadeAt(4)}));
  CONVOY_EXPECT(again.events_count == 0 && !again.may_have_more);
}

// Of one project: others' events stay, and so do keys.
void CheckOfProject(Expectations& expect, Storage& storage) {
  for (int number : {1, 2, 3}) Store(expect, storage, number, {DeliveryStatus::kSuccess});
  Store(expect, storage, 4, {DeliveryStatus::kScheduled});
  const std::string other = MakeProject(2).id;
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(other, 5), {},
                           DedupeKey{.scope = other, .key = "k", .expires_at = MadeAt(1)})
                        .status);
  PruneRequest request{.events_before = MadeAt(9),
                       .project_id = "none",
                       .keys_expired_by = MadeAt(9),
                       .items_max = 2};
  CONVOY_EXPECT(CONVOY_VALUE(storage.Prune(request)).events_count == 0);
  request.project_id = ProjectId();
  const Pruned first = CONVOY_VALUE(storage.Prune(request));
  CONVOY_EXPECT(first.events_count > 0 && first.keys_count == 0 && first.may_have_more);
  uint64_t events_count = first.events_count;
  request.after_event_id = first.last_event_id;
  for (int calls_count = 0; calls_count < 5; ++calls_count) {
    const Pruned pruned = CONVOY_VALUE(storage.Prune(request));
    events_count += pruned.events_count;
    request.after_event_id = pruned.last_event_id;
    if (!pruned.may_have_more) break;
  }
  CONVOY_EXPECT(events_count == 3);
  for (int number : {1, 2, 3}) CONVOY_EXPECT(!HasEvent(storage, number));
  CONVOY_EXPECT(HasEvent(storage, 4) && HasDelivery(storage, 40));
  CONVOY_EXPECT(storage.GetEvent(other, EventId(5)).ok());
}

void CheckUnfinished(Expectations& expect, Storage& storage) {
  Store(expect, storage, 1, {DeliveryStatus::kScheduled});
  const Claim claim = CONVOY_VALUE(storage.ClaimDue({.now = MadeAt(1)}));
  CONVOY_REQUIRE(claim.deliveries.size() == 1);  // from here on it is being processed
  Store(expect, storage, 2, {DeliveryStatus::kSuccess, DeliveryStatus::kScheduled});
  Store(expect, storage, 3, {DeliveryStatus::kRetry, DeliveryStatus::kSuccess});
  Store(expect, storage, 4, {DeliveryStatus::kSuccess});
  Store(expect, storage, 5, {DeliveryStatus::kScheduled});
  // Two at a time: those that have not ended are passed, and not looked at a second time.
  PruneRequest request{.events_before = MadeAt(9), .items_max = 2};
  std::vector<std::string> positions;
  uint64_t events_count = 0;
  for (int calls_count = 0; calls_count < 5; ++calls_count) {
    const Pruned pruned = CONVOY_VALUE(storage.Prune(request));
    events_count += pruned.events_count;
    positions.push_back(pruned.last_event_id);
    request.after_event_id = pruned.last_event_id;
    if (!pruned.may_have_more) break;
  }
  CONVOY_EXPECT(events_count == 1 && !HasEvent(storage, 4));
  CONVOY_EXPECT(positions == std::vector{EventId(2), EventId(4), EventId(5)});
  for (int number : {1, 2, 3, 5}) CONVOY_EXPECT(HasEvent(storage, number));
  for (int number : {10, 20, 21, 30, 31, 50}) CONVOY_EXPECT(HasDelivery(storage, number));
  // The claim still counts, and its event goes as soon as it has ended.
  DeliveryUpdate update{.lease = claim.deliveries[0].lease,
                        .delivery = claim.deliveries[0].delivery};
  update.delivery.status = DeliveryStatus::kFailure;
  CONVOY_EXPECT(Update(storage, update).updates_applied == std::vector<bool>{true});
  CONVOY_EXPECT(CONVOY_VALUE(storage.Prune({.events_before = MadeAt(9)})).events_count == 1);
  CONVOY_EXPECT(!HasEvent(storage, 1) && !HasDelivery(storage, 10));
}

void CheckBounds(Expectations& expect, Storage& storage) {
  Store(expect, storage, 1, std::vector<DeliveryStatus>(8, DeliveryStatus::kSuccess));
  for (int number = 2; number <= 9; ++number) Store(expect, storage, number, {});
  for (int number = 20; number < 27; ++number) {
    CONVOY_REQUIRE_OK(
        Submit(storage, MakeEvent(ProjectId(), number), {},
               DedupeKey{
                   .scope = ProjectId(), .key = std::to_string(number), .expires_at = MadeAt(30)})
            .status);
  }
  const PruneRequest request{
      .events_before = MadeAt(10), .keys_expired_by = MadeAt(30), .items_max = 3};
  const Pruned first = CONVOY_VALUE(storage.Prune(request));
  CONVOY_EXPECT(first.events_count == 1 && first.deliveries_count == 8 && first.keys_count == 3);
  CONVOY_EXPECT(first.may_have_more);
  const Pruned second = CONVOY_VALUE(storage.Prune(request));
  CONVOY_EXPECT(second.events_count == 3 && second.keys_count == 3 && second.may_have_more);
  const Pruned third = CONVOY_VALUE(storage.Prune(request));
  CONVOY_EXPECT(third.events_count == 3 && third.keys_count == 1 && third.may_have_more);
  const Pruned last = CONVOY_VALUE(storage.Prune(request));
  CONVOY_EXPECT(last.events_count == 2 && last.keys_count == 0 && !last.may_have_more);
}

void CheckKeys(Expectations& expect, Storage& storage) {
  const auto key = [](std::string text, absl::Time expires_at) {
    return DedupeKey{.scope = ProjectId(), .key = std::move(text), .expires_at = expires_at};
  };
  const auto submit = [&](int number, const DedupeKey& dedupe) {
    const CommitResult result = Submit(storage, MakeEvent(ProjectId(), number), {}, dedupe);
    return result.submissions == std::vector{SubmissionOutcome::kAccepted};
  };
  CONVOY_EXPECT(submit(1, key("short", MadeAt(5))));
  CONVOY_EXPECT(submit(2, key("long", MadeAt(50))));
  CONVOY_EXPECT(submit(3, key("for ever", absl::InfiniteFuture())));
  CONVOY_EXPECT(!submit(4, key("long", MadeAt(50))));
  const Pruned pruned =
      CONVOY_VALUE(storage.Prune({.events_before = MadeAt(9), .keys_expired_by = MadeAt(5)}));
  // The record of a duplicate is an event like any other, and goes with them.
  CONVOY_EXPECT(pruned.events_count == 4 && pruned.keys_count == 1);
  CONVOY_EXPECT(!submit(11, key("long", MadeAt(50))));
  CONVOY_EXPECT(submit(12, key("short", MadeAt(60))));
  CONVOY_EXPECT(!submit(13, key("short", MadeAt(60))));
  const Pruned keys = CONVOY_VALUE(storage.Prune({.keys_expired_by = absl::InfiniteFuture()}));
  CONVOY_EXPECT(keys.events_count == 0 && keys.keys_count == 2);
  CONVOY_EXPECT(!submit(14, key("for ever", absl::InfiniteFuture())));
}

void CheckLateComers(Expectations& expect, Storage& storage) {
  Store(expect, storage, 1, {DeliveryStatus::kScheduled});
  DeliveryUpdate late = DeliverDue(expect, storage, MadeAt(1));
  CONVOY_EXPECT(CONVOY_VALUE(storage.Prune({.events_before = MadeAt(2)})).events_count == 1);

  late.attempt->id = Id('A', 2);
  CONVOY_EXPECT(Update(storage, late).updates_applied == std::vector<bool>{false});
  WriteBatch batch;
  batch.requeues.push_back({.project_id = ProjectId(),
                            .delivery_id = Id('D', 10),
                            .from = {DeliveryStatus::kSuccess},
                            .due_at = MadeAt(2)});
  batch.extra_deliveries.push_back(
      MakeDelivery(MakeEvent(ProjectId(), 1), Id('E', 1), 11, MadeAt(2)));
  const CommitResult result = CommitOne(storage, std::move(batch));
  CONVOY_REQUIRE_OK(result.status);
  CONVOY_EXPECT(result.requeues_applied == std::vector<bool>{false});
  CONVOY_EXPECT(!HasDelivery(storage, 10) && !HasDelivery(storage, 11));
  CONVOY_EXPECT(CONVOY_VALUE(storage.ClaimDue({.now = MadeAt(9)})).deliveries.empty());
}

void CheckReplayed(Expectations& expect, Storage& storage) {
  for (int number : {1, 2}) Store(expect, storage, number, {DeliveryStatus::kSuccess});
  WriteBatch batch;
  batch.extra_deliveries.push_back(
      MakeDelivery(MakeEvent(ProjectId(), 1), Id('E', 1), 90, MadeAt(8)));
  batch.requeues.push_back({.project_id = ProjectId(),
                            .delivery_id = Id('D', 20),
                            .from = {DeliveryStatus::kSuccess},
                            .due_at = MadeAt(9)});
  CONVOY_REQUIRE_OK(CommitOne(storage, std::move(batch)).status);
  CONVOY_EXPECT(CONVOY_VALUE(storage.Prune({.events_before = MadeAt(5)})).events_count == 0);
  DeliverDue(expect, storage, MadeAt(8));
  const Pruned first = CONVOY_VALUE(storage.Prune({.events_before = MadeAt(5)}));
  CONVOY_EXPECT(first.events_count == 1 && first.deliveries_count == 2);
  CONVOY_EXPECT(HasEvent(storage, 2));
}

void CheckCursors(Expectations& expect, Storage& storage) {
  for (int number = 1; number <= 6; ++number) Store(expect, storage, number, {});
  const auto list = [&](const PageRequest& page) {
    return CONVOY_VALUE(storage.ListEvents({.project_id = ProjectId()}, page));
  };
  // Each time the row that the cursor stands on goes.
  PageRequest up{.is_ascending = true, .items_max = 2};
  up.cursor = list(up).next_cursor;
  CONVOY_EXPECT(CONVOY_VALUE(storage.Prune({.events_before = MadeAt(5)})).events_count == 4);
  const Page<Event> above = list(up);
  CONVOY_REQUIRE(above.items.size() == 2);
  CONVOY_EXPECT(above.items[0].id == EventId(5) && !above.has_next && !above.has_prev);

  PageRequest down{.items_max = 1};
  down.cursor = list(down).next_cursor;
  CONVOY_EXPECT(CONVOY_VALUE(storage.Prune({.events_before = MadeAt(6)})).events_count == 1);
  const Page<Event> below = list(down);
  CONVOY_EXPECT(below.items.empty() && !below.has_next && below.has_prev);
}

void CheckTwoPruners(Expectations& expect, StorageFactory& stores) {
  const auto first = CONVOY_VALUE(stores.OpenEmpty());
  CONVOY_REQUIRE(first != nullptr);
  const auto second = CONVOY_VALUE(stores.OpenAgain());
  CONVOY_REQUIRE(second != nullptr);
  for (int number = 1; number <= 8; ++number) {
    Store(expect, *first, number, {DeliveryStatus::kSuccess});
  }
  // Each goes its own way through the events; what the other took is just not there any more.
  PruneRequest requests[2];
  uint64_t events_count = 0;
  for (int turn = 0; turn < 20; ++turn) {
    PruneRequest& request = requests[turn % 2];
    request.events_before = MadeAt(7);
    request.items_max = 2;
    const Pruned pruned = CONVOY_VALUE((turn % 2 == 0 ? first : second)->Prune(request));
    events_count += pruned.events_count;
    request.after_event_id = pruned.may_have_more ? pruned.last_event_id : "";
  }
  CONVOY_EXPECT(events_count == 6);
  CONVOY_EXPECT(!HasEvent(*first, 6) && !HasEvent(*second, 6));
  CONVOY_EXPECT(HasEvent(*first, 7) && HasEvent(*second, 8));
}

constexpr StorageRequirement kRequirements[] = {
    {"events that have ended and are old enough go, with all that is theirs", CheckWhatGoes},
    {"of one project only its events go", CheckOfProject},
    {"an event that has not ended stays, and holds nothing up", CheckUnfinished},
    {"pruning goes in bounded pieces", CheckBounds},
    {"an expired key goes, a living one outlives its event", CheckKeys},
    {"nothing comes back to an event that was pruned", CheckLateComers},
    {"an event that is sent again stays until that has ended", CheckReplayed},
    {"a list goes on behind a row that was pruned", CheckCursors},
    {.sentence = "two openers may prune one store", .check_openers = CheckTwoPruners},
};

}  // namespace

std::span<const StorageRequirement> RetentionRequirements() { return kRequirements; }

}  // namespace convoy::testing
