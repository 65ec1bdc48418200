// The listening connection: its session holds the lock that tells other openers that this one is
// alive, and is told of changes of configuration. When the process dies, PostgreSQL ends the
// session and with it the lock.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

// Safe to use from any thread.
class Presence {
 public:
  // Draws the number of a new opener and holds its lock.
  static absl::StatusOr<std::unique_ptr<Presence>> Open(const ConnectionOptions& options);
  ~Presence();  // lets go of the lock before it returns

  int64_t opener() const { return opener_; }

  // Holds the lock and listens again if the connection was lost. Returns whether configuration may
  // have changed since the last call: a notification came, or some may have been missed.
  absl::StatusOr<bool> Refresh();
  // The same, but what it learns is left for the next Refresh.
  absl::Status KeepHolding();

 private:
  explicit Presence(ConnectionOptions options) : options_(std::move(options)) {}

  absl::Status Catch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Connect() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<bool> Hold(int64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ConnectionOptions options_;
  int64_t opener_ = 0;
  absl::Mutex mutex_;
  std::unique_ptr<Connection> connection_ ABSL_GUARDED_BY(mutex_);
  bool has_news_ ABSL_GUARDED_BY(mutex_) = true;
};

// The channel of changes of configuration, an identifier.
std::string ChannelOf(const ConnectionOptions& options);

// Whether the opener has died: its lock is free. In a transaction. For some seconds after a server
// has started no opener counts as dead, as the living need a moment to be back.
absl::StatusOr<bool> IsDead(Connection& connection, int64_t opener);

// Whether the server has been a standby since it was started. It may have taken the place of
// another one just now, and the living be without their locks although it has been up for long.
absl::StatusOr<bool> WasStandby(Connection& connection);

}  // namespace convoy::storage::postgres
