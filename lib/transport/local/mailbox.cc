// Queues and deadlines of the mailbox. Completions run outside of the lock, on the thread that
// steps.
#include "lib/transport/local/mailbox.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace convoy::transport {
namespace {

constexpr size_t kDetailBytesMax = 1024;

// Cut between characters of UTF-8.
std::string Cut(std::string text) {
  if (text.size() <= kDetailBytesMax) return text;
  size_t size = kDetailBytesMax;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  text.resize(size);
  return text;
}

TransportResult ResultOf(LocalOutcome outcome) {
  std::string detail = Cut(std::move(outcome.detail));
  switch (outcome.kind) {
    case LocalOutcome::Kind::kDone:
      return {.outcome = TransportOutcome::kHandled, .body = std::move(detail)};
    case LocalOutcome::Kind::kRetry:
      return {.outcome = TransportOutcome::kHandlerFailed,
              .error = detail.empty() ? "the host asks for another try" : std::move(detail),
              .retry_after = outcome.retry_after};
    case LocalOutcome::Kind::kFail:
      break;
  }
  return {.outcome = TransportOutcome::kHandlerRefused,
          .error = detail.empty() ? "the host refuses the event" : std::move(detail)};
}

TransportResult NotTaken() {
  return {.outcome = TransportOutcome::kNotTaken,
          .error = "the host did not take it",
          .may_have_arrived = false};
}

}  // namespace

uint32_t Mailbox::RoomOf(std::string_view name) const {
  absl::MutexLock lock(&mutex_);
  const auto found = boxes_.find(name);
  if (is_draining_ || found == boxes_.end()) return 0;
  const size_t used = std::min<size_t>(found->second.waiting.size(), found->second.window);
  const size_t left = options_.window_max - std::min<size_t>(waiting_count_, options_.window_max);
  return static_cast<uint32_t>(std::min(found->second.window - used, left));
}

void Mailbox::Send(LocalRequest request, SendCompletion done) {
  const absl::Time now = options_.clock->SteadyNow();
  absl::MutexLock lock(&mutex_);
  Item item = {.request = std::move(request), .done = std::move(done), .sent_at = now};
  item.ends_at = now + item.request.time_left;
  if (is_draining_) {
    EndLocked(std::move(item), NotTaken());
    return wake_();
  }
  Box& box = boxes_.try_emplace(item.request.delivery.name).first->second;
  box.waiting.push_back(std::move(item));
  ++waiting_count_;
  TellLocked();
}

absl::Time Mailbox::Step() {
  const absl::Time now = options_.clock->SteadyNow();
  absl::Time next = absl::InfiniteFuture();
  {
    absl::MutexLock lock(&mutex_);
    ReturnOldLocked(now, next);
    EndLateLocked(now, next);
    TellLocked();
  }
  RunEnded();
  return next;
}

void Mailbox::ReturnOldLocked(absl::Time now, absl::Time& next) {
  for (auto& [name, box] : boxes_) {
    while (!box.waiting.empty()) {
      const Item& oldest = box.waiting.front();
      // A clock that was set back must not keep it for longer.
      const absl::Time until = std::min(oldest.sent_at + options_.waiting_max, oldest.ends_at);
      if (now < until && now >= oldest.sent_at) {
        next = std::min(next, until);
        break;
      }
      EndLocked(std::move(box.waiting.front()), NotTaken());
      box.waiting.pop_front();
      --waiting_count_;
      CloseLocked(box);
    }
  }
}

// The host is told, so that one which waits to be told opens the window again.
void Mailbox::CloseLocked(Box& box) {
  if (box.window == 0) return;
  box.window = 0;
  box.is_returned = true;
  ++returned_count_;
}

void Mailbox::EndLateLocked(absl::Time now, absl::Time& next) {
  while (!deadlines_.empty()) {
    const auto [ends_at, ticket] = *deadlines_.begin();
    if (now < ends_at) {
      next = std::min(next, ends_at);
      return;
    }
    deadlines_.erase(deadlines_.begin());
    const auto found = taken_.find(ticket);
    Item item = std::move(found->second);
    taken_.erase(found);
    const absl::Duration elapsed = now - item.taken_at;
    EndLocked(std::move(item), {.outcome = TransportOutcome::kTimedOut,
                                .error = "the host did not finish it in time",
                                .elapsed = elapsed});
  }
}

void Mailbox::EndLocked(Item item, TransportResult result) {
  ended_.push_back({.done = std::move(item.done), .result = std::move(result)});
}

void Mailbox::RunEnded() {
  std::vector<Ended> ended;
  {
    absl::MutexLock lock(&mutex_);
    ended.swap(ended_);
  }
  for (Ended& each : ended) each.done(std::move(each.result));
}

void Mailbox::ReturnAllLocked() {
  is_draining_ = true;
  for (auto& [name, box] : boxes_) {
    for (Item& item : box.waiting) EndLocked(std::move(item), NotTaken());
    box.waiting.clear();
    box.window = 0;
    box.is_returned = false;
  }
  waiting_count_ = returned_count_ = 0;
  TellLocked();
}

void Mailbox::Drain() {
  {
    absl::MutexLock lock(&mutex_);
    ReturnAllLocked();
  }
  wake_();
}

void Mailbox::Cancel() {
  {
    absl::MutexLock lock(&mutex_);
    ReturnAllLocked();
    for (auto& [ticket, item] : taken_) {
      EndLocked(std::move(item), {.outcome = TransportOutcome::kCancelled,
                                  .error = "the gateway closed before the host was done"});
    }
    taken_.clear();
    deadlines_.clear();
  }
  RunEnded();
}

absl::StatusOr<std::vector<LocalDelivery>> Mailbox::Take(std::string_view name, size_t items_max,
                                                         absl::Duration patience) {
  std::vector<LocalDelivery> taken;
  {
    absl::MutexLock lock(&mutex_);
    Box& box = boxes_.try_emplace(std::string(name)).first->second;
    if (std::exchange(box.is_returned, false)) --returned_count_;
    const uint64_t wanted = std::min<uint64_t>(items_max, options_.window_max) * 2;
    box.window = std::min(options_.window_max, std::max(box.window, static_cast<uint32_t>(wanted)));
    taken = TakeLocked(box, items_max);
  }
  if (taken.empty() && patience > absl::ZeroDuration() && items_max > 0) {
    wake_();
    absl::MutexLock lock(&mutex_);
    const auto has_news = [this, name]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return is_draining_ || !boxes_.find(name)->second.waiting.empty();
    };
    if (mutex_.AwaitWithTimeout(absl::Condition(&has_news), patience)) {
      taken = TakeLocked(boxes_.find(name)->second, items_max);
    }
  }
  wake_();  // there is room again, and deadlines
  absl::MutexLock lock(&mutex_);
  if (is_draining_ && taken.empty()) {
    return absl::FailedPreconditionError("the gateway is closing: nothing is handed out any more");
  }
  return taken;
}

std::vector<LocalDelivery> Mailbox::TakeLocked(Box& box, size_t items_max) {
  const absl::Time now = options_.clock->SteadyNow();
  std::vector<LocalDelivery> taken;
  while (!box.waiting.empty() && taken.size() < items_max) {
    if (now >= box.waiting.front().ends_at) break;  // Step returns it
    taken.push_back(HandOutLocked(std::move(box.waiting.front()), now));
    box.waiting.pop_front();
    --waiting_count_;
  }
  if (!taken.empty() && box.waiting.empty()) {
    box.window = std::min(options_.window_max, box.window * 2);
  }
  TellLocked();
  return taken;
}

LocalDelivery Mailbox::HandOutLocked(Item item, absl::Time now) {
  item.ends_at = std::min(item.ends_at, now + item.request.timeout);
  item.taken_at = now;
  LocalDelivery delivery = item.request.delivery;
  delivery.ticket = ++last_ticket_;
  delivery.deadline = options_.clock->Now() + (item.ends_at - now);
  deadlines_.emplace(item.ends_at, delivery.ticket);
  taken_.emplace(delivery.ticket, std::move(item));
  return delivery;
}

absl::Status Mailbox::Finish(uint64_t ticket, LocalOutcome outcome) {
  const absl::Time now = options_.clock->SteadyNow();
  {
    absl::MutexLock lock(&mutex_);
    const auto found = taken_.find(ticket);
    if (found == taken_.end()) {
      return absl::NotFoundError(
          "the delivery is not in the host's hands: it is finished, or its time is over and it "
          "comes again");
    }
    Item item = std::move(found->second);
    taken_.erase(found);
    deadlines_.erase({item.ends_at, ticket});
    TransportResult result = ResultOf(std::move(outcome));
    result.elapsed = now - item.taken_at;
    EndLocked(std::move(item), std::move(result));
  }
  wake_();
  return absl::OkStatus();
}

void Mailbox::TellLocked() {
  const bool has_any = waiting_count_ > 0 || returned_count_ > 0;
  if (has_any == has_told_) return;
  has_told_ = has_any;
  tell_(has_any);
}

}  // namespace convoy::transport
