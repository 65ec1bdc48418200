// The oracle is the store in memory. Operations without an answer leave open what happened: with n
// of them there are 2^n states that the database may be in, and it must be in one of those; n is at
// most a few, as a store that does not know its state refuses to go on.
#include "tests/faults/audit.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "convoy/gateway.h"
#include "lib/storage/sqlite/connection.h"
#include "lib/storage/sqlite/sqlite_storage.h"
#include "lib/storage/write_rules.h"
#include "lib/testing/storage_samples.h"
#include "tests/faults/faulty_vfs.h"

namespace convoy::testing {
namespace {

const absl::Time kLater = SampleEpoch() + absl::Hours(24);  // all leases have ended

// Everything that can be read, claims aside: they need not survive.
struct Contents {
  std::map<std::string, uint64_t> revisions;
  std::vector<Project> projects;
  std::vector<ApiKey> keys;
  std::vector<Endpoint> endpoints;
  std::vector<Subscription> subscriptions;
  std::vector<Source> sources;
  std::vector<Event> events;
  std::vector<Delivery> deliveries;
  std::map<std::string, std::vector<Attempt>> attempts;
  std::vector<HeldInput> held;

  friend bool operator==(const Contents&, const Contents&) = default;
};

absl::StatusOr<Contents> Read(Storage& storage) {
  const std::string project = MakeProject(1).id;
  const PageRequest all{.is_ascending = true, .items_max = 1000};
  Contents contents;
  absl::Status status;
  const auto take = [&status](auto answer) {
    status.Update(answer.status());
    return answer.ok() ? *std::move(answer) : std::decay_t<decltype(*answer)>{};
  };
  for (const std::string& scope : {std::string(), project}) {
    contents.revisions[scope] = take(storage.ConfigRevision(scope));
  }
  contents.projects = take(ListAllConfig<Project>(storage, {.project_id = ""}));
  contents.keys = take(ListAllConfig<ApiKey>(storage, {.project_id = ""}));
  contents.endpoints = take(ListAllConfig<Endpoint>(storage, {.project_id = project}));
  contents.subscriptions = take(ListAllConfig<Subscription>(storage, {.project_id = project}));
  contents.sources = take(ListAllConfig<Source>(storage, {.project_id = project}));
  contents.events = take(storage.ListEvents({.project_id = project}, all)).items;
  contents.deliveries = take(storage.ListDeliveries({.project_id = project}, all)).items;
  contents.held = take(storage.ListHeld({.project_id = project}, all)).items;
  for (Delivery& delivery : contents.deliveries) {
    contents.attempts[delivery.id] = take(storage.ListAttempts(project, delivery.id));
    if (delivery.status == DeliveryStatus::kProcessing) {
      delivery.status = storage::StatusBeforeClaim(delivery);
    }
  }
  if (!status.ok()) return status;
  return contents;
}

bool IsSame(const CommitResult& a, const CommitResult& b) {
  return a.status == b.status && a.submissions == b.submissions &&
         a.updates_applied == b.updates_applied && a.requeues_applied == b.requeues_applied;
}

bool IsSame(const Pruned& a, const Pruned& b) {
  return a.events_count == b.events_count && a.deliveries_count == b.deliveries_count &&
         a.attempts_count == b.attempts_count && a.keys_count == b.keys_count &&
         a.last_event_id == b.last_event_id && a.may_have_more == b.may_have_more;
}

// Applies the operation to the model; whether it gave the same answer as was given then.
bool Replay(const Operation& operation, Storage& model) {
  if (operation.prune.has_value()) {
    const Pruned pruned = model.Prune(*operation.prune).value();
    return !operation.pruned.has_value() || IsSame(pruned, *operation.pruned);
  }
  // The model's leases are other numbers than the store's: take one of each delivery.
  std::map<std::string, uint64_t> leases;
  const Claim claim = model
                          .ClaimDue({.now = kLater,
                                     .lease = absl::Seconds(1),
                                     .items_max = 1000,
                                     .items_per_endpoint_max = 1000})
                          .value();
  for (const ClaimedDelivery& claimed : claim.deliveries) {
    leases[claimed.delivery.id] = claimed.lease;
  }
  bool is_same = true;
  for (size_t i = 0; i < operation.batches.size(); ++i) {
    WriteBatch batch = operation.batches[i];
    if (batch.updates.empty()) model.ReleaseClaims().IgnoreError();
    for (DeliveryUpdate& update : batch.updates) update.lease = leases[update.delivery.id];
    const CommitResult result = CommitOne(model, std::move(batch));
    if (operation.answer == Answer::kGiven) {
      is_same = is_same && IsSame(result, operation.results[i]);
    }
  }
  model.ReleaseClaims().IgnoreError();
  return is_same;
}

// The model after what was answered and those unanswered operations whose bits are set, or nullptr
// if the answers of then do not go with that.
std::unique_ptr<Storage> Model(const History& history, uint64_t happened) {
  std::unique_ptr<Storage> model = NewMemoryStorage();
  for (const Operation& operation : history.operations) {
    if (operation.answer == Answer::kRefused) continue;
    if (operation.answer == Answer::kNone) {
      const bool has_happened = happened & 1;
      happened >>= 1;
      if (!has_happened) continue;
    }
    if (!Replay(operation, *model)) return nullptr;
  }
  return model;
}

// All that look like it: what tells them apart may be gone from sight, such as the position of an
// input that was held and thrown away.
std::vector<std::unique_ptr<Storage>> FindModels(const History& history, const Contents& contents) {
  const auto open_count =
      std::count_if(history.operations.begin(), history.operations.end(),
                    [](const Operation& operation) { return operation.answer == Answer::kNone; });
  std::vector<std::unique_ptr<Storage>> models;
  for (uint64_t happened = 0; happened < (uint64_t{1} << open_count); ++happened) {
    std::unique_ptr<Storage> model = Model(history, happened);
    if (model != nullptr && Read(*model).value() == contents) models.push_back(std::move(model));
  }
  return models;
}

// How a store goes on: which keys are taken, which work is left.
struct Sequel {
  std::vector<CommitResult> results;
  std::set<std::string> claimed_ids;
};

Sequel GoOn(Storage& storage, std::vector<std::string>& findings) {
  const std::string project = MakeProject(1).id;
  Sequel sequel;
  int number = 0;
  for (const std::string name : {"key 1", "key 2", "key 3", "key 4", "key 5", "key 6", "key 7",
                                 "key 9", "position 1", "position 2", "position 3", "position 4"}) {
    const Event event = MakeEvent(project, 100 + ++number);
    const Delivery delivery = MakeDelivery(event, Id('E', 1), 2000 + number, kLater);
    sequel.results.push_back(
        Submit(storage, event, {delivery}, DedupeKey{.scope = project, .key = name}));
  }
  const auto claim =
      storage.ClaimDue({.now = kLater, .items_max = 1000, .items_per_endpoint_max = 1000});
  if (!claim.ok()) {
    findings.push_back(absl::StrCat("claiming: ", claim.status().ToString()));
    return sequel;
  }
  for (const ClaimedDelivery& claimed : claim->deliveries) {
    if (!sequel.claimed_ids.insert(claimed.delivery.id).second) {
      findings.push_back("claimed twice in one answer");
    }
  }
  return sequel;
}

bool IsSame(const Sequel& a, const Sequel& b) {
  return std::equal(a.results.begin(), a.results.end(), b.results.begin(), b.results.end(),
                    [](const auto& one, const auto& other) { return IsSame(one, other); }) &&
         a.claimed_ids == b.claimed_ids;
}

void CheckFile(const std::string& path, std::vector<std::string>& findings) {
  auto connection = storage::Connection::Open({.path = path, .vfs = FaultyVfs::Get().name()});
  if (!connection.ok()) {
    findings.push_back(connection.status().ToString());
    return;
  }
  const auto integrity = (*connection)->QueryText("PRAGMA integrity_check");
  if (!integrity.ok() || *integrity != "ok") {
    findings.push_back(absl::StrCat("integrity_check: ", integrity.value_or("fails")));
  }
  constexpr std::pair<const char*, const char*> kNoRows[] = {
      {"a delivery without its event",
       "SELECT count(*) FROM delivery WHERE event NOT IN (SELECT key FROM event)"},
      {"an attempt without its delivery",
       "SELECT count(*) FROM attempt WHERE delivery NOT IN (SELECT key FROM delivery)"},
      {"a held input without its source",
       "SELECT count(*) FROM held_input WHERE project IN (SELECT number FROM name) AND source "
       "NOT IN (SELECT number FROM name WHERE id IN (SELECT id FROM config WHERE kind = 1))"},
      {"a field of an object that is not there",
       "SELECT count(*) FROM config_field WHERE NOT EXISTS (SELECT 1 FROM config "
       "WHERE config.kind = config_field.kind AND config.id = config_field.id)"},
      {"a row of a project that is neither there nor removed",
       "SELECT count(*) FROM event WHERE project NOT IN (SELECT number FROM name UNION ALL "
       "SELECT number FROM removed_project)"},
      {"a lease without processing, or processing without a lease",
       "SELECT count(*) FROM delivery WHERE (lease <> 0) <> (status = 1)"},
      {"a delivery that no lane will wake",
       "SELECT count(*) FROM delivery d WHERE status < 3 AND project IN (SELECT number FROM name) "
       "AND NOT EXISTS (SELECT 1 FROM lane WHERE lane.endpoint = d.endpoint "
       "AND lane.project = d.project AND lane.wake_at_us <= d.wake_at_us)"},
  };
  for (const auto& [finding, sql] : kNoRows) {
    const auto count = (*connection)->QueryInt(sql);
    if (!count.ok() || *count != 0) findings.emplace_back(finding);
  }
}

}  // namespace

std::vector<std::string> Audit(const std::string& path, const History& history) {
  std::vector<std::string> findings = history.findings;
  // The VFS again, disarmed: it spares thousands of real syncs.
  auto opened = storage::OpenSqlite({.path = path, .vfs = FaultyVfs::Get().name()});
  if (!opened.ok()) {
    findings.push_back(absl::StrCat("does not open: ", opened.status().ToString()));
    return findings;
  }
  CheckFile(path, findings);
  const auto contents = Read(**opened);
  if (!contents.ok()) {
    findings.push_back(absl::StrCat("cannot be read: ", contents.status().ToString()));
    return findings;
  }
  const auto models = FindModels(history, *contents);
  if (models.empty()) {
    findings.push_back("what is stored is not what was answered");
    return findings;
  }
  const Sequel sequel = GoOn(**opened, findings);
  const bool goes_on = std::any_of(models.begin(), models.end(), [&](const auto& model) {
    return IsSame(sequel, GoOn(*model, findings));
  });
  if (!goes_on) findings.push_back("the keys that count or the work that is left are others");
  return findings;
}

}  // namespace convoy::testing
