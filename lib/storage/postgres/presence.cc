// Advisory locks (opener's table, number), rows of opener_beat, and notifications; see presence.h.
#include "lib/storage/postgres/presence.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/base/status_macros.h"

namespace convoy::storage::postgres {
namespace {

// How often the thread looks whether the connection is still there.
constexpr absl::Duration kLookEvery = absl::Seconds(1);
constexpr absl::Duration kBeatEvery = absl::Seconds(1);
// Until then the dispatcher of this opener may have taken the work itself.
constexpr absl::Duration kAnnounceAfter = absl::Milliseconds(5);
// Between two announcements: notifications take a lock of the whole server.
constexpr absl::Duration kAnnouncePause = absl::Milliseconds(20);
// An opener that counts up has done so within this, also on a busy machine.
constexpr absl::Duration kBeatsWithin = absl::Seconds(5);
constexpr size_t kIdentifierMax = 63;

constexpr std::string_view kBeat =
    "INSERT INTO opener_beat AS b (number, beats) VALUES ($1::int8, 0) ON CONFLICT (number) "
    "DO UPDATE SET beats = b.beats + 1";

}  // namespace

std::string ChannelOf(const ConnectionOptions& options) {
  std::string channel = absl::StrCat("convoy_", options.schema);
  return channel.size() <= kIdentifierMax ? channel : options.schema;
}

absl::StatusOr<std::unique_ptr<Presence>> Presence::Open(const ConnectionOptions& options,
                                                         Clock* clock) {
  auto presence = absl::WrapUnique(new Presence(options, clock));
  {
    absl::MutexLock lock(&presence->mutex_);
    CONVOY_RETURN_IF_ERROR(presence->Connect());
    // A number that is held is one of a database that this one was copied from, or restored to.
    for (bool is_ours = false; !is_ours;) {
      CONVOY_ASSIGN_OR_RETURN(const Rows number,
                              presence->connection_->Run("SELECT nextval('opener_number')"));
      presence->opener_ = number.IntAt(0, 0);
      CONVOY_ASSIGN_OR_RETURN(is_ours, presence->TryLock(presence->opener_));
    }
    // A copy takes this lock first and then looks for openers that are alive.
    CONVOY_ASSIGN_OR_RETURN(
        const Rows is_open,
        presence->connection_->Run(
            "SELECT pg_try_advisory_xact_lock_shared('opener'::regclass::oid::int4, -1)"));
    if (is_open.IntAt(0, 0) == 0) {
      return absl::FailedPreconditionError("the store is being copied");
    }
  }
  CONVOY_RETURN_IF_ERROR(presence->StartThread());
  return presence;
}

Presence::~Presence() {
  is_stopping_ = true;
  if (thread_.joinable()) {
    Wake();
    thread_.join();
  }
  for (const int fd : wake_fds_) {
    if (fd >= 0) close(fd);
  }
  absl::MutexLock lock(&mutex_);
  if (opener_ == 0 || connection_ == nullptr || !connection_->is_alive()) return;
  const Params number = Params().Int(opener_);
  if (connection_->is_pooled()) {
    connection_->Run("DELETE FROM opener_beat WHERE number = $1::int8", number).IgnoreError();
  } else {
    connection_
        ->Run("SELECT pg_advisory_unlock('opener'::regclass::oid::int4, $1::int8::int4)", number)
        .IgnoreError();
  }
}

absl::Status Presence::Connect() {
  connection_ = nullptr;
  CONVOY_ASSIGN_OR_RETURN(connection_, Connection::Open(options_));
  if (connection_->is_pooled()) return absl::OkStatus();
  // A notification that is lost in a crash is made up for by the look of those who reconnect.
  return connection_->Execute(
      absl::StrCat("SET synchronous_commit = off; LISTEN \"", ChannelOf(options_), "\""));
}

absl::StatusOr<bool> Presence::TryLock(int64_t number) {
  if (connection_->is_pooled()) {
    CONVOY_RETURN_IF_ERROR(Beat(number));
    return true;
  }
  CONVOY_ASSIGN_OR_RETURN(
      const Rows held,
      connection_->Run("SELECT pg_try_advisory_lock('opener'::regclass::oid::int4, $1::int8::int4)",
                       Params().Int(number)));
  return held.IntAt(0, 0) != 0;
}

absl::Status Presence::Beat(int64_t number) {
  beat_at_ = clock_.SteadyNow();
  return connection_->Run(kBeat, Params().Int(number)).status();
}

absl::StatusOr<bool> Presence::Refresh() {
  absl::MutexLock lock(&mutex_);
  CONVOY_RETURN_IF_ERROR(Catch());
  return std::exchange(has_news_, false);
}

absl::Status Presence::KeepHolding() {
  absl::MutexLock lock(&mutex_);
  return Catch();
}

void Presence::TakeIn() {
  const Connection::Notifications come = connection_->TakeNotifications();
  if (come.has_config) has_news_ = true;
  if (!come.has_work) return;
  has_work_news_ = true;
  Wake();
}

absl::Status Presence::Catch() {
  if (connection_ != nullptr && connection_->is_alive()) {
    TakeIn();
    if (connection_->is_alive()) {
      const bool must_beat =
          connection_->is_pooled() && clock_.SteadyNow() >= beat_at_ + kBeatEvery;
      if (!must_beat || Beat(opener_).ok()) return absl::OkStatus();
    }
  }
  has_news_ = has_work_news_ = true;  // some may have been missed
  CONVOY_RETURN_IF_ERROR(Connect());
  // The former session may not have ended yet; then the next call tries again.
  CONVOY_ASSIGN_OR_RETURN(const bool is_held, TryLock(opener_));
  if (!is_held) connection_ = nullptr;
  return absl::OkStatus();
}

void Presence::Announce() {
  if (announcement_.exchange(++announcements_count_) == 0) Wake();
}

void Presence::SetWorkListener(std::function<void()> tell) {
  absl::MutexLock lock(&listener_mutex_);
  listener_ = std::move(tell);
}

void Presence::TellOfWork() {
  absl::MutexLock lock(&listener_mutex_);
  if (listener_ != nullptr) listener_();
}

absl::Status Presence::StartThread() {
  if (pipe(wake_fds_) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("PostgreSQL: no pipe: ", std::generic_category().message(errno)));
  }
  for (const int fd : wake_fds_) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void Presence::Wake() {
  // One that is full wakes, too.
  if (write(wake_fds_[1], "", 1) < 0) return;
}

void Presence::WaitForNews(absl::Duration patience) {
  int input = -1;  // of its own, as another thread may replace the connection meanwhile
  {
    absl::MutexLock lock(&mutex_);
    if (connection_ != nullptr && connection_->is_alive()) {
      input = fcntl(connection_->fd(), F_DUPFD_CLOEXEC, 0);
    }
  }
  pollfd waited[] = {{.fd = wake_fds_[0], .events = POLLIN, .revents = 0},
                     {.fd = input, .events = POLLIN, .revents = 0}};
  poll(waited, 2, static_cast<int>(absl::ToInt64Milliseconds(patience)));
  if (input >= 0) close(input);
  char taken[64];
  while (read(wake_fds_[0], taken, sizeof(taken)) > 0) continue;
}

void Presence::Pause(absl::Duration time) {
  if (!is_stopping_) poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(time)));
}

absl::Status Presence::AnnounceNow() {
  absl::MutexLock lock(&mutex_);
  if (connection_ == nullptr || !connection_->is_alive()) return absl::OkStatus();
  CONVOY_RETURN_IF_ERROR(connection_
                             ->Run("SELECT pg_notify(convert_from($1::bytea, 'UTF8'), 'due')",
                                   Params().Bytes(ChannelOf(options_)))
                             .status());
  TakeIn();
  return absl::OkStatus();
}

// A failure is made up for by the next look; others ask now and then all the same.
void Presence::Run() {
  while (!is_stopping_) {
    WaitForNews(announcement() != 0 ? absl::ZeroDuration() : kLookEvery);
    if (is_stopping_) return;
    KeepHolding().IgnoreError();
    if (has_work_news_.exchange(false)) TellOfWork();
    if (announcement() == 0) continue;
    Pause(kAnnounceAfter);
    if (announcement_.exchange(0) == 0) continue;
    AnnounceNow().IgnoreError();
    Pause(kAnnouncePause);
  }
}

absl::StatusOr<bool> HasOpener(Connection& connection, bool has_beats) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows locks,
      connection.Run("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 "
                     "AND classid = 'opener'::regclass::oid AND objid::int8 BETWEEN 1 AND "
                     "2147483647 AND database = "
                     "(SELECT oid FROM pg_database WHERE datname = current_database())"));
  if (locks.IntAt(0, 0) != 0) return true;
  if (!has_beats) return false;
  constexpr std::string_view kSum =
      "SELECT count(*), coalesce(sum(beats), 0)::int8 FROM opener_beat";
  CONVOY_ASSIGN_OR_RETURN(const Rows before, connection.Run(kSum));
  if (before.IntAt(0, 0) == 0) return false;
  absl::SleepFor(kBeatsWithin);
  CONVOY_ASSIGN_OR_RETURN(const Rows after, connection.Run(kSum));
  return before.IntAt(0, 1) != after.IntAt(0, 1);
}

absl::StatusOr<Sign> LookAt(Connection& connection, int64_t opener) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows row,
      connection.Run("SELECT pg_try_advisory_xact_lock_shared('opener'::regclass::oid::int4, "
                     "$1::int8::int4) AND clock_timestamp() - pg_postmaster_start_time() "
                     "> interval '10 seconds', "
                     "(SELECT beats FROM opener_beat WHERE number = $1::int8)",
                     Params().Int(opener)));
  Sign sign{.is_lock_free = row.IntAt(0, 0) != 0};
  if (!row.IsNullAt(0, 1)) sign.beats = row.IntAt(0, 1);
  return sign;
}

absl::StatusOr<bool> WasStandby(Connection& connection) {
  // Both are null on a server that has recovered from a crash only.
  CONVOY_ASSIGN_OR_RETURN(const Rows row,
                          connection.Run("SELECT pg_last_wal_receive_lsn() IS NOT NULL "
                                         "OR pg_last_xact_replay_timestamp() IS NOT NULL"));
  return row.IntAt(0, 0) != 0;
}

}  // namespace convoy::storage::postgres
