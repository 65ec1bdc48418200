// Reader of an outbox in SQLite. It asks whether the file has changed (PRAGMA data_version: a look
// at one page) in short intervals that grow while nothing happens, and reads rows only if it has.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "convoy/outbox.h"
#include "lib/broker/interruption.h"
#include "lib/broker/outbox/reader_lock.h"
#include "lib/broker/outbox/sqlite_table.h"

namespace convoy::broker::outbox {

class SqliteConsumer final : public BrokerConsumer {
 public:
  static absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const SqliteOutboxOptions& options,
                                                              const BrokerEnvironment& env);

  absl::StatusOr<std::vector<BrokerMessage>> Poll(const PollLimits& limits,
                                                  absl::Duration patience) override;
  absl::Status Acknowledge(std::span<const BrokerMessage> messages) override;
  void AskLag() override { is_lag_asked_ = true; }
  absl::StatusOr<BrokerLag> lag() const override { return lag_; }
  bool is_lag_shared() const override { return true; }
  void Interrupt() override { interruption_->Raise(); }

 private:
  // A row that is handed out.
  struct InFlight {
    std::string row_key;        // its beginning
    bool is_oversized = false;  // read by its beginnings
  };

  SqliteConsumer(SqliteTable table, std::unique_ptr<ReaderLock> lock,
                 std::unique_ptr<Interruption> interruption, const BrokerEnvironment& env)
      : table_(std::move(table)),
        lock_(std::move(lock)),
        interruption_(std::move(interruption)),
        clock_(*env.clock),
        observer_(*env.observer) {}

  // Rows that are not handed out yet, if there may be any.
  absl::StatusOr<std::vector<BrokerMessage>> Look(const PollLimits& limits);
  absl::StatusOr<std::vector<BrokerMessage>> Read(const PollLimits& limits);
  absl::Status ReadRows(const PollLimits& limits, std::vector<BrokerMessage>& out_messages,
                        std::map<int64_t, InFlight>& out_read);
  absl::Status ReadOversized(std::vector<BrokerMessage>& out_messages,
                             std::map<int64_t, InFlight>& out_read);
  // Whether this is the reader.
  absl::StatusOr<bool> MayRead();
  absl::StatusOr<BrokerLag> CountWaiting();
  // Whether `status`, of a look, says that the host holds a lock, and has not for too long.
  bool MayWaitFor(const absl::Status& status);
  // Runs a statement that needs a lock, once the host has none, until the interruption.
  absl::Status ExecuteInTurn(const char* sql);
  // `out_left`: a row that is still there.
  absl::Status Delete(std::span<const BrokerMessage> messages, std::optional<int64_t>& out_left);
  // Whether the row is still there.
  absl::StatusOr<bool> DeleteRow(int64_t id, const InFlight& row);
  absl::StatusOr<bool> DeleteOversized(int64_t id, const InFlight& row);
  int64_t last_in_flight() const;
  absl::Status Shown(const absl::Status& error) const;

  const SqliteTable table_;
  const std::unique_ptr<ReaderLock> lock_;
  const std::unique_ptr<Interruption> interruption_;
  Clock& clock_;
  Observer& observer_;

  std::map<int64_t, InFlight> in_flight_;           // by the id
  std::optional<int64_t> seen_version_;             // of the file, when nothing was left in it
  absl::Time file_seen_at_ = absl::InfinitePast();  // when the path led to the file still, steady
  std::optional<absl::Time> busy_since_;            // steady
  absl::Duration pause_;
  bool is_lag_asked_ = false;
  absl::StatusOr<BrokerLag> lag_ = absl::UnavailableError("not counted yet");
  // While another reader holds the lock: the oldest row, and since when it is (steady).
  std::optional<int64_t> oldest_id_;
  absl::Time oldest_since_;
  bool has_taken_over_ = false;  // until the lock is had
};

}  // namespace convoy::broker::outbox
