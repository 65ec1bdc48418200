// Lanes whose endpoints are local: the host takes from them at its own pace, so they hold no slots,
// and claims bring what it has room for.
#include <algorithm>
#include <utility>

#include "lib/dispatch/dispatcher_state.h"
#include "lib/dispatch/redaction.h"
#include "lib/dispatch/request_builder.h"
#include "lib/model/local_name.h"

namespace convoy::dispatch {
namespace {

constexpr const char* kLocalMethod = "LOCAL";  // in the record of an attempt

}  // namespace

absl::flat_hash_map<std::string, std::vector<std::string>> Dispatcher::State::LocalLanes() {
  absl::flat_hash_map<std::string, std::vector<std::string>> by_name;
  for (auto& [endpoint_id, state] : lanes) {
    if (!state.is_local()) continue;
    const absl::StatusOr<Snapshot>& project = FindProject(state.local_project_id);
    if (!project.ok() && !absl::IsNotFound(project.status())) {
      by_name[""].push_back(endpoint_id);  // for which there is no room
      continue;
    }
    const Endpoint* const endpoint = project.ok() ? (*project)->FindEndpoint(endpoint_id) : nullptr;
    const auto name = endpoint == nullptr || endpoint->status == EndpointStatus::kInactive
                          ? std::nullopt
                          : model::LocalNameOf(endpoint->url);
    if (name.has_value()) {
      by_name[*name].push_back(endpoint_id);
    } else {
      state.local_project_id.clear();  // what is due is sent elsewhere, or discarded
    }
  }
  return by_name;
}

void Dispatcher::State::AddLocalRooms(Present now, ClaimRequest& request) {
  for (const auto& [name, endpoint_ids] : LocalLanes()) {
    const uint32_t room = parts.local == nullptr ? 0 : parts.local->RoomOf(name);
    const auto has_work = [this](const LaneState& state) {
      return state.local_count > 0 || state.given_in_claim == claims_count;
    };
    const auto busy_count = static_cast<uint32_t>(std::count_if(
        endpoint_ids.begin(), endpoint_ids.end(),
        [&](const std::string& endpoint_id) { return has_work(lanes[endpoint_id]); }));
    for (const std::string& endpoint_id : endpoint_ids) {
      LaneState& state = lanes[endpoint_id];
      state.has_local_room = room > 0;
      // One that brought nothing lately has to show first that it has work.
      const uint32_t share =
          has_work(state) ? (room + busy_count - 1) / busy_count : std::min(room, 1u);
      const bool is_open = !state.is_blocked(now.steady) && state.waiting.empty();
      const uint32_t lane_room = is_open ? std::min(share, state.LocalRoomIn(now.steady)) : 0;
      if (lane_room == 0) {
        request.skipped_endpoint_ids.push_back(endpoint_id);
      } else {
        request.items_max_of_endpoint.emplace(endpoint_id, lane_room);
      }
    }
  }
}

void Dispatcher::State::StartLocal(std::shared_ptr<Sending> sending, const Endpoint& endpoint,
                                   std::string_view name, const std::shared_ptr<const Event>& event,
                                   Present now) {
  sending->attempt.method = kLocalMethod;
  LocalRequest request = BuildLocalRequest(sending->project->project().config, endpoint, name,
                                           sending->task.claimed.delivery, event);
  request.time_left = LeaseLeft(sending->task, now) - LeaseMargin(options.lease);
  sending->attempt.request_headers = RedactHeaders(request.delivery.headers, {});
  parts.local->Send(std::move(request), [this, sending](TransportResult result) {
    OnSent(*sending, std::move(result));
  });
}

}  // namespace convoy::dispatch
