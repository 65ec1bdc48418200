// Advisory locks (opener's table, number) and notifications; see presence.h.
#include "lib/storage/postgres/presence.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"

namespace convoy::storage::postgres {

std::string ChannelOf(const ConnectionOptions& options) {
  return absl::StrCat("convoy_", options.schema);
}

absl::StatusOr<std::unique_ptr<Presence>> Presence::Open(const ConnectionOptions& options) {
  auto presence = absl::WrapUnique(new Presence(options));
  absl::MutexLock lock(&presence->mutex_);
  CONVOY_RETURN_IF_ERROR(presence->Connect());
  // A number that is held is one of a database that this one was copied from, or restored to.
  for (bool is_ours = false; !is_ours;) {
    CONVOY_ASSIGN_OR_RETURN(const Rows number,
                            presence->connection_->Run("SELECT nextval('opener_number')"));
    presence->opener_ = number.IntAt(0, 0);
    CONVOY_ASSIGN_OR_RETURN(is_ours, presence->Hold(presence->opener_));
  }
  return presence;
}

Presence::~Presence() {
  absl::MutexLock lock(&mutex_);
  if (connection_ == nullptr || !connection_->is_alive()) return;
  connection_
      ->Run("SELECT pg_advisory_unlock('opener'::regclass::oid::int4, $1::int8::int4)",
            Params().Int(opener_))
      .IgnoreError();
}

absl::Status Presence::Connect() {
  connection_ = nullptr;
  CONVOY_ASSIGN_OR_RETURN(connection_, Connection::Open(options_));
  return connection_->Execute(absl::StrCat("LISTEN \"", ChannelOf(options_), "\""));
}

absl::StatusOr<bool> Presence::Hold(int64_t number) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows held,
      connection_->Run("SELECT pg_try_advisory_lock('opener'::regclass::oid::int4, $1::int8::int4)",
                       Params().Int(number)));
  return held.IntAt(0, 0) != 0;
}

absl::StatusOr<bool> Presence::Refresh() {
  absl::MutexLock lock(&mutex_);
  CONVOY_RETURN_IF_ERROR(Catch());
  return std::exchange(has_news_, false);
}

absl::Status Presence::KeepHolding() {
  absl::MutexLock lock(&mutex_);
  return Catch();
}

absl::Status Presence::Catch() {
  if (connection_ != nullptr && connection_->is_alive()) {
    if (connection_->TakeNotifications()) has_news_ = true;
    if (connection_->is_alive()) return absl::OkStatus();
  }
  has_news_ = true;  // some may have been missed
  CONVOY_RETURN_IF_ERROR(Connect());
  // The former session may not have ended yet; then the next call tries again.
  CONVOY_ASSIGN_OR_RETURN(const bool is_held, Hold(opener_));
  if (!is_held) connection_ = nullptr;
  return absl::OkStatus();
}

absl::StatusOr<bool> IsDead(Connection& connection, int64_t opener) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows row,
      connection.Run("SELECT pg_try_advisory_xact_lock_shared('opener'::regclass::oid::int4, "
                     "$1::int8::int4), clock_timestamp() - pg_postmaster_start_time() "
                     "> interval '10 seconds'",
                     Params().Int(opener)));
  return row.IntAt(0, 0) != 0 && row.IntAt(0, 1) != 0;
}

absl::StatusOr<bool> WasStandby(Connection& connection) {
  // Both are null on a server that has recovered from a crash only.
  CONVOY_ASSIGN_OR_RETURN(const Rows row,
                          connection.Run("SELECT pg_last_wal_receive_lsn() IS NOT NULL "
                                         "OR pg_last_xact_replay_timestamp() IS NOT NULL"));
  return row.IntAt(0, 0) != 0;
}

}  // namespace convoy::storage::postgres
