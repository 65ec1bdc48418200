// Consumer's loop; see consumer_loop.h. Store keeps the order commit → dead-letter copies →
// acknowledgement, on which at-least-once delivery rests.
#include "lib/consume/consumer_loop.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/storage/write_tries.h"

namespace convoy::consume {
namespace {

constexpr PollLimits kPollLimits;
constexpr absl::Duration kPollPatience = absl::Seconds(20);  // as long as brokers' long polls
// Short, so that recovery after a failure is soon visible.
constexpr absl::Duration kFirstPollPatience = absl::Seconds(1);
// Between two questions for the lag, and for the polls that may bring the answer.
constexpr absl::Duration kLagPeriod = absl::Seconds(30);
constexpr absl::Duration kLagPollPatience = absl::Seconds(1);
constexpr absl::Duration kLagAwaited = absl::Seconds(3);  // since the question
constexpr absl::Duration kPauseMin = absl::Milliseconds(250);
constexpr absl::Duration kPauseMax = absl::Seconds(15);

// Pause: 250 ms, doubled each time, less a random half, so that consumers that lost the same broker
// do not return at the same instant.
absl::Duration PauseOf(uint32_t failures_count, Random& random) {
  const absl::Duration full =
      std::min(kPauseMin * (int64_t{1} << std::min(failures_count, 10u)), kPauseMax);
  std::array<uint8_t, 2> bytes;
  random.Fill(bytes);
  const double share = (bytes[0] * 256 + bytes[1]) / 65536.0;
  return full * (0.5 + share / 2);
}

// The commit of a consumer, which waits for it and may be destroyed before it is done.
struct PendingCommit {
  absl::Mutex mutex;
  bool is_done ABSL_GUARDED_BY(mutex) = false;
  CommitResult result ABSL_GUARDED_BY(mutex);
};

// So many payload functions of a source are run or wait to be run.
constexpr size_t kFunctionsAtOnce = 64;
// How soon a consumer that waits for them notices that it is to stop.
constexpr absl::Duration kFunctionsLook = absl::Milliseconds(100);

// Calls of functions that a consumer waits for.
class PendingFunctions {
 public:
  explicit PendingFunctions(size_t count) : results_(count), left_count_(count) {}

  // nullopt: there was none to run.
  void Finish(size_t index, std::optional<ScriptResult> result) {
    absl::MutexLock lock(&mutex_);
    results_[index] = std::move(result);
    --left_count_;
  }
  // False if some have not ended after `patience`.
  bool Await(absl::Duration patience) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(this, &PendingFunctions::AreDone), patience);
  }
  std::optional<ScriptResult> Take(size_t index) {
    absl::MutexLock lock(&mutex_);
    return std::exchange(results_[index], std::nullopt);
  }

 private:
  bool AreDone() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return left_count_ == 0; }

  absl::Mutex mutex_;
  std::vector<std::optional<ScriptResult>> results_ ABSL_GUARDED_BY(mutex_);
  size_t left_count_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

BrokerEnvironment EnvironmentOf(const ConsumeParts& parts) {
  return {.clock = parts.clock,
          .random = parts.random,
          .observer = parts.observer,
          .allowed_networks = parts.allowed_networks};
}

ConsumerLoop::ConsumerLoop(const ConsumeParts& parts, std::shared_ptr<Broker> broker, Source source,
                           std::string consumer_id, bool is_first)
    : parts_(parts), broker_(std::move(broker)), source_(std::move(source)), is_first_(is_first) {
  status_.project_id = source_.project_id;
  status_.source_id = source_.id;
  status_.consumer_id = std::move(consumer_id);
}

absl::Duration ConsumerLoop::Step() {
  if (is_stopping()) {
    messages_.clear();
    SetConsumer(nullptr);
    return absl::InfiniteDuration();
  }
  const absl::Time now = parts_.clock->Now();
  next_try_at_ = std::min(next_try_at_, now + kPauseMax);  // even if the clock was set back
  if (now < next_try_at_) return Rest(now);
  if (consumer_ == nullptr && !Open()) return Rest(now);
  if (messages_.empty() && !Poll()) return Rest(parts_.clock->Now());
  if (!Store()) return Rest(parts_.clock->Now());
  return absl::ZeroDuration();
}

void ConsumerLoop::Stop() {
  absl::MutexLock lock(&mutex_);
  is_stopping_ = true;
  status_.state = ConsumerState::kStopped;
  if (consumer_ != nullptr) consumer_->Interrupt();
}

ConsumerStatus ConsumerLoop::status() const {
  absl::MutexLock lock(&mutex_);
  return status_;
}

bool ConsumerLoop::is_stopping() const {
  absl::MutexLock lock(&mutex_);
  return is_stopping_;
}

absl::Duration ConsumerLoop::Rest(absl::Time now) {
  ExtendIfDue(now);
  return std::max(std::min(next_try_at_, next_extension_at_) - now, absl::ZeroDuration());
}

bool ConsumerLoop::Open() {
  const std::string consumer_id = status().consumer_id;
  auto consumer = broker_->Open(source_, consumer_id, EnvironmentOf(parts_));
  if (!consumer.ok()) {
    FailBroker(consumer.status());
    return false;
  }
  SetConsumer(*std::move(consumer));
  next_lag_at_ = absl::InfinitePast();
  absl::MutexLock lock(&mutex_);
  if (is_stopping_) return false;
  // Some brokers refuse only when they are asked for messages: after a failure the first poll
  // decides.
  if (failures_count_ == 0) status_.state = ConsumerState::kRunning;
  return true;
}

bool ConsumerLoop::Poll() {
  absl::Duration patience = failures_count_ > 0 ? kFirstPollPatience : kPollPatience;
  const absl::Time now = parts_.clock->Now();
  const bool is_lag_awaited = AskLagIfDue(now) || next_lag_at_ - now > kLagPeriod - kLagAwaited;
  if (is_lag_awaited) patience = std::min(patience, kLagPollPatience);
  auto messages = consumer_->Poll(kPollLimits, patience);
  if (!messages.ok()) {
    FailBroker(messages.status());
    return false;
  }
  TakeLag();
  if (!SetRunning()) return false;
  messages_ = *std::move(messages);
  if (messages_.empty()) return false;
  next_extension_at_ = parts_.clock->Now() + extension_period();
  CountReceived(messages_.size());
  return true;
}

bool ConsumerLoop::Store() {
  storage::WriteTries tries;
  while (true) {
    const auto project = parts_.configuration->FindProject(source_.project_id);
    if (!project.ok()) {
      FailStore(project.status());
      return false;
    }
    absl::StatusOr<intake::PreparedMessages> made = Prepare(**project);
    if (!made.ok()) {
      FailStore(made.status());
      return false;
    }
    intake::PreparedMessages& prepared = *made;
    const absl::Status room =
        parts_.check_room ? parts_.check_room(prepared.batch) : absl::OkStatus();
    if (!room.ok()) {
      FailStore(room);
      return false;
    }
    const bool has_events = !prepared.batch.submissions.empty();
    const intake::ReceptionReport& reception_report = parts_.intake->receptions();
    const intake::Receptions receptions =
        reception_report.Begin((*project)->project(), prepared.batch);
    const CommitResult result = Commit(std::move(prepared.batch));
    if (tries.ShouldPrepareAnew(result.status)) continue;
    if (!result.status.ok()) {
      FailStore(result.status);
      return false;
    }
    SetRunning();
    reception_report.End(receptions, SpanKind::kConsumer, result);
    CountStored(result, prepared.dispositions);
    TraceRedelivered(result, prepared.dispositions);
    if (has_events && parts_.notify) parts_.notify();
    PublishDeadLetters(prepared.dispositions);
    Acknowledge();
    return true;
  }
}

absl::StatusOr<intake::PreparedMessages> ConsumerLoop::Prepare(
    const route::ProjectSnapshot& project) {
  std::vector<intake::FunctionRuns> runs(intake::HasFunctions(source_) ? messages_.size() : 0);
  while (true) {
    intake::PreparedMessages prepared = parts_.intake->Prepare(project, source_, messages_, runs);
    if (!prepared.wants_functions) return prepared;
    if (const absl::Status status = RunFunctions(runs); !status.ok()) return status;
  }
}

absl::Status ConsumerLoop::RunFunctions(std::span<intake::FunctionRuns> runs) {
  bool has_run = false;
  for (size_t begin = 0; begin < runs.size(); begin += kFunctionsAtOnce) {
    const auto some = runs.subspan(begin, std::min(kFunctionsAtOnce, runs.size() - begin));
    const auto pending = std::make_shared<PendingFunctions>(some.size());
    for (size_t i = 0; i < some.size(); ++i) {
      if (some[i].wanted() == nullptr) {
        pending->Finish(i, std::nullopt);
        continue;
      }
      RunScript(parts_.scripting, *some[i].wanted(),
                [pending, i](ScriptResult result) { pending->Finish(i, std::move(result)); });
    }
    while (!pending->Await(std::min(extension_period(), kFunctionsLook))) {
      if (is_stopping()) return absl::UnavailableError("the consumer is being stopped");
      ExtendIfDue(parts_.clock->Now());
    }
    for (size_t i = 0; i < some.size(); ++i) {
      std::optional<ScriptResult> result = pending->Take(i);
      if (!result.has_value() || result->outcome == ScriptOutcome::kNotRun) continue;
      some[i].Add(*std::move(result));
      has_run = true;
    }
    if (is_stopping()) return absl::UnavailableError("the consumer is being stopped");
    ExtendIfDue(parts_.clock->Now());
  }
  // Those that did not get to run are asked for once more, if that leads anywhere.
  return has_run ? absl::OkStatus() : absl::UnavailableError("payload functions cannot be run now");
}

bool ConsumerLoop::AskLagIfDue(absl::Time now) {
  next_lag_at_ = std::min(next_lag_at_, now + kLagPeriod);  // even if the clock was set back
  const bool is_others = consumer_->is_lag_shared() && !is_first_;
  if (now < next_lag_at_ || is_others || absl::IsUnimplemented(consumer_->lag().status())) {
    return false;
  }
  next_lag_at_ = now + kLagPeriod;
  consumer_->AskLag();
  return true;
}

void ConsumerLoop::TakeLag() {
  const bool is_others = consumer_->is_lag_shared() && !is_first_;
  const absl::StatusOr<BrokerLag> lag =
      is_others ? absl::UnavailableError("that of the queue is the first worker's")
                : consumer_->lag();
  absl::MutexLock lock(&mutex_);
  if (lag.ok()) {
    status_.lag = lag->messages_count;
    status_.lag_at = lag->at;
    status_.lag_error.clear();
  } else {
    status_.lag.reset();
    status_.lag_error = std::string(lag.status().message());
  }
}

CommitResult ConsumerLoop::Commit(WriteBatch batch) {
  const auto pending = std::make_shared<PendingCommit>();
  parts_.commits->CommitAsync(std::move(batch), [pending](CommitResult result) {
    absl::MutexLock lock(&pending->mutex);
    pending->result = std::move(result);
    pending->is_done = true;
  });
  while (true) {
    {
      absl::MutexLock lock(&pending->mutex);
      if (pending->mutex.AwaitWithTimeout(absl::Condition(&pending->is_done), extension_period())) {
        return std::move(pending->result);
      }
    }
    ExtendIfDue(parts_.clock->Now());
  }
}

absl::Duration ConsumerLoop::extension_period() const {
  return consumer_->extension_interval() / 3;
}

void ConsumerLoop::ExtendIfDue(absl::Time now) {
  if (messages_.empty()) return;
  next_extension_at_ = std::min(next_extension_at_, now + extension_period());
  if (now < next_extension_at_) return;
  next_extension_at_ = now + extension_period();
  // If the broker redelivers them elsewhere meanwhile, the second commit finds them stored.
  const absl::Status status = consumer_->Extend(messages_);
  if (!status.ok()) Log(LogLevel::kWarning, "messages not extended", status.message());
}

void ConsumerLoop::PublishDeadLetters(std::span<const intake::MessageDisposition> dispositions) {
  for (size_t i = 0; i < dispositions.size(); ++i) {
    if (dispositions[i].submission.has_value()) continue;
    // The message itself is stored. A broker that refuses its copy must not block the messages
    // behind it.
    const absl::Status status =
        consumer_->PublishDeadLetter(messages_[i], dispositions[i].refusal.reason);
    if (!status.ok()) Log(LogLevel::kWarning, "dead letter not published", status.message());
  }
}

void ConsumerLoop::Acknowledge() {
  const absl::Status status = consumer_->Acknowledge(messages_);
  messages_.clear();
  next_extension_at_ = absl::InfiniteFuture();
  if (!status.ok()) FailBroker(status);
}

void ConsumerLoop::FailBroker(const absl::Status& error) {
  messages_.clear();
  next_extension_at_ = absl::InfiniteFuture();
  SetConsumer(nullptr);
  PauseAfter(error);
}

void ConsumerLoop::FailStore(const absl::Status& error) {
  PauseAfter(absl::UnavailableError(absl::StrCat("store: ", error.message())));
}

void ConsumerLoop::PauseAfter(const absl::Status& error) {
  const absl::Time now = parts_.clock->Now();
  next_try_at_ = now + PauseOf(failures_count_++, *parts_.random);
  bool is_news = false;
  {
    absl::MutexLock lock(&mutex_);
    if (is_stopping_) return;
    const ConsumerState state = StateOf(error);
    is_news = status_.state != state || status_.last_error != error.message();
    status_.state = state;
    status_.last_error = std::string(error.message());
    status_.last_error_at = now;
  }
  if (is_news) Log(LogLevel::kWarning, "consumer failed", error.message());
}

bool ConsumerLoop::SetRunning() {
  failures_count_ = 0;
  absl::MutexLock lock(&mutex_);
  if (is_stopping_) return false;
  status_.state = ConsumerState::kRunning;
  return true;
}

void ConsumerLoop::SetConsumer(std::unique_ptr<BrokerConsumer> consumer) {
  {
    absl::MutexLock lock(&mutex_);
    std::swap(consumer_, consumer);
    if (is_stopping_ && consumer_ != nullptr) consumer_->Interrupt();
  }
  // The old consumer is closed here, without the lock: closing may take a while.
}

void ConsumerLoop::CountReceived(size_t count) {
  parts_.observer->Count("convoy_broker_message_received_total", count);
  absl::MutexLock lock(&mutex_);
  status_.counters.received += count;
  status_.last_message_at = parts_.clock->Now();
}

void ConsumerLoop::CountStored(const CommitResult& result,
                               std::span<const intake::MessageDisposition> dispositions) {
  ConsumerCounters stored;
  for (const SubmissionOutcome outcome : result.submissions) {
    if (outcome == SubmissionOutcome::kAccepted) ++stored.accepted;
    if (outcome == SubmissionOutcome::kDuplicate) ++stored.duplicates;
    if (outcome == SubmissionOutcome::kRedelivered) ++stored.redelivered;
  }
  stored.dead_letters = dispositions.size() - result.submissions.size();
  const std::pair<std::string_view, uint64_t> counts[] = {
      {"convoy_broker_message_accepted_total", stored.accepted},
      {"convoy_broker_message_duplicate_total", stored.duplicates},
      {"convoy_broker_message_redelivered_total", stored.redelivered},
      {"convoy_broker_message_dead_letter_total", stored.dead_letters}};
  for (const auto& [metric, count] : counts) {
    if (count > 0) parts_.observer->Count(metric, count);
  }
  absl::MutexLock lock(&mutex_);
  ConsumerCounters& counters = status_.counters;
  counters.accepted += stored.accepted;
  counters.duplicates += stored.duplicates;
  counters.redelivered += stored.redelivered;
  counters.dead_letters += stored.dead_letters;
}

void ConsumerLoop::TraceRedelivered(const CommitResult& result,
                                    std::span<const intake::MessageDisposition> dispositions) {
  bool should_warn = false;
  {
    absl::MutexLock lock(&mutex_);
    for (size_t i = 0; i < dispositions.size(); ++i) {
      const std::optional<size_t>& submission = dispositions[i].submission;
      const bool is_redelivered = submission.has_value() && result.submissions[*submission] ==
                                                                SubmissionOutcome::kRedelivered;
      if (!is_redelivered) {
        status_.redelivered_in_a_row = 0;
        has_warned_ = false;
        continue;
      }
      if (status_.redelivered_in_a_row++ == 0) status_.redelivered_since = status_.last_message_at;
      const BrokerMessage& message = messages_[i];
      status_.redelivered_last.push_back(
          {.id = message.id.substr(0, kTracedTextBytesMax),
           .redelivery_id = message.redelivery_id.substr(0, kTracedTextBytesMax),
           .at = status_.last_message_at});
      if (status_.redelivered_last.size() > kTracedMessagesMax) {
        status_.redelivered_last.pop_front();
      }
    }
    should_warn = status_.is_mostly_redelivered() && !has_warned_;
    has_warned_ = has_warned_ || should_warn;
  }
  if (should_warn) {
    Log(LogLevel::kWarning, "only messages that were stored before",
        "acknowledged without new events; see redelivered_last of the source's consumer");
  }
}

void ConsumerLoop::Log(LogLevel level, std::string_view event, std::string_view detail) const {
  const LogField fields[] = {
      {"source_id", source_.id}, {"broker", broker_->type()}, {"detail", detail}};
  parts_.observer->Log(level, event, fields);
}

}  // namespace convoy::consume
