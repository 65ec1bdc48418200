// The pool of reading connections; see readers.h.
#include "lib/storage/postgres/readers.h"

namespace convoy::storage::postgres {

absl::StatusOr<std::unique_ptr<Connection>> Readers::Take() {
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](Readers* readers) ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return readers->in_use_count_ < readers->connections_max_;
        },
        this));
    ++in_use_count_;
    if (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  absl::StatusOr<std::unique_ptr<Connection>> opened = Connection::Open(options_);
  if (!opened.ok()) {
    absl::MutexLock lock(&mutex_);
    --in_use_count_;
  }
  return opened;
}

void Readers::Return(std::unique_ptr<Connection> connection) {
  absl::MutexLock lock(&mutex_);
  --in_use_count_;
  if (connection->is_alive()) {
    idle_.push_back(std::move(connection));
  } else {
    idle_.clear();  // those are of the same server
  }
}

}  // namespace convoy::storage::postgres
