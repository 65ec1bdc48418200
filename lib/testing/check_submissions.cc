// Checks of events and their deliveries: stored as given, once for each key, whole or not at all.
#include <atomic>
#include <thread>

#include "convoy/config_read.h"
#include "lib/testing/storage_requirements.h"
#include "lib/testing/storage_samples.h"

namespace convoy::testing {
namespace {

const std::string& ProjectId() {
  static const std::string* const kId = new std::string(MakeProject(1).id);
  return *kId;
}

void CheckRoundTrip(Expectations& expect, Storage& storage) {
  Event event = MakeEvent(ProjectId(), 1);
  event.endpoint_ids = {Id('E', 1), Id('E', 2)};
  event.idempotency_key = "key";
  const Delivery delivery = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
  const CommitResult result = Submit(storage, event, {delivery});
  CONVOY_REQUIRE_OK(result.status);
  CONVOY_EXPECT(result.submissions == std::vector{SubmissionOutcome::kAccepted});
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetEvent(ProjectId(), event.id)) == event);
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(ProjectId(), delivery.id)) == delivery);
  CONVOY_EXPECT(absl::IsNotFound(storage.GetEvent("other", event.id).status()));
  CONVOY_EXPECT(absl::IsNotFound(storage.GetDelivery("other", delivery.id).status()));
  CONVOY_EXPECT(absl::IsNotFound(storage.GetEvent(ProjectId(), "x").status()));
  CONVOY_EXPECT(absl::IsNotFound(storage.GetDelivery(ProjectId(), "").status()));
}

void CheckKeys(Expectations& expect, Storage& storage) {
  const DedupeKey key{.scope = ProjectId(),
                      .key = std::string("k\0y", 3),
                      .expires_at = SampleEpoch() + absl::Seconds(3)};
  // Whether the event that was created `number` seconds after the epoch is accepted as new.
  const auto is_new = [&](int number, const DedupeKey& with) {
    const Event event = MakeEvent(ProjectId(), number);
    const CommitResult result =
        Submit(storage, event, {MakeDelivery(event, Id('E', 1), number, SampleEpoch())}, with);
    return result.submissions == std::vector{SubmissionOutcome::kAccepted};
  };
  CONVOY_EXPECT(is_new(1, key));
  CONVOY_EXPECT(!is_new(2, key));
  DedupeKey other = key;
  other.scope = "elsewhere";
  CONVOY_EXPECT(is_new(3, other));
  DedupeKey renewed = key;
  renewed.expires_at = absl::InfiniteFuture();
  CONVOY_EXPECT(is_new(4, renewed));  // three seconds are over
  CONVOY_EXPECT(!is_new(5, key));

  const Event duplicate = CONVOY_VALUE(storage.GetEvent(ProjectId(), EventId(2)));
  CONVOY_EXPECT(duplicate.is_duplicate);
  CONVOY_EXPECT(duplicate.endpoint_ids.empty());
  CONVOY_EXPECT(duplicate.body == MakeEvent(ProjectId(), 2).body);
  CONVOY_EXPECT(absl::IsNotFound(storage.GetDelivery(ProjectId(), Id('D', 2)).status()));
}

void CheckKeysWithinCommit(Expectations& expect, Storage& storage) {
  std::vector<WriteBatch> batches(3);
  std::vector<WriteBatch*> pointers;
  for (int i = 0; i < 3; ++i) {
    batches[i].submissions.push_back({.event = MakeEvent(ProjectId(), i),
                                      .dedupe = DedupeKey{.scope = ProjectId(), .key = "k"}});
    pointers.push_back(&batches[i]);
  }
  std::vector<CommitResult> results(3);
  CONVOY_REQUIRE_OK(storage.Commit(pointers, results));
  CONVOY_EXPECT(results[0].submissions == std::vector{SubmissionOutcome::kAccepted});
  CONVOY_EXPECT(results[1].submissions == std::vector{SubmissionOutcome::kDuplicate});
  CONVOY_EXPECT(results[2].submissions == std::vector{SubmissionOutcome::kDuplicate});
}

void CheckKeysAcrossThreads(Expectations& expect, Storage& storage) {
  constexpr int kThreads = 4;
  constexpr int kKeys = 20;
  std::atomic<int> accepted_count = 0;
  std::atomic<int> failures_count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kKeys; ++i) {
        const CommitResult result =
            Submit(storage, MakeEvent(ProjectId(), t * kKeys + i), {},
                   DedupeKey{.scope = ProjectId(), .key = std::to_string(i)});
        failures_count += !result.status.ok();
        accepted_count += result.submissions == std::vector{SubmissionOutcome::kAccepted};
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CONVOY_EXPECT(failures_count == 0);
  CONVOY_EXPECT(accepted_count == kKeys);
}

void CheckRefusedBatch(Expectations& expect, Storage& storage) {
  WriteBatch good, bad, last;
  const DedupeKey key{.scope = ProjectId(), .key = "k"};
  good.submissions.push_back({.event = MakeEvent(ProjectId(), 1)});
  bad.submissions.push_back({.event = MakeEvent(ProjectId(), 2), .dedupe = key});
  bad.config.push_back({.scope = ProjectId(), .puts = {MakeEndpoint(ProjectId(), 1)}});
  bad.config.push_back({.scope = ProjectId(), .expected_revision = 9});
  last.submissions.push_back({.event = MakeEvent(ProjectId(), 3), .dedupe = key});
  WriteBatch* const batches[] = {&good, &bad, &last};
  CommitResult results[3];
  CONVOY_REQUIRE_OK(PutNow(storage, "", {MakeProject(1)}).status);
  CONVOY_REQUIRE_OK(storage.Commit(batches, results));
  CONVOY_EXPECT(results[0].status.ok());
  CONVOY_EXPECT(absl::IsAborted(results[1].status));
  CONVOY_EXPECT(results[2].status.ok());
  CONVOY_EXPECT(results[2].submissions == std::vector{SubmissionOutcome::kAccepted});
  CONVOY_EXPECT(storage.GetEvent(ProjectId(), EventId(1)).ok());
  CONVOY_EXPECT(absl::IsNotFound(storage.GetEvent(ProjectId(), EventId(2)).status()));
  CONVOY_EXPECT(storage.GetEvent(ProjectId(), EventId(3)).ok());
  CONVOY_EXPECT(CONVOY_VALUE(LoadProject(storage, ProjectId())).endpoints.empty());
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision(ProjectId())) == 0);
}

void CheckExtraDeliveries(Expectations& expect, Storage& storage) {
  const Event event = MakeEvent(ProjectId(), 1);
  CONVOY_REQUIRE_OK(Submit(storage, event, {}).status);
  const Delivery replayed = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
  const Delivery orphan = MakeDelivery(MakeEvent(ProjectId(), 2), Id('E', 2), 2, SampleEpoch());
  WriteBatch batch;
  batch.extra_deliveries = {replayed, orphan};
  CONVOY_REQUIRE_OK(CommitOne(storage, std::move(batch)).status);
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(ProjectId(), replayed.id)) == replayed);
  CONVOY_EXPECT(absl::IsNotFound(storage.GetDelivery(ProjectId(), orphan.id).status()));
  const Claim claim = CONVOY_VALUE(storage.ClaimDue({.now = SampleEpoch()}));
  CONVOY_REQUIRE(claim.deliveries.size() == 1);
  CONVOY_EXPECT(*claim.deliveries[0].event == event);
}

void CheckEventAgain(Expectations& expect, Storage& storage) {
  const Event event = MakeEvent(ProjectId(), 1);
  const Delivery delivery = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
  CONVOY_REQUIRE_OK(Submit(storage, event, {delivery}).status);
  CONVOY_REQUIRE(CONVOY_VALUE(storage.ClaimDue({.now = SampleEpoch()})).deliveries.size() == 1);
  const Delivery claimed = CONVOY_VALUE(storage.GetDelivery(ProjectId(), delivery.id));
  Event changed = event;
  changed.body = "changed";
  const Event other = MakeEvent(ProjectId(), 2);
  WriteBatch batch;
  batch.submissions.push_back({.event = changed, .deliveries = {delivery}});
  batch.submissions.push_back({.event = other});
  batch.submissions.push_back({.event = other});
  const CommitResult result = CommitOne(storage, std::move(batch));
  CONVOY_REQUIRE_OK(result.status);
  CONVOY_EXPECT(result.submissions == std::vector(3, SubmissionOutcome::kAccepted));
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetEvent(ProjectId(), event.id)) == event);
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(ProjectId(), delivery.id)) == claimed);
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetEvent(ProjectId(), other.id)) == other);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListEvents({.project_id = ProjectId()}, {})).items.size() ==
                2);
}

void CheckWritableStore(Expectations& expect, Storage& storage) {
  CONVOY_EXPECT(storage.CheckWritable().ok());
}

constexpr StorageRequirement kRequirements[] = {
    {"an event comes back as it went in, with its delivery", CheckRoundTrip},
    {"of equal keys the first is accepted, until the key expires", CheckKeys},
    {"equal keys within one commit are told apart by their order", CheckKeysWithinCommit},
    {"of equal keys from several threads one is accepted", CheckKeysAcrossThreads},
    {"a refused batch leaves no trace and does not touch its neighbours", CheckRefusedBatch},
    {"a delivery may be added to an event later, but not to one that is gone",
     CheckExtraDeliveries},
    {"an event that is stored already stays as it is and refuses nothing", CheckEventAgain},
    {"a writable store says so", CheckWritableStore},
};

}  // namespace

std::span<const StorageRequirement> SubmissionRequirements() { return kRequirements; }

}  // namespace convoy::testing
