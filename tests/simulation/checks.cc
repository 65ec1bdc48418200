// Checks of the guarantees of FAULTS.md.

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/signer.h"
#include "lib/base/text.h"
#include "lib/model/job.h"
#include "lib/model/names.h"
#include "lib/storage/write_rules.h"
#include "tests/simulation/process.h"
#include "tests/simulation/simulator.h"

namespace convoy::simulation {
namespace {

bool IsFinal(DeliveryStatus status) {
  return status == DeliveryStatus::kSuccess || status == DeliveryStatus::kFailure ||
         status == DeliveryStatus::kDiscarded;
}

}  // namespace

void Simulator::Fail(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
}

void Simulator::Acknowledge(Process& process, const std::string& event_id,
                            const CommitResult& result) {
  if (!result.status.ok()) return;  // the caller was told that it failed, or nothing at all
  if (result.submissions.front() == SubmissionOutcome::kDuplicate) {
    ++figures_.events_duplicate;
    return;
  }
  process.dispatcher.Notify();
  ++figures_.events_accepted;
  acknowledged_.insert(event_id);
  const Expected& expected = expected_[event_id];
  const std::string& key = expected.idempotency_key;
  if (!key.empty()) {
    const auto [last, is_first] = accepted_keys_.emplace(key, expected.made_at);
    if (!is_first && expected.made_at < last->second + options_.dedupe_window) {
      Fail(absl::StrCat("G2: idempotency key ", key, " was accepted twice in its window"));
    }
    last->second = expected.made_at;
  }
  CheckStored(event_id);
}

void Simulator::CheckStored(const std::string& event_id) {
  const absl::StatusOr<Event> stored = store_->GetEvent(project_.id, event_id);
  const Expected& expected = expected_[event_id];
  if (!stored.ok()) {
    const absl::Time latest = std::max(latest_wall_, clock_.Now());
    const bool is_old = latest - expected.made_at > options_.retention;
    if (!is_old) Fail(absl::StrCat("G1: acknowledged event ", event_id, " is lost"));
  } else if (stored->body != expected.body) {
    Fail(absl::StrCat("G1: acknowledged event ", event_id, " has other bytes"));
  }
}

void Simulator::CheckAllAcknowledged() {
  for (const std::string& event_id : acknowledged_) CheckStored(event_id);
}

void Simulator::CheckArrival(Process& process, const OutgoingRequest& request, bool is_success) {
  ++figures_.requests_arrived;
  const absl::Time now = clock_.Now();
  const auto endpoint =
      std::find_if(endpoints_.begin(), endpoints_.end(),
                   [&request](const Endpoint& each) { return each.url == request.url; });
  const std::string delivery_id(
      base::FindHeader(request.headers, "X-Convoy-EventDelivery-ID").value_or(""));
  auto event = event_of_delivery_.find(delivery_id);
  if (event == event_of_delivery_.end()) {  // a job made it
    const absl::StatusOr<Delivery> stored = store_->GetDelivery(project_.id, delivery_id);
    if (stored.ok() && expected_.contains(stored->event_id)) {
      event = event_of_delivery_.emplace(delivery_id, stored->event_id).first;
    }
  }
  if (endpoint == endpoints_.end() || event == event_of_delivery_.end()) {
    return Fail(absl::StrCat("G3: an invented request to ", request.url));
  }
  if (StatusOf(*endpoint) != EndpointStatus::kActive) {
    Fail(absl::StrCat("G4: a request to an endpoint that is not active: ", request.url));
  }
  CheckRepeat(process, delivery_id);
  CheckBreaker(process, *endpoint);
  if (endpoint->is_fifo) CheckOrder(*endpoint, delivery_id);

  if (*request.body != expected_[event->second].body) {
    Fail(absl::StrCat("G5: delivery ", delivery_id, " has other bytes than its event"));
  }
  const absl::StatusOr<std::string> signature =
      Sign(project_.config.signature, *endpoint, *request.body, now);
  if (!signature.ok() ||
      base::FindHeader(request.headers, project_.config.signature.header) != *signature) {
    Fail(absl::StrCat("G5: delivery ", delivery_id, " is not signed over its bytes"));
  }
  if (is_success) answered_with_success_.insert(delivery_id);
}

void Simulator::CheckRepeat(Process& process, const std::string& delivery_id) {
  // A clock that is set forth ends leases of what is on its way.
  if (process.told_success.contains(delivery_id) && !was_clock_set_forth_) {
    Fail(absl::StrCat("G6: delivery ", delivery_id, " came again after its success was known"));
  }
  const std::pair<absl::Time, absl::Time> instants(clock_.Now(), clock_.SteadyNow());
  const auto [last, is_first] = last_arrival_.emplace(delivery_id, instants);
  if (!is_first) {
    // By the clock that says more: the wall clock may have been set.
    const absl::Duration elapsed =
        std::max(instants.first - last->second.first, instants.second - last->second.second);
    if (elapsed < project_.config.retry.interval) {
      Fail(absl::StrCat("G4: delivery ", delivery_id, " came again after ",
                        absl::FormatDuration(elapsed)));
    }
    last->second = instants;
  }
  const size_t earlier_count = arrivals_count_[delivery_id]++;
  const auto delivery = store_->GetDelivery(project_.id, delivery_id);
  if (earlier_count > 0 && delivery.ok() && !requeued_.contains(delivery_id) &&
      at_most_once_ids_.contains(delivery->subscription_id)) {
    Fail(absl::StrCat("G12: delivery ", delivery_id, " is to be sent at most once and came again"));
  }
}

void Simulator::CheckBreaker(Process& process, const Endpoint& endpoint) {
  const absl::Time opened_at = process.observer.opened_at(endpoint.id);
  if (opened_at == absl::InfinitePast()) return;
  if (clock_.SteadyNow() < opened_at + breaker_rest_) {
    Fail(absl::StrCat("G13: a request to ", endpoint.url, " while its circuit breaker is open"));
  }
  if (process.transport.CountTo(endpoint.url, opened_at) > 0) {
    Fail(absl::StrCat("G13: two requests at once probe ", endpoint.url));
  }
}

void Simulator::CheckOrder(const Endpoint& endpoint, const std::string& delivery_id) {
  // A clock that is set forth ends the lease of what is on its way.
  for (const std::unique_ptr<Process>& process : processes_) {
    if (process->transport.CountTo(endpoint.url) == 0 || was_clock_set_forth_) continue;
    Fail(absl::StrCat("G9: delivery ", delivery_id, " did not wait for the one before it"));
  }
  // Once it was set, instants are not in the order of acceptance any more.
  const absl::StatusOr<Delivery> delivery = store_->GetDelivery(project_.id, delivery_id);
  if (was_clock_set_ || !delivery.ok() || !HasOrder(*delivery)) return;
  for (const Delivery& open : ListOpenDeliveries()) {
    const bool is_older = open.endpoint_id == endpoint.id &&
                          open.created_at < delivery->created_at && HasOrder(open) &&
                          expected_[open.event_id].maker == expected_[delivery->event_id].maker;
    if (is_older) Fail(absl::StrCat("G9: delivery ", delivery_id, " came before ", open.id));
  }
}

// Whether it was made with its event, and is where it was. What jobs make comes in the order in
// which they make it. Two processes do not accept in the order of the instants.
bool Simulator::HasOrder(const Delivery& delivery) {
  return expected_[delivery.event_id].delivery_ids.contains(delivery.id) &&
         !requeued_.contains(delivery.id);
}

// Another process may take a delivery whose lease has ended: knowledge of its outcome is void then.
void Simulator::TakeOver(Process& process, const std::string& delivery_id) {
  const auto [latest, is_first] = lease_ends_at_.try_emplace(delivery_id);
  const bool has_ended = is_first || was_clock_set_ || clock_.Now() >= latest->second;
  latest->second = clock_.Now() + options_.lease;
  for (const std::unique_ptr<Process>& other : processes_) {
    if (other.get() == &process || !has_ended) continue;
    other->told_success.erase(delivery_id);
    other->taken_over.insert(delivery_id);
  }
  process.taken_over.erase(delivery_id);
}

void Simulator::CheckClaim(Process& process, const Claim& claim) {
  const absl::Time now = clock_.SteadyNow();
  std::set<std::string> endpoint_ids;
  for (const ClaimedDelivery& claimed : claim.deliveries) {
    const std::string& id = claimed.delivery.endpoint_id;
    endpoint_ids.insert(id);
    handed_out_[id].push_back(now);
    TakeOver(process, claimed.delivery.id);
  }
  for (const Endpoint& endpoint : endpoints_) {
    if (!endpoint_ids.contains(endpoint.id)) continue;
    const RateLimit& limit = endpoint.rate_limit;
    std::deque<absl::Time>& times = handed_out_[endpoint.id];
    while (times.size() > limit.count + 1) times.pop_front();
    if (limit.count > 0 && times.size() > limit.count && now - times.front() < limit.window) {
      Fail(absl::StrCat("G8: ", limit.count + 1, " deliveries to ", endpoint.url, " in ",
                        absl::FormatDuration(now - times.front())));
    }
    if (StatusOf(endpoint) != EndpointStatus::kActive &&
        ++process.unaware_claims[endpoint.id] > 1) {
      Fail(
          absl::StrCat("G10: deliveries to ", endpoint.url, " are claimed while it is not active"));
    }
  }
}

std::vector<Event> Simulator::ListAllEvents() {
  std::vector<Event> events;
  PageRequest request{.items_max = 100};
  while (true) {
    absl::StatusOr<Page<Event>> page = store_->ListEvents({.project_id = project_.id}, request);
    if (!page.ok()) {
      Fail(page.status().ToString());
      return events;
    }
    std::move(page->items.begin(), page->items.end(), std::back_inserter(events));
    if (!page->has_next) return events;
    request.cursor = page->next_cursor;
  }
}

std::vector<Delivery> Simulator::ListDeliveriesOf(const std::string& event_id) {
  absl::StatusOr<Page<Delivery>> page =
      store_->ListDeliveries({.project_id = project_.id, .event_id = event_id}, {.items_max = 100});
  if (!page.ok()) {
    Fail(page.status().ToString());
    return {};
  }
  return std::move(page->items);
}

std::vector<Delivery> Simulator::ListDeliveries(const DeliveryQuery& query) {
  std::vector<Delivery> all;
  PageRequest request{.items_max = 1000};
  while (true) {
    absl::StatusOr<Page<Delivery>> page = store_->ListDeliveries(query, request);
    if (!page.ok()) {
      Fail(page.status().ToString());
      return all;
    }
    std::move(page->items.begin(), page->items.end(), std::back_inserter(all));
    if (!page->has_next) return all;
    request.cursor = page->next_cursor;
  }
}

std::vector<Delivery> Simulator::ListOpenDeliveries() {
  return ListDeliveries({.project_id = project_.id,
                         .statuses = {DeliveryStatus::kScheduled, DeliveryStatus::kProcessing,
                                      DeliveryStatus::kRetry}});
}

// Without those that retention need not wait for.
std::vector<Delivery> Simulator::ListKeptDeliveries() {
  std::set<std::string> disabled;
  for (const Endpoint& endpoint : endpoints_) {
    if (StatusOf(endpoint) == EndpointStatus::kInactive) disabled.insert(endpoint.id);
  }
  std::vector<Delivery> open = ListOpenDeliveries();
  std::erase_if(open, [&](const Delivery& each) { return disabled.contains(each.endpoint_id); });
  return open;
}

bool Simulator::IsQuiet() {
  const bool is_idle = std::all_of(processes_.begin(), processes_.end(),
                                   [](const auto& process) { return process->dispatcher.idle(); });
  return is_idle && ListOpenDeliveries().empty() && !HasOpenJobs();
}

bool Simulator::HasOpenJobs() {
  const auto page = store_->ListConfig(model::OpenJobs(), {.items_max = 1});
  if (!page.ok()) Fail(page.status().ToString());
  return page.ok() && !page->items.empty();
}

std::string Simulator::DescribeOpen() {
  std::string text;
  for (const std::unique_ptr<Process>& process : processes_) {
    absl::StrAppend(&text, process->dispatcher.idle() ? "idle " : "busy ");
  }
  if (HasOpenJobs()) absl::StrAppend(&text, ", a job is open");
  for (const Delivery& delivery : ListOpenDeliveries()) {
    absl::StrAppend(&text, "; ", delivery.id, " ", model::Name(delivery.status), " after ",
                    delivery.attempts_count, " attempts, due in ",
                    absl::FormatDuration(delivery.due_at - clock_.Now()));
  }
  return text;
}

void Simulator::CheckEnd() {
  CheckAllAcknowledged();
  std::map<std::string, absl::Time> keys;       // to when the event that has it was made
  for (const Event& event : ListAllEvents()) {  // newest first
    if (!event.is_duplicate && !event.idempotency_key.empty()) {
      const auto [newer, is_first] = keys.emplace(event.idempotency_key, event.created_at);
      // Of two that were prepared before and after the clock was set back, the first may be
      // committed last; by then the key of the other has expired.
      const bool is_reversed = newer->second < event.created_at;
      if (!is_first && !is_reversed && newer->second < event.created_at + options_.dedupe_window) {
        Fail(absl::StrCat("G2: two events hold idempotency key ", event.idempotency_key));
      }
      newer->second = event.created_at;
    }
    CheckEvent(event);
  }
  CheckRetried();
}

// Everything has ended: once the retention is over, all of it goes.
void Simulator::CheckNothingStays() {
  if (options_.retention == absl::InfiniteDuration()) return;
  constexpr int kPiecesMax = 100;
  clock_.Set(std::max(latest_wall_, clock_.Now()) + options_.retention + absl::Milliseconds(1));
  for (int piece = 0; piece < kPiecesMax && !ListAllEvents().empty(); ++piece) {
    Process& process = *processes_[0];
    process.worker.Step();  // it may not know yet of a job that another one has ended
    clock_.Set(process.pruner.Step(process.worker.events_needed_from()));
  }
  const std::vector<Event> left = ListAllEvents();
  if (!left.empty()) Fail(absl::StrCat("G7: event ", left.front().id, " is never pruned"));
}

void Simulator::CheckEvent(const Event& event) {
  const auto expected = expected_.find(event.id);
  if (expected == expected_.end()) return Fail(absl::StrCat("G3: invented event ", event.id));
  const std::vector<Delivery> deliveries = ListDeliveriesOf(event.id);
  std::set<std::string> ids;
  for (const Delivery& delivery : deliveries) {
    ids.insert(delivery.id);
    CheckDelivery(delivery);
  }
  if (event.is_duplicate) {
    if (!ids.empty()) Fail(absl::StrCat("G3: duplicate ", event.id, " has deliveries"));
    return;
  }
  for (const std::string& id : expected->second.delivery_ids) {
    if (!ids.contains(id)) Fail(absl::StrCat("G3: event ", event.id, " has lost delivery ", id));
  }
  CheckAudience(event, expected->second, deliveries);
}

// One for each subscription, and one more for each replay. A subscription that is made while a job
// goes on may be reached, too; one that an endpoint of the event got later, by replays.
void Simulator::CheckAudience(const Event& event, const Expected& expected,
                              const std::vector<Delivery>& deliveries) {
  size_t least = 1;
  size_t most = 1;
  for (const Replay& replay : replays_) {
    least += replay.acknowledged.contains(event.id) ? 1 : 0;
    // Instants of ids are whole milliseconds.
    most += expected.made_at < replay.made_at + absl::Milliseconds(1) ? 1 : 0;
  }
  std::map<std::string, size_t> counts;
  for (const std::string& id : expected.subscription_ids) counts[id] = 0;
  std::set<std::string> listed;  // those of the endpoints that the event lists
  for (const Delivery& delivery : deliveries) {
    ++counts[delivery.subscription_id];
    const auto& ids = event.endpoint_ids;
    if (std::find(ids.begin(), ids.end(), delivery.endpoint_id) != ids.end()) {
      listed.insert(delivery.subscription_id);
    }
  }
  for (const auto& [id, count] : counts) {
    const bool is_expected = expected.subscription_ids.contains(id);
    const bool is_of_replay = listed.contains(id) && count < most;
    if (!is_expected && !expected.is_deferred && !is_of_replay) {
      Fail(absl::StrCat("G3: event ", event.id, " was delivered for subscription ", id));
    }
    if (count > most || (is_expected && count < least)) {
      Fail(absl::StrCat(replays_.empty() ? "G11: event " : "G14: event ", event.id, " has ", count,
                        " deliveries for subscription ", id, " instead of ", least, " to ", most));
    }
  }
}

void Simulator::CheckRetried() {
  for (const auto& [id, before] : to_retry_) {
    const auto delivery = store_->GetDelivery(project_.id, id);
    if (!delivery.ok() || disabled_since_.contains(delivery->endpoint_id)) continue;
    const auto endpoint =
        std::find_if(endpoints_.begin(), endpoints_.end(),
                     [&](const Endpoint& each) { return each.id == delivery->endpoint_id; });
    if (endpoint->status == EndpointStatus::kInactive) continue;
    const auto attempts = store_->ListAttempts(project_.id, id);
    if (attempts.ok() && attempts->size() > before) continue;
    Fail(absl::StrCat("G15: delivery ", id, " was not tried again by the batch retry"));
  }
}

void Simulator::CheckDelivery(const Delivery& delivery) {
  if (!IsFinal(delivery.status)) {
    Fail(absl::StrCat("G3: delivery ", delivery.id, " never became final"));
  }
  const absl::StatusOr<std::vector<Attempt>> attempts =
      store_->ListAttempts(project_.id, delivery.id);
  if (!attempts.ok()) return Fail(attempts.status().ToString());
  // An attempt whose lease ran out while the process stalled is recorded, but moves nothing.
  if (delivery.attempts_count > delivery.retry.attempts_max ||
      delivery.attempts_count > attempts->size()) {
    Fail(absl::StrCat("G4: delivery ", delivery.id, " counts ", delivery.attempts_count,
                      " attempts, of which ", attempts->size(), " are recorded"));
  }
  const bool has_success = std::any_of(attempts->begin(), attempts->end(),
                                       [](const Attempt& each) { return each.is_success; });
  const bool is_success = delivery.status == DeliveryStatus::kSuccess;
  if (is_success && !has_success) {
    Fail(absl::StrCat("G5: delivery ", delivery.id, " has no successful attempt"));
  }
  if (is_success && !answered_with_success_.contains(delivery.id)) {
    Fail(absl::StrCat("G5: delivery ", delivery.id, " was never answered with success"));
  }
  figures_.unknown_outcomes += delivery.description == storage::kUnknownArrival ? 1 : 0;
  figures_.deliveries_succeeded += is_success ? 1 : 0;
  figures_.deliveries_failed += is_success ? 0 : 1;
}

}  // namespace convoy::simulation
