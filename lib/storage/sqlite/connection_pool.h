// Reading connections, opened when needed and kept: readers neither wait for the writer nor for
// each other, as long as there are no more of them than connections.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

// Safe to use from any thread.
class ConnectionPool {
 public:
  // A connection on loan; goes back by itself.
  class Loan {
   public:
    Loan(ConnectionPool* pool, std::unique_ptr<Connection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    Loan(Loan&&) = default;
    ~Loan() {
      if (connection_ != nullptr) pool_->Return(std::move(connection_));
    }
    Connection& operator*() const { return *connection_; }

   private:
    ConnectionPool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  ConnectionPool(Connection::OpenOptions options, size_t connections_max)
      : options_(std::move(options)), connections_max_(connections_max) {}

  // Waits while all connections are on loan.
  absl::StatusOr<Loan> Take();

 private:
  void Return(std::unique_ptr<Connection> connection);

  const Connection::OpenOptions options_;
  const size_t connections_max_;

  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_ ABSL_GUARDED_BY(mutex_);
  size_t open_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace convoy::storage
