// Pool of read connections; see connection_pool.h.
#include "lib/storage/sqlite/connection_pool.h"

#include <utility>

namespace convoy::storage {

absl::StatusOr<ConnectionPool::Loan> ConnectionPool::Take() {
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](ConnectionPool* pool) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pool->mutex_) {
          return !pool->idle_.empty() || pool->open_count_ < pool->connections_max_;
        },
        this));
    if (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      return Loan(this, std::move(connection));
    }
    ++open_count_;
  }
  absl::StatusOr<std::unique_ptr<Connection>> opened = Connection::Open(options_);
  if (!opened.ok()) {
    absl::MutexLock lock(&mutex_);
    --open_count_;
    return opened.status();
  }
  return Loan(this, *std::move(opened));
}

void ConnectionPool::Return(std::unique_ptr<Connection> connection) {
  absl::MutexLock lock(&mutex_);
  idle_.push_back(std::move(connection));
}

}  // namespace convoy::storage
