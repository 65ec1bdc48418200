// A writing session: transactions that are tried again where that helps, and whose outcome is
// known even if the connection is lost while they are committed.
//
// Each transaction writes its token into a row of its opener, one for each role; tokens ascend.
// When the answer to COMMIT does not come, a new connection looks at that row. If the token is
// there, the transaction was committed. If it is not, a higher one is written, against which a
// transaction that is still under way fails: it will never be committed. Without the row nothing
// can be learned.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "lib/storage/postgres/connection.h"
#include "lib/storage/postgres/opener.h"

namespace convoy::storage::postgres {

// The purpose of a session of an opener.
enum class SessionRole { kCommits, kClaims };

// Not safe for several threads at once.
class Session {
 public:
  // The opener must outlive it. It is poisoned once it cannot be learned whether a transaction was
  // committed.
  Session(Opener* opener, SessionRole role);

  // Writes the row in which its tokens will stand. Called before the first transaction.
  absl::Status Register();

  // The connection; another one if the former is lost.
  absl::StatusOr<Connection*> Connect();

  // Whether the connection was not replaced a moment ago.
  bool IsSettled();
  // As if it had just been.
  void Unsettle();

  // Within a transaction, which `body` may find begun anew: it must leave no trace of a former try.
  // Statements queued last may be left without their results read.
  using Body = absl::FunctionRef<absl::Status(Connection&)>;
  // Durable on return, unless `may_be_lost` (which the body may set) is true then.
  absl::Status Run(Body body, const bool* may_be_lost = nullptr);

 private:
  enum class Outcome { kCommitted, kRolledBack };

  // One try. kRolledBack: nothing of it is there, and it may be tried again.
  absl::StatusOr<Outcome> Try(Body body, const bool* may_be_lost, absl::Status& cause);
  absl::StatusOr<Outcome> Settle(int64_t token, bool may_be_lost);
  // nullopt if it cannot be learned.
  absl::StatusOr<std::optional<Outcome>> Look(int64_t token);

  Opener& opener_;
  Clock& clock_;
  const int64_t row_;  // the opener's number; for claims its negative
  std::unique_ptr<Connection> connection_;
  bool has_connected_ = false;
  absl::Time reconnected_at_ = absl::InfinitePast();
  int64_t token_ = 0;  // even; the next is for Look
};

}  // namespace convoy::storage::postgres
