// Payload functions of subscriptions. A function runs for every attempt, before anything is sent:
// the event is stored as it came in, a correction of the function helps the deliveries that wait,
// and since a function is deterministic the attempts of a delivery carry the same bytes otherwise.
//
// A function that fails makes a failed attempt of its own kind, which is told with the delivery and
// does not count against the endpoint. One that could not be run makes none: the delivery goes
// back.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/body/body_view.h"
#include "lib/dispatch/dispatcher_state.h"
#include "lib/dispatch/request_builder.h"

namespace convoy::dispatch {
namespace {

TransportResult Failed(std::string_view why) {
  return {.outcome = TransportOutcome::kFunctionFailed, .error = absl::StrCat("function: ", why)};
}

// The event as its endpoint is to get it.
std::shared_ptr<const Event> WithBody(const Event& event, std::string body) {
  auto changed = std::make_shared<Event>(Event{.id = event.id,
                                               .project_id = event.project_id,
                                               .source_id = event.source_id,
                                               .event_type = event.event_type,
                                               .endpoint_ids = event.endpoint_ids,
                                               .headers = event.headers,
                                               .body = std::move(body),
                                               .content_type = "application/json",
                                               .url_query = event.url_query,
                                               .url_path = event.url_path,
                                               .idempotency_key = event.idempotency_key,
                                               .status = event.status,
                                               .created_at = event.created_at,
                                               .acknowledged_at = event.acknowledged_at});
  std::erase_if(changed->headers, [](const Header& header) {
    return base::EqualsIgnoreCase(header.name, "Content-Encoding");
  });
  return changed;
}

}  // namespace

void Dispatcher::State::RunFunction(std::shared_ptr<Sending> sending, const Endpoint& endpoint,
                                    const std::string& function, Present now) {
  const Delivery& delivery = sending->task.claimed.delivery;
  const Event& event = *sending->task.claimed.event;
  body::BodyView view(event.content_type, event.headers, event.body);
  const auto payload = AsJsonValue(view);
  if (!payload.has_value()) return End(*sending, Failed("the event's body is not JSON"), now);
  const absl::Duration left = LeaseLeft(sending->task, now) - LeaseMargin(options.lease);
  ScriptCall call{.owner = delivery.subscription_id,
                  .function = function,
                  .payload = std::string(*payload),
                  .now = event.created_at,
                  .output_bytes_max = options.body_bytes_max,
                  .patience = std::max(left - TimeoutOf(endpoint), left / 4)};
  const uint64_t number = ++functions_count;
  in_functions.emplace(number, std::move(sending));
  // Also where the answer is given at once, it is taken in by the next step.
  RunScript(parts.scripting, std::move(call), [this, number](ScriptResult result) {
    functions.Add({.number = number, .result = std::move(result)});
    outcomes.NotifyWork();
  });
}

void Dispatcher::State::TakeInFunctions(Present now) {
  for (FunctionInbox::Item& item : functions.TakeAll()) {
    const auto found = in_functions.find(item.number);
    if (found == in_functions.end()) continue;  // cancelled
    std::shared_ptr<Sending> sending = std::move(found->second);
    in_functions.erase(found);
    const std::string endpoint_id = sending->attempt.endpoint_id;
    OnFunction(std::move(sending), std::move(item.result), now);
    StartWaiting(endpoint_id, now);
  }
}

void Dispatcher::State::OnFunction(std::shared_ptr<Sending> sending, ScriptResult result,
                                   Present now) {
  const Endpoint* const endpoint = sending->project->FindEndpoint(sending->attempt.endpoint_id);
  if (result.outcome == ScriptOutcome::kNotRun || !HasTime(sending->task, *endpoint, now)) {
    lanes[endpoint->id].blocked_until = now.steady + kLookAgain;
    return End(*sending, {.outcome = TransportOutcome::kNotTaken, .error = std::move(result.error)},
               now);
  }
  if (result.outcome != ScriptOutcome::kDone) return End(*sending, Failed(result.error), now);
  const auto event = WithBody(*sending->task.claimed.event, std::move(result.payload));
  sending->attempt.requested_at = now.wall;
  Send(std::move(sending), *endpoint, event, now);
}

void Dispatcher::State::CancelFunctions(Present now) {
  for (auto& [number, sending] : std::exchange(in_functions, {})) {
    End(*sending, {.outcome = TransportOutcome::kCancelled, .may_have_arrived = false}, now);
  }
}

}  // namespace convoy::dispatch
