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
    const auto lanes_count = static_cast<uint32_t>(endpoint_ids.size());
    const uint32_t share = (room + lanes_count - 1) / lanes_count;
    for (const std::string& endpoint_id : endpoint_ids) {
      const LaneState& state = lanes[endpoint_id];
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
                                   std::string_view name, Present now) {
  const ClaimedDelivery& claimed = sending->task.claimed;
  sending->is_local = true;
  sending->attempt.method = kLocalMethod;
  LocalRequest request = BuildLocalRequest(sending->project->project().config, endpoint, name,
                                           claimed.delivery, claimed.event);
  request.time_left = LeaseLeft(sending->task, now) - LeaseMargin(options.lease);
  sending->attempt.request_headers = RedactHeaders(request.delivery.headers, {});
  parts.local->Send(std::move(request), [this, sending](TransportResult result) {
    OnSent(*sending, std::move(result));
  });
}

}  // namespace convoy::dispatch
