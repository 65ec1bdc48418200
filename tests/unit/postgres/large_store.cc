// Rows by generate_series, and calls; see large_store.h.
#include "tests/unit/postgres/large_store.h"

#include <stdexcept>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "convoy/flow_counts.h"
#include "convoy/ulid.h"

namespace convoy::testing {
namespace {

// Numbers of ids that have names: projects, endpoints, and one source.
constexpr int64_t kProject = 1000;
constexpr int64_t kEndpoint = 1100;
constexpr int64_t kSource = 2000;
constexpr int kKeyBits = 21;  // of a key, in a millisecond
constexpr int kCalls = 10;
constexpr uint32_t kGroup = 64;

// Ids that SQL has made of numbers are their bytes.
constexpr std::string_view kNames =
    "INSERT INTO name (number, id) SELECT n, int8send(n) FROM generate_series(1000, 7000) AS n "
    "ON CONFLICT DO NOTHING;";
// $KEY is the key of the event, the delivery and the attempt n.
constexpr std::string_view kEvents = R"sql(
INSERT INTO event SELECT $KEY, 0, 1000 + n % 50, 2000, n * 1000, n * 1000, 0, 0, 0, 'made', '',
  '', '', '', '', '', '[]', convert_to(repeat('b', 200), 'UTF8')
  FROM generate_series(1::int8, $EVENTS) AS n;
INSERT INTO delivery SELECT $KEY, 0, n << 21, 1000 + n % 50, 1100 + n % 500, 0, 0, n, 0,
  n * 1000, n * 1000, CASE WHEN n % 100 = 99 THEN n ELSE 0 END, n, 1, 1, 0,
  CASE n / 500 % 20 WHEN 0 THEN 0 WHEN 1 THEN 2 WHEN 2 THEN 4 ELSE 3 END, 0, 0, ''
  FROM generate_series(1::int8, $EVENTS) AS n;
INSERT INTO attempt SELECT $KEY, 0, n << 21, n * 1000, n * 1000, 0, 200, 1, 'http://endpoint',
  'POST', '', '', '[]', '[]', 'ok', '' FROM generate_series(1::int8, $EVENTS) AS n;
)sql";
constexpr std::string_view kOthers = R"sql(
INSERT INTO dedupe_key SELECT 1000 + n % 4, sha256(int8send(n)), n * 1000
  FROM generate_series(1::int8, $EVENTS) AS n;
INSERT INTO lane SELECT 1100 + n, 1000 + n % 50, n FROM generate_series(0, 5000) AS n
  ON CONFLICT (endpoint) DO NOTHING;
INSERT INTO held_input SELECT n, 0, n % 50, n % 200, n, n, 0, 0, '', '', '', '', '', '', '', ''
  FROM generate_series(1, 20000) AS n;
INSERT INTO config SELECT n % 5, int8send(n), int8send(n % 20), '', ''
  FROM generate_series(1, 20000) AS n;
INSERT INTO config_field SELECT n % 5, n % 3, int8send(n), '', int8send(n)
  FROM generate_series(1, 20000) AS n;
INSERT INTO config_revision SELECT int8send(n), n FROM generate_series(1, 5000) AS n;
INSERT INTO config_change (scope, revision, what, kind, id)
  SELECT int8send(n % 50), n, 0, 0, '' FROM generate_series(1, 20000) AS n;
INSERT INTO removed_project SELECT generate_series(100000, 105000);
INSERT INTO opener_beat SELECT n, 0 FROM generate_series(1000, 6000) AS n;
INSERT INTO opener SELECT n, 0, 4 FROM generate_series(1000, 6000) AS n;
)sql";

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) throw std::runtime_error(value.status().ToString());
  return *std::move(value);
}

std::string NameOf(int64_t number) {
  std::string id;
  for (int shift = 56; shift >= 0; shift -= 8) id.push_back(static_cast<char>(number >> shift));
  return id;
}

std::string IdOf(int64_t number) { return JoinUlid({.key = number << kKeyBits, .tail = 0}); }

// An id that there was not before.
std::string NewId() {
  static int64_t count = 0;
  return JoinUlid({.key = LeastKeyAt(absl::FromUnixSeconds(1'900'000'000)) + ++count, .tail = 1});
}

absl::Time NowOf(int64_t events_count) { return absl::FromUnixMillis(events_count + 1000); }

class Calls {
 public:
  Calls(Storage* storage, int64_t events_count)
      : storage_(*storage),
        counts_(dynamic_cast<FlowCounts&>(*storage)),
        events_count_(events_count),
        now_(NowOf(events_count)) {}

  void Run() {
    for (int i = 0; i < kCalls; ++i) {
      const std::string project = NameOf(kProject + i);
      Accept(project, NameOf(kEndpoint + i));
      const std::string event_id = IdOf(events_count_ / 2 / 50 * 50 + i);
      ListAll(project, NameOf(kEndpoint + i), event_id);
      CountAll(project);
      ReadOne(project, event_id);
      Deliver();
      Requeue();
      Must(storage_.Prune({.events_before = absl::FromUnixMillis(events_count_ / 16),
                           .project_id = project,
                           .items_max = kGroup}));
    }
    Deliver(/*ends=*/false);
    Must(Done(storage_.ReleaseClaims()));
  }

 private:
  static absl::StatusOr<bool> Done(const absl::Status& status) {
    if (!status.ok()) return status;
    return true;
  }

  void Commit(WriteBatch batch) {
    WriteBatch* const batches[] = {&batch};
    CommitResult results[1];
    Must(Done(storage_.Commit(batches, results)));
    Must(Done(results[0].status));
  }

  // Each twice: the second is a duplicate.
  void Accept(const std::string& project, const std::string& endpoint) {
    WriteBatch group;
    for (uint32_t i = 0; i < kGroup; ++i) {
      Submission submission;
      Event& event = submission.event;
      event = {.id = NewId(), .project_id = project, .source_id = NameOf(kSource)};
      event.endpoint_ids = {endpoint};
      event.created_at = event.acknowledged_at = now_;
      submission.deliveries.push_back({.id = NewId(),
                                       .project_id = project,
                                       .event_id = event.id,
                                       .endpoint_id = endpoint,
                                       .due_at = now_,
                                       .created_at = now_,
                                       .updated_at = now_});
      submission.dedupe =
          DedupeKey{.scope = project, .key = event.id, .expires_at = now_ + absl::Seconds(i % 2)};
      group.submissions.push_back(std::move(submission));
    }
    WriteBatch again = group;
    for (Submission& submission : again.submissions) {
      submission.event.id = NewId();
      submission.event.created_at += absl::Milliseconds(500);
      submission.deliveries.clear();
    }
    Commit(std::move(group));
    Commit(std::move(again));
  }

  void ListAll(const std::string& project, const std::string& endpoint, const std::string& event) {
    for (const bool is_ascending : {false, true}) {
      PageRequest page{.is_ascending = is_ascending};
      page.cursor = Must(storage_.ListEvents({.project_id = project}, page)).next_cursor;
      Must(storage_.ListEvents({.project_id = project}, page));
      page.cursor = Must(storage_.ListDeliveries({.project_id = project}, page)).next_cursor;
      Must(storage_.ListDeliveries({.project_id = project}, page));
      page.cursor.clear();
      Must(storage_.ListDeliveries({.project_id = project, .endpoint_ids = {endpoint}}, page));
      Must(storage_.ListDeliveries({.project_id = project, .event_id = event}, page));
      Must(storage_.ListDeliveries({.project_id = project, .statuses = {DeliveryStatus::kFailure}},
                                   page));
      const absl::Time middle = absl::FromUnixMillis(events_count_ / 2);
      Must(storage_.ListEvents({.project_id = project,
                                .created_from = middle,
                                .created_until = middle + absl::Seconds(1)},
                               page));
    }
    Must(storage_.ListBacklogs());
    Must(storage_.LaneClosedUntil({.project_id = project, .endpoint_id = endpoint}, now_));
  }

  void CountAll(const std::string& project) {
    Must(counts_.CountEvents({.project_id = project}, ""));
    Must(counts_.CountDeliveries({.project_id = project}, ""));
    Must(counts_.CountByStatus({.project_id = project}, ""));
  }

  // The objects that are asked for need not be there.
  void ReadOne(const std::string& project, const std::string& id) {
    storage_.GetEvent(project, id).IgnoreError();
    storage_.GetDelivery(project, id).IgnoreError();
    storage_.ListAttempts(project, id).IgnoreError();
    storage_.GetAttempt(project, id, id).IgnoreError();
  }

  void Deliver(bool ends = true) {
    const Claim claim = Must(storage_.ClaimDue({.now = now_, .items_max = kGroup}));
    if (!ends) return;
    // Those of one project go another way than those of several: both are taken in turns.
    const bool is_each_alone = ++delivers_count_ % 2 == 0;
    WriteBatch batch;
    for (const ClaimedDelivery& claimed : claim.deliveries) {
      if (is_each_alone && !batch.updates.empty()) Commit(std::exchange(batch, {}));
      DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
      update.delivery.status = DeliveryStatus::kSuccess;
      update.delivery.attempts_count += 1;
      update.attempt = Attempt{.id = NewId(),
                               .project_id = claimed.delivery.project_id,
                               .delivery_id = claimed.delivery.id,
                               .endpoint_id = claimed.delivery.endpoint_id,
                               .http_status = 200,
                               .is_success = true};
      last_ = claimed.delivery;
      batch.updates.push_back(std::move(update));
    }
    Commit(std::move(batch));
  }

  void Requeue() {
    if (last_.id.empty()) throw std::runtime_error("no claim has handed anything out");
    WriteBatch batch;
    batch.requeues.push_back({.project_id = last_.project_id,
                              .delivery_id = last_.id,
                              .from = {DeliveryStatus::kSuccess},
                              .due_at = now_});
    Delivery extra = last_;
    extra.id = NewId();
    batch.extra_deliveries.push_back(std::move(extra));
    Commit(std::move(batch));
  }

  Storage& storage_;
  int delivers_count_ = 0;
  FlowCounts& counts_;
  const int64_t events_count_;
  const absl::Time now_;
  Delivery last_;
};

}  // namespace

std::string NamesSql() { return std::string(kNames); }

// Nothing here makes sessions plan their statements anew, as a change of a table would.
std::string FillSql(int64_t events_count) {
  const auto events = [](std::string_view key, int64_t count) {
    return absl::StrReplaceAll(kEvents, {{"$KEY", key}, {"$EVENTS", absl::StrCat(count)}});
  };
  return absl::StrCat(events("n << 21", events_count),
                      events("(n << 21) + (SELECT max(end_key) FROM slice)", events_count / 8),
                      absl::StrReplaceAll(kOthers, {{"$EVENTS", absl::StrCat(events_count)}}));
}

void CallAll(Storage& storage, int64_t events_count) { Calls(&storage, events_count).Run(); }

}  // namespace convoy::testing
