// Sessions of people who have logged in. A session stands for a credential of the REST API, which
// stays here: the browser knows the session's id alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"

namespace convoy::ui {

// Safe for any thread.
class SessionTable {
 public:
  SessionTable(std::shared_ptr<Clock> clock, std::shared_ptr<Random> random,
               absl::Duration idle_max, uint32_t sessions_max);

  // A new session; the id has 256 bits of chance. Makes room by ending the one that was not used
  // for longest.
  std::string Open(std::string credential);
  // The credential of a session that lives, which is used by that.
  std::optional<std::string> Find(std::string_view id);
  void Close(std::string_view id);

 private:
  struct Session {
    std::string credential;
    absl::Time used_at;
  };

  void MakeRoom(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<Clock> clock_;
  const std::shared_ptr<Random> random_;
  const absl::Duration idle_max_;
  const uint32_t sessions_max_;

  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Session> sessions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::ui
