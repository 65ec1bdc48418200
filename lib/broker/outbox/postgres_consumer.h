// Reader of an outbox in PostgreSQL. It is told of new rows by NOTIFY, and looks by itself as well:
// seldom while notices come, more often where they do not (a pooler in transaction mode).
//
// From a poll that brings rows until their acknowledgement a transaction is open that holds an
// advisory lock, and no snapshot. A reader that freezes loses it with the server's
// idle_in_transaction_session_timeout of 30 s.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "convoy/outbox.h"
#include "lib/broker/interruption.h"
#include "lib/broker/outbox/postgres_table.h"

namespace convoy::broker::outbox {

class PostgresConsumer final : public BrokerConsumer {
 public:
  static absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const PostgresOutboxOptions& options,
                                                              const BrokerEnvironment& env);

  absl::StatusOr<std::vector<BrokerMessage>> Poll(const PollLimits& limits,
                                                  absl::Duration patience) override;
  absl::Status Acknowledge(std::span<const BrokerMessage> messages) override;
  absl::Status Extend(std::span<const BrokerMessage> messages) override;
  absl::Duration extension_interval() const override { return absl::Seconds(10); }
  void AskLag() override { is_lag_asked_ = true; }
  absl::StatusOr<BrokerLag> lag() const override { return lag_; }
  bool is_lag_shared() const override { return true; }
  void Interrupt() override { interruption_->Raise(); }

 private:
  // Statements with the table's name in them.
  struct Sql {
    explicit Sql(const std::string& schema);
    std::string exists, lock, select, remove, left, count;
  };

  PostgresConsumer(const std::string& schema, PostgresTable table,
                   std::unique_ptr<Interruption> interruption, Clock* clock)
      : sql_(schema),
        table_(std::move(table)),
        interruption_(std::move(interruption)),
        clock_(*clock) {}

  // Rows that are not handed out yet, if this is the reader.
  absl::StatusOr<std::vector<BrokerMessage>> Look(const PollLimits& limits);
  absl::StatusOr<std::vector<BrokerMessage>> Read(const PollLimits& limits);
  // Begins the transaction that has the lock. False if another reader has it.
  absl::StatusOr<bool> TryLock();
  absl::Status End(const char* how);
  // kFailedPrecondition if one of the rows (ids and keys) is still there.
  absl::Status CheckGone(const storage::postgres::Params& rows);
  // Until there may be rows, `wait` is over or the interruption.
  absl::Status Wait(absl::Duration wait);
  absl::StatusOr<BrokerLag> CountWaiting();
  int64_t last_in_flight() const;

  const Sql sql_;
  const PostgresTable table_;
  const std::unique_ptr<Interruption> interruption_;
  Clock& clock_;

  std::map<int64_t, std::string> in_flight_;  // the key of each row handed out, by its id
  bool is_holding_ = false;
  bool may_have_more_ = true;  // without looking whether there is any
  bool has_notices_ = false;   // rows were announced lately
  bool is_lag_asked_ = false;
  absl::StatusOr<BrokerLag> lag_ = absl::UnavailableError("not counted yet");
};

}  // namespace convoy::broker::outbox
