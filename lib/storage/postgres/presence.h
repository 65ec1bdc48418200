// The listening connection of an opener and its thread: they tell other openers that this one is
// alive, are told of changes of configuration and of work that others have left, and tell others.
//
// The session holds a lock, which PostgreSQL ends with it when the process dies. Behind a pooler
// sessions hold nothing: there a row is counted up instead, which others watch (silence.h), and
// nothing can be listened to.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

// Openers that are not told of work look for it so often at least.
inline constexpr absl::Duration kAnnouncedAhead = absl::Milliseconds(500);

// Safe to use from any thread.
class Presence {
 public:
  // Draws the number of a new opener and makes it known as alive. The clock must outlive it.
  static absl::StatusOr<std::unique_ptr<Presence>> Open(const ConnectionOptions& options,
                                                        Clock* clock);
  ~Presence();  // counts as gone when it returns

  int64_t opener() const { return opener_; }

  // Becomes known again if the connection was lost. Returns whether configuration may have changed
  // since the last call: a notification came, or some may have been missed.
  absl::StatusOr<bool> Refresh();
  // The same, but what it learns is left for the next Refresh.
  absl::Status KeepHolding();

  // Work is due. Other openers are told of it in a moment, unless it is taken back until then: at
  // most some tens of times a second, whatever the load.
  void Announce();
  // The announcement that is about to be made; 0 if there is none.
  uint64_t announcement() const { return announcement_; }
  // Takes back that one, and none that came after it.
  void TakeBack(uint64_t announcement) { announcement_.compare_exchange_strong(announcement, 0); }
  absl::Status AnnounceNow();

  // See WorkFeed.
  void SetWorkListener(std::function<void()> tell);

 private:
  Presence(ConnectionOptions options, Clock* clock)
      : options_(std::move(options)), clock_(*clock) {}

  absl::Status StartThread();
  void Run();
  // Waits for input, for a call of Wake, or until the time is over. Returns at once when stopping.
  void WaitForNews(absl::Duration patience);
  void Pause(absl::Duration time);
  void Wake();
  void TellOfWork();

  absl::Status Catch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Connect() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<bool> TryLock(int64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Beat(int64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeIn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ConnectionOptions options_;
  Clock& clock_;
  int64_t opener_ = 0;
  std::atomic<uint64_t> announcement_ = 0;
  std::atomic<uint64_t> announcements_count_ = 0;
  std::atomic<bool> is_stopping_ = false;
  std::atomic<bool> has_work_news_ = false;

  absl::Mutex mutex_;
  std::unique_ptr<Connection> connection_ ABSL_GUARDED_BY(mutex_);
  bool has_news_ ABSL_GUARDED_BY(mutex_) = true;
  absl::Time beat_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();

  absl::Mutex listener_mutex_;
  std::function<void()> listener_ ABSL_GUARDED_BY(listener_mutex_);

  int wake_fds_[2] = {-1, -1};  // a pipe: the thread reads the first
  std::thread thread_;
};

// The channel of notifications, an identifier. One without text is about configuration.
std::string ChannelOf(const ConnectionOptions& options);

// Signs of life of an opener.
struct Sign {
  // Its lock is free, or there is none; not told for some seconds after a server has started, as
  // the living need a moment to be back. Then only a row that is counted up can tell otherwise.
  bool is_lock_free = false;
  // The number in its row; nullopt if it has none.
  std::optional<int64_t> beats = std::nullopt;
};
absl::StatusOr<Sign> LookAt(Connection& connection, int64_t opener);

// Whether any opener lives. Takes a moment where rows are counted up. `has_beats`: there are such
// rows, which tables of the first version have not.
absl::StatusOr<bool> HasOpener(Connection& connection, bool has_beats);

// Whether the server has been a standby since it was started. It may have taken the place of
// another one just now, and the living be without their locks although it has been up for long.
absl::StatusOr<bool> WasStandby(Connection& connection);

}  // namespace convoy::storage::postgres
