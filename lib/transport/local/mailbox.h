// Mailbox of local delivery: between the dispatcher, which sends attempts, and the host, which
// takes deliveries and finishes them.
//
//   Send ──▶ waiting, by name ──Take──▶ taken ──Finish──▶ ended ──Step──▶ completion
//                 │ too old: kNotTaken    │ past its deadline: kTimedOut
//                 └───────────────────────┴─────────────▶ ended
//
// How much is fetched ahead of the host is a window for each name. It begins at twice what the host
// asks for at once, is doubled when the host empties it, and is closed when something goes back
// untaken: a name that is not taken costs nothing. The host is told that there is something to take
// until it asks for that name again.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/local.h"

namespace convoy::transport {

struct MailboxOptions {
  Clock* clock;                // outlives the mailbox
  absl::Duration waiting_max;  // longer than this nothing waits to be taken
  uint32_t window_max;         // of one name, and of all that wait
};

class Mailbox final : public LocalTransport {
 public:
  explicit Mailbox(const MailboxOptions& options) : options_(options) {}

  // `wake`: Step has something to do, or there is room again. `tell`: whether the host should
  // take, on each change. Both are called on any thread, `tell` under a lock. Set once, before use.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }
  void set_tell(std::function<void(bool)> tell) { tell_ = std::move(tell); }

  uint32_t RoomOf(std::string_view name) const override;
  void Send(LocalRequest request, SendCompletion done) override;
  absl::Time Step() override;
  void Drain() override;
  void Cancel() override;

  // For the host, from any thread.

  // Takes what waits for `name`, at most `items_max`, oldest first; if nothing does, waits for it
  // for `patience`. kFailedPrecondition once the mailbox drains.
  absl::StatusOr<std::vector<LocalDelivery>> Take(std::string_view name, size_t items_max,
                                                  absl::Duration patience);

  // kNotFound: it was not taken, is finished, or its time is over.
  absl::Status Finish(uint64_t ticket, LocalOutcome outcome);

 private:
  struct Item {
    LocalRequest request;
    SendCompletion done;
    absl::Time sent_at, taken_at;  // of the steady clock, like `ends_at`
    absl::Time ends_at;
  };
  struct Box {
    std::deque<Item> waiting;
    uint32_t window = 0;
    bool is_returned = false;  // its window was closed, and the host has not asked for it since
  };
  struct Ended {
    SendCompletion done;
    TransportResult result;
  };

  void EndLocked(Item item, TransportResult result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReturnOldLocked(absl::Time now, absl::Time& next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CloseLocked(Box& box) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndLateLocked(absl::Time now, absl::Time& next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReturnAllLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  LocalDelivery HandOutLocked(Item item, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<LocalDelivery> TakeLocked(Box& box, size_t items_max)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunEnded() ABSL_LOCKS_EXCLUDED(mutex_);

  const MailboxOptions options_;
  std::function<void()> wake_ = [] {};
  std::function<void(bool)> tell_ = [](bool) {};

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Box> boxes_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<uint64_t, Item> taken_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<absl::Time, uint64_t>> deadlines_ ABSL_GUARDED_BY(mutex_);  // of what is taken
  std::vector<Ended> ended_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_count_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t returned_count_ ABSL_GUARDED_BY(mutex_) = 0;  // of boxes
  uint64_t last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_told_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace convoy::transport
