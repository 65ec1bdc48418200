// A stretch of a group of batches that is written with one statement for each table (several if it
// is large): submissions, deliveries of events that are there, and outcomes, of many batches at
// once.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/storage/postgres/connection.h"
#include "lib/storage/postgres/dedupe_keys.h"
#include "lib/storage/postgres/lanes.h"
#include "lib/storage/postgres/names.h"
#include "lib/storage/postgres/opener.h"
#include "lib/storage/postgres/row_keys.h"
#include "lib/storage/postgres/rows.h"
#include "lib/storage/postgres/stored_for_claims.h"

namespace convoy::storage::postgres {

// A delivery that is stored, and what decides about it.
struct DeliveryRow {
  int64_t key = 0;
  int64_t project = 0;
  int64_t endpoint = 0;
  DeliveryStatus status = DeliveryStatus::kScheduled;
  uint64_t lease = 0;
};

// In a write transaction: locks the row. nullopt if there is none in the project.
absl::StatusOr<std::optional<DeliveryRow>> LockDelivery(Connection& connection,
                                                        std::string_view project_id,
                                                        std::string_view id);

// Whether a stretch may be written as it is foreseen: where that turns out wrong, all is written
// twice. Kept from one group to the next.
class Foresight {
 public:
  // Each try of a transaction begins with it; only the first one may foresee. Returns whether the
  // try before failed for what it had foreseen.
  bool BeginTry(bool is_first) {
    is_first_ = is_first;
    return std::exchange(was_wrong_, false);
  }
  // Asked for each stretch.
  bool may_foresee() { return is_first_ && (blind_count_ == 0 || blind_count_-- == 0); }
  void OnError() {
    blind_count_ = kBlindAfterError;
    was_wrong_ = true;
  }

 private:
  // Where some are duplicates there will be more of them.
  static constexpr int kBlindAfterError = 16;

  bool is_first_ = true;
  int blind_count_ = 0;  // so many stretches are not foreseen
  bool was_wrong_ = false;
};

class Group {
 public:
  // All, and what is added, must outlive it. If `is_careful`, keys are looked at before rows are
  // inserted.
  Group(Connection* connection, Opener* opener, Lanes* lanes, StoredForClaims* out_stored,
        Foresight* foresight, bool is_careful)
      : connection_(*connection),
        opener_(*opener),
        lanes_(*lanes),
        out_stored_(*out_stored),
        foresight_(*foresight),
        is_careful_(is_careful) {}

  // Adds the submissions, extra deliveries and updates of a batch, whose results are filled in by
  // the Write that follows.
  absl::Status Add(WriteBatch& batch, CommitResult* result);
  // Writes what was added since the last time. The last statements are queued only.
  absl::Status Write();

 private:
  template <typename T>
  struct Added {
    T* item = nullptr;
    CommitResult* result = nullptr;
  };
  // New events and deliveries of one Write, with all that follows from them.
  struct NewRows {
    RowPieces events, deliveries;
    KeyChooser event_keys{"event", "project"};
    KeyChooser delivery_keys{"delivery", "project"};
    Lanes lanes;
    StoredForClaims stored;
  };
  struct UpdatedRow {
    DeliveryRow row;
    bool is_written = false;         // with its outcome
    const Delivery* next = nullptr;  // the state that it takes, if that is to be written
  };

  bool is_empty() const { return submissions_.empty() && extras_.empty() && updates_.empty(); }
  // Whether `batch` speaks of what is added and not written yet.
  bool RefersBack(const WriteBatch& batch) const;
  void Clear();

  void AddNames();
  void AddKey(const std::optional<DedupeKey>& key);
  absl::Status WriteForeseen(NewRows rows);
  absl::Status WriteDecided();
  // Reads what is stored of all that is added, in one round trip but for the rare shifted keys. The
  // answer about deliveries is for TakeDeliveries.
  void QueueReads();
  absl::StatusOr<Rows> TakeReads();
  // Queues the outcomes, as if each had its lease still. False where that must be looked at first.
  bool QueueOutcomes();
  void QueueLocks(const std::vector<std::string_view>& ids);
  void QueueUpdates();
  absl::Status TakeDeliveries(const Rows& rows);
  absl::Status TakeOutcomes(const Rows& rows);
  // The row had the update's lease, and has its outcome.
  void NoteApplied(int64_t key, const DeliveryUpdate& update);
  absl::Status TakeLocked(const Rows& rows);
  absl::Status TakeEvents(const Rows& rows);

  // The rows as if all that is submitted is accepted, from what this connection knows of names.
  // None where that does not suffice.
  std::optional<NewRows> Foresee();
  bool IsForeseeable();
  // The deliveries of the outcomes as if each has its lease.
  void ForeseeOutcomes();
  // By the answers of which those to QueueReads are the last.
  bool IsAsForeseen(std::vector<Rows> answers) const;
  std::vector<SubmissionOutcome> DecideAll();
  SubmissionOutcome Decide(const Submission& submission);
  absl::StatusOr<NewRows> MakeRows(const std::vector<SubmissionOutcome>& outcomes);
  absl::Status LookAtNewKeys(NewRows& rows);
  absl::Status AddEvent(Event& event, std::span<Delivery> deliveries, NewRows& rows);
  // `is_of_kept` if its event is the last of those that are kept for claims.
  absl::Status AddDelivery(Delivery& delivery, int64_t event_key, int64_t project, bool is_of_kept,
                           NewRows& rows);
  ClaimMark ClaimEarly(Delivery& delivery, int64_t key, StoredForClaims& stored);
  absl::Status AddExtras(NewRows& rows);

  absl::Status LookAtAttempts(KeyChooser& keys);
  absl::Status WriteUpdates(KeyChooser& keys, RowPieces& attempts);
  void QueueRows(std::string_view sql, const RowPieces& rows);

  Connection& connection_;
  Opener& opener_;
  Lanes& lanes_;
  StoredForClaims& out_stored_;
  Foresight& foresight_;
  const bool is_careful_;

  std::vector<Added<Submission>> submissions_;
  std::vector<Delivery*> extras_;
  std::vector<Added<const DeliveryUpdate>> updates_;
  absl::flat_hash_set<std::string_view> new_ids_;  // of events and deliveries

  bool are_outcomes_queued_ = false;  // and not only locks of their rows
  std::optional<Interning> names_;
  std::optional<DedupeKeys> keys_;
  // By the id; those that are not there are missing.
  absl::flat_hash_map<std::string, UpdatedRow> delivery_rows_;
  absl::flat_hash_map<std::string, int64_t> event_keys_;
};

}  // namespace convoy::storage::postgres
