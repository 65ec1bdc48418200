// Reading connections, opened when needed and kept. A reading that loses its connection is made
// again on a new one, once: a server that was started anew does not show.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "lib/storage/postgres/connection.h"
#include "lib/storage/postgres/failure.h"

namespace convoy::storage::postgres {

// Safe to use from any thread.
class Readers {
 public:
  Readers(ConnectionOptions options, size_t connections_max)
      : options_(std::move(options)), connections_max_(connections_max) {}

  // Runs `read(Connection&)`, which gives a StatusOr. Waits while all connections are in use.
  template <typename Read>
  auto Run(const Read& read) -> decltype(read(std::declval<Connection&>())) {
    for (bool is_last = false;; is_last = true) {
      absl::StatusOr<std::unique_ptr<Connection>> connection = Take();
      if (!connection.ok()) return connection.status();
      auto answer = read(**connection);
      const bool is_lost = !(*connection)->is_alive();
      Return(*std::move(connection));
      if (answer.ok() || !is_lost || is_last) return answer;
    }
  }

  // The same for what makes several queries, at one instant of the store; at another one if the
  // first does not serve (kRetry).
  template <typename Read>
  auto RunAtOnce(const Read& read) -> decltype(read(std::declval<Connection&>())) {
    constexpr int kTriesMax = 5;
    for (int i = 1;; ++i) {
      auto answer = TryAtOnce(read);
      if (ClassOf(answer.status()) != FailureClass::kRetry || i == kTriesMax) return answer;
    }
  }

 private:
  template <typename Read>
  auto TryAtOnce(const Read& read) -> decltype(read(std::declval<Connection&>())) {
    return Run([&](Connection& connection) -> decltype(read(connection)) {
      connection.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      auto answer = read(connection);
      if (!answer.ok()) {
        connection.RollBack();
        return answer;
      }
      const absl::Status ended = connection.Run("COMMIT").status();
      if (!ended.ok()) return ended;
      return answer;
    });
  }

  absl::StatusOr<std::unique_ptr<Connection>> Take();
  void Return(std::unique_ptr<Connection> connection);

  const ConnectionOptions options_;
  const size_t connections_max_;

  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_ ABSL_GUARDED_BY(mutex_);
  size_t in_use_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace convoy::storage::postgres
