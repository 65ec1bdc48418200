// Every write goes through a CommitQueue and into the history with the answer to it. An error is a
// refusal unless it says kDataLoss for the first time or the process died of it.
#include "tests/faults/scenario.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "lib/storage/commit_queue.h"
#include "lib/storage/sqlite/sqlite_storage.h"
#include "lib/testing/storage_samples.h"
#include "tests/faults/faulty_vfs.h"

namespace convoy::testing {
namespace {

const absl::Time kNow = SampleEpoch();

// One process on the store: from opening it to closing it or being killed.
class Session {
 public:
  Session(const std::string& path, History& history)
      : history_(history), project_(MakeProject(1).id) {
    auto opened = storage::OpenSqlite({.path = path, .vfs = FaultyVfs::Get().name()});
    if (!opened.ok()) return;
    storage_ = *std::move(opened);
    queue_ = std::make_unique<storage::CommitQueue>(storage_.get());
  }

  bool is_open() const { return storage_ != nullptr; }

  void SetUp() {
    WriteBatch instance;
    instance.config.push_back({.puts = {MakeProject(1), MakeApiKey("", 1)}});
    Commit(std::move(instance));
    WriteBatch inside;
    inside.config.push_back(
        {.scope = project_,
         .puts = {MakeSource(project_, 1), MakeEndpoint(project_, 1), MakeEndpoint(project_, 2),
                  MakeEndpoint(project_, 3), MakeSubscription(project_, 1, 1),
                  MakeSubscription(project_, 2, 2), MakeSubscription(project_, 3, 3)}});
    Commit(std::move(inside));
  }

  // Events 1 to 4 in one commit, of which the third has the key of the first; then a large one.
  void TakeIn() {
    std::vector<WriteBatch> together;
    for (int i = 1; i <= 4; ++i) together.push_back(Ingest(i, i == 3 ? "key 1" : KeyOf(i), 300));
    CommitTogether(std::move(together));
    Commit(Ingest(5, KeyOf(5), 20'000));
    // Inputs 1 to 4, of which three may stay, and 5, which is 4 come again.
    for (int i = 1; i <= 5; ++i) Commit(Refuse(i, i == 5 ? "position 4" : PositionOf(i)));
    Look();
  }

  void Deliver() {
    Commit(Ingest(6, "key 2", 10));  // a duplicate, if 2 was stored
    Claimed claimed = ClaimSome();
    int attempt = 0;
    std::vector<WriteBatch> together;
    for (const ClaimedDelivery& delivery : claimed) {
      ++attempt;
      WriteBatch batch;
      batch.updates.push_back(Outcome(delivery, attempt));
      if (attempt % 4 != 0) together.push_back(std::move(batch));  // every fourth is left undone
    }
    if (!together.empty()) CommitTogether(std::move(together));
    Look();
  }

  // Events 2 and 3 have ended if all went well, 1 has not. It is durable with the next commit.
  void Prune() {
    Operation operation{.prune = PruneRequest{.events_before = MakeEvent(project_, 4).created_at,
                                              .keys_expired_by = kNow + absl::Seconds(60)}};
    const auto pruned = storage_->Prune(*operation.prune);
    if (pruned.ok()) {
      operation.pruned = *pruned;
    } else {
      operation.answer = Note(pruned.status());
    }
    pruned_before_ = operation.prune->events_before;
    history_.operations.push_back(std::move(operation));
    Look();
  }

  void Operate() {
    WriteBatch replay;
    replay.extra_deliveries.push_back(
        MakeDelivery(MakeEvent(project_, 1), Id('E', 3), 90, kNow + absl::Seconds(1)));
    Commit(std::move(replay));
    WriteBatch again;
    for (const int event : {1, 2, 5}) {
      again.requeues.push_back({.project_id = project_,
                                .delivery_id = Id('D', event * 10 + 1),
                                .from = {DeliveryStatus::kFailure, DeliveryStatus::kSuccess},
                                .due_at = kNow + absl::Seconds(2)});
    }
    Commit(std::move(again));
    WriteBatch pause;
    Endpoint paused = MakeEndpoint(project_, 2);
    paused.status = EndpointStatus::kPaused;
    pause.config.push_back({.scope = project_, .expected_revision = 1, .puts = {paused}});
    Commit(std::move(pause));
    // One input is accepted at last, and cannot be a second time; another one is thrown away, and
    // so is a third, with its source.
    Commit(Accept(7, 2));
    Commit(Accept(8, 2));
    WriteBatch discard;
    discard.releases.push_back({.project_id = project_, .held_id = Id('H', 3)});
    Commit(std::move(discard));
    WriteBatch redelivered = Ingest(9, KeyOf(9), 10);
    redelivered.submissions[0].redelivery = DedupeKey{.scope = project_, .key = PositionOf(4)};
    Commit(std::move(redelivered));
    WriteBatch remove;
    remove.config.push_back({.scope = project_,
                             .expected_revision = 2,
                             .removes = {{ConfigKind::kSource, Id('O', 1)}}});
    Commit(std::move(remove));
    ClaimSome();
    const absl::Status released = storage_->ReleaseClaims();
    Note(released);
    Look();
  }

 private:
  using Claimed = std::vector<ClaimedDelivery>;

  static std::string KeyOf(int number) { return absl::StrCat("key ", number); }
  static std::string PositionOf(int number) { return absl::StrCat("position ", number); }

  WriteBatch Refuse(int number, const std::string& position) {
    WriteBatch batch;
    batch.holds.push_back({.input = MakeHeld(project_, number, 1),
                           .items_max = 3,
                           .redelivery = DedupeKey{.scope = project_, .key = position}});
    batch.holds[0].input.body = std::string(3000, static_cast<char>('A' + number));
    return batch;
  }

  // The event that is made of a held input, and the end of that.
  WriteBatch Accept(int number, int held) {
    WriteBatch batch = Ingest(number, KeyOf(number), 300);
    batch.releases.push_back({.project_id = project_, .held_id = Id('H', held)});
    return batch;
  }

  WriteBatch Ingest(int number, const std::string& key, size_t body_size) {
    Submission submission{.event = MakeEvent(project_, number)};
    submission.event.idempotency_key = key;
    submission.event.body = std::string(body_size, static_cast<char>('a' + number));
    submission.dedupe = DedupeKey{.scope = project_, .key = key};
    if (number == 4) submission.dedupe->expires_at = kNow + absl::Seconds(50);
    for (int endpoint = 1; endpoint <= 2; ++endpoint) {
      submission.event.endpoint_ids.push_back(Id('E', endpoint));
      submission.deliveries.push_back(
          MakeDelivery(submission.event, Id('E', endpoint), number * 10 + endpoint, kNow));
    }
    WriteBatch batch;
    batch.submissions.push_back(std::move(submission));
    return batch;
  }

  DeliveryUpdate Outcome(const ClaimedDelivery& claimed, int number) {
    constexpr DeliveryStatus kNext[] = {DeliveryStatus::kSuccess, DeliveryStatus::kRetry,
                                        DeliveryStatus::kFailure};
    DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
    update.delivery.status = kNext[number % 3];
    update.delivery.attempts_count += 1;
    update.delivery.due_at = kNow + absl::Seconds(20);
    update.attempt = MakeAttempt(claimed.delivery, number);
    return update;
  }

  void Commit(WriteBatch batch) {
    std::vector<WriteBatch> alone;
    alone.push_back(std::move(batch));
    CommitTogether(std::move(alone));
  }

  void CommitTogether(std::vector<WriteBatch> batches) {
    Operation operation{.batches = batches};
    operation.results.resize(batches.size());
    for (size_t i = 0; i < batches.size(); ++i) {
      queue_->CommitAsync(std::move(batches[i]), [&operation, i](CommitResult result) {
        operation.results[i] = std::move(result);
      });
    }
    queue_->Drain();
    operation.answer = AnswerIn(operation.results);
    if (operation.answer == Answer::kGiven) Remember(operation);
    history_.operations.push_back(std::move(operation));
  }

  // A batch that was refused for what it says got its answer; other errors speak of all.
  Answer AnswerIn(const std::vector<CommitResult>& results) {
    for (const CommitResult& result : results) {
      const absl::Status& status = result.status;
      if (status.ok() || absl::IsAborted(status) || absl::IsAlreadyExists(status) ||
          absl::IsNotFound(status)) {
        continue;
      }
      return Note(status);
    }
    if (is_lost_) Find("a store that lost track of its file went on writing");
    return Answer::kGiven;
  }

  // Meaning of an error for the call that it came from.
  Answer Note(const absl::Status& status) {
    const bool was_lost = is_lost_;
    is_lost_ = is_lost_ || FaultyVfs::Get().is_dead() || absl::IsDataLoss(status);
    return is_lost_ && !was_lost ? Answer::kNone : Answer::kRefused;
  }

  Claimed ClaimSome() {
    auto claim = storage_->ClaimDue({.now = kNow + absl::Seconds(5), .lease = absl::Hours(1)});
    if (!claim.ok()) {
      Note(claim.status());
      return {};
    }
    for (const ClaimedDelivery& claimed : claim->deliveries) {
      if (!out_.insert(claimed.delivery.id).second) {
        Find(absl::StrCat("claimed twice: ", claimed.delivery.id));
      }
      if (claimed.event == nullptr || claimed.event->id != claimed.delivery.event_id) {
        Find(absl::StrCat("claimed with another event: ", claimed.delivery.id));
      }
    }
    return std::move(claim->deliveries);
  }

  void Remember(const Operation& operation) {
    for (size_t i = 0; i < operation.batches.size(); ++i) {
      const WriteBatch& batch = operation.batches[i];
      const CommitResult& result = operation.results[i];
      if (!result.status.ok()) continue;
      for (size_t k = 0; k < batch.submissions.size(); ++k) {
        if (result.submissions[k] == SubmissionOutcome::kRedelivered) continue;
        const Event& event = batch.submissions[k].event;
        acknowledged_[event.id] = event;
        SettlePruning();
      }
      for (const DeliveryUpdate& update : batch.updates) out_.erase(update.delivery.id);
    }
  }

  // An event was written and synced, and with it all that was written before.
  void SettlePruning() {
    for (Operation& operation : history_.operations) {
      if (operation.pruned.has_value()) operation.answer = Answer::kGiven;
    }
  }

  // Reading may fail; what it answers must be true.
  void Look() {
    for (const auto& [id, acknowledged] : acknowledged_) {
      const auto event = storage_->GetEvent(project_, id);
      const bool is_gone =
          absl::IsNotFound(event.status()) && acknowledged.created_at >= pruned_before_;
      if (event.ok() ? event->body != acknowledged.body : is_gone) {
        Find(absl::StrCat("an acknowledged event is not what is read: ", id));
      }
    }
    const auto deliveries = storage_->ListDeliveries({.project_id = project_}, {.items_max = 50});
    if (deliveries.ok()) {
      for (const Delivery& delivery : deliveries->items) {
        const auto event = storage_->GetEvent(project_, delivery.event_id);
        if (absl::IsNotFound(event.status())) Find("a delivery is read whose event is not");
      }
    }
    const auto project = LoadProject(*storage_, project_);
    if (project.ok() && project->revision > 0 && project->subscriptions.size() != 3) {
      Find("half a configuration is read");
    }
  }

  void Find(std::string finding) { history_.findings.push_back(std::move(finding)); }

  History& history_;
  const std::string project_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<storage::CommitQueue> queue_;
  bool is_lost_ = false;       // died, or said kDataLoss: nothing is written any more
  std::set<std::string> out_;  // claimed and not settled
  std::map<std::string, Event> acknowledged_;  // by id
  absl::Time pruned_before_ = absl::InfinitePast();
};

}  // namespace

History RunScenario(const std::string& path) {
  FaultyVfs& vfs = FaultyVfs::Get();
  History history;
  {
    Session first(path, history);
    if (first.is_open()) {
      first.SetUp();
      first.TakeIn();
    }
    if (vfs.is_dead()) return history;
    vfs.Kill();
  }
  vfs.Restart(/*has_lost_power=*/false);
  Session second(path, history);
  if (second.is_open()) {
    second.Deliver();
    second.Prune();
    second.Operate();
  }
  return history;
}

}  // namespace convoy::testing
