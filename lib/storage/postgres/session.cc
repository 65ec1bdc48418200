// Transactions and their outcomes; see session.h.
#include "lib/storage/postgres/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/base/status_macros.h"
#include "lib/storage/postgres/failure.h"
#include "lib/storage/postgres/schema.h"

namespace convoy::storage::postgres {
namespace {

// A transaction that loses against others so often meets more than chance.
constexpr int kTriesMax = 10;
// How long the outcome of a commit is looked for: a server needs about as long to start again, or a
// standby to take its place.
constexpr absl::Duration kLookFor = absl::Minutes(2);
// The end of this session may have been that of other openers, which need a moment to be back.
constexpr absl::Duration kSettlesAfter = absl::Seconds(5);
constexpr absl::Duration kPauseMin = absl::Milliseconds(2);
constexpr absl::Duration kPauseMax = absl::Milliseconds(500);

// Fails, as the column is NOT NULL, if the row has a higher token.
constexpr std::string_view kWriteToken =
    "INSERT INTO opener AS o (number, token, version) VALUES ($1::int8, $2::int8, $3::int8) "
    "ON CONFLICT (number) "
    "DO UPDATE SET token = CASE WHEN o.token < excluded.token THEN excluded.token END";
// Waits for the transaction of the token if that has written it already.
constexpr std::string_view kReadOrBar =
    "UPDATE opener SET token = CASE WHEN token < $2::int8 THEN $2::int8 + 1 ELSE token END "
    "WHERE number = $1::int8 RETURNING token";

}  // namespace

Session::Session(Opener* opener, SessionRole role)
    : opener_(*opener),
      clock_(opener->clock()),
      row_(role == SessionRole::kCommits ? opener->number() : -opener->number()) {}

absl::StatusOr<Connection*> Session::Connect() {
  // A session that was ended while nothing was under way is noticed here.
  if (connection_ != nullptr) connection_->TakeNotifications();
  if (connection_ == nullptr || !connection_->is_alive()) {
    connection_ = nullptr;
    CONVOY_ASSIGN_OR_RETURN(connection_, Connection::Open(opener_.options()));
    if (has_connected_) reconnected_at_ = clock_.SteadyNow();
    has_connected_ = true;
  }
  return connection_.get();
}

absl::Status Session::Register() {
  CONVOY_ASSIGN_OR_RETURN(Connection * connection, Connect());
  // A row that is there is one of a database that this one was restored to.
  return connection
      ->Run(
          "INSERT INTO opener (number, token, version) VALUES ($1::int8, 0, $2::int8) "
          "ON CONFLICT (number) DO UPDATE SET token = 0",
          Params().Int(row_).Int(kSchemaVersion))
      .status();
}

void Session::Unsettle() { reconnected_at_ = clock_.SteadyNow(); }

bool Session::IsSettled() { return clock_.SteadyNow() > reconnected_at_ + kSettlesAfter; }

absl::Status Session::Run(Body body, const bool* may_be_lost) {
  absl::Status cause;
  absl::Duration pause = kPauseMin;
  for (int i = 0; i < kTriesMax; ++i) {
    CONVOY_RETURN_IF_ERROR(opener_.CheckHealth());
    CONVOY_ASSIGN_OR_RETURN(const Outcome outcome, Try(body, may_be_lost, cause));
    if (outcome == Outcome::kCommitted) return absl::OkStatus();
    // A lost connection may be that of a server that was started anew since: one more try tells.
    if (ClassOf(cause) == FailureClass::kLost && i > 0) return cause;
    absl::SleepFor(pause);
    pause = std::min(pause * 2, kPauseMax);
  }
  return cause;
}

absl::StatusOr<Session::Outcome> Session::Try(Body body, const bool* may_be_lost,
                                              absl::Status& cause) {
  CONVOY_ASSIGN_OR_RETURN(Connection * connection, Connect());
  connection->Queue("BEGIN ISOLATION LEVEL READ COMMITTED");
  cause = body(*connection);
  if (cause.ok()) {
    const int64_t token = token_ += 2;
    connection->Queue(kWriteToken, Params().Int(row_).Int(token).Int(kSchemaVersion));
    const bool is_lazy = may_be_lost != nullptr && *may_be_lost;
    if (is_lazy) {
      connection->Queue("SET LOCAL synchronous_commit = off");
    }
    connection->Queue("COMMIT");
    cause = connection->Flush().status();
    if (cause.ok()) return Outcome::kCommitted;
    connection->names().ForgetNumbers();
    if (!connection->is_alive()) return Settle(token, is_lazy);
  }
  connection->names().ForgetNumbers();
  connection->RollBack();
  const FailureClass failure = ClassOf(cause);
  const bool is_worth_a_try = failure == FailureClass::kRetry || failure == FailureClass::kLost ||
                              !ConstraintOf(cause).empty();
  if (!is_worth_a_try) return cause;
  return Outcome::kRolledBack;
}

absl::StatusOr<Session::Outcome> Session::Settle(int64_t token, bool may_be_lost) {
  const absl::Time began_at = clock_.SteadyNow();
  absl::Duration pause = kPauseMin;
  while (clock_.SteadyNow() < began_at + kLookFor) {
    const absl::StatusOr<std::optional<Outcome>> outcome = Look(token);
    if (outcome.ok() && outcome->has_value()) return **outcome;
    if (outcome.ok()) break;
    absl::SleepFor(pause);
    pause = std::min(pause * 2, kPauseMax);
  }
  if (may_be_lost) return LostStatus("it is not known what became of the last transaction");
  opener_.Poison();
  return opener_.CheckHealth();
}

absl::StatusOr<std::optional<Session::Outcome>> Session::Look(int64_t token) {
  CONVOY_ASSIGN_OR_RETURN(Connection * connection, Connect());
  CONVOY_ASSIGN_OR_RETURN(const Rows row,
                          connection->Run(kReadOrBar, Params().Int(row_).Int(token)));
  if (row.count() == 0) return std::nullopt;
  return row.IntAt(0, 0) == token ? Outcome::kCommitted : Outcome::kRolledBack;
}

}  // namespace convoy::storage::postgres
