// Handler of failure rates: how the deliveries to some endpoints ended in a period.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/base/read_limit.h"
#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"
#include "lib/http/request/portal_scope.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/wire.h"

namespace convoy::http {
namespace {

constexpr size_t kEndpointsMax = 100;
constexpr absl::Duration kPeriod = absl::Hours(24 * 7);
constexpr uint32_t kDeliveriesOfPage = 1000;
// Of one request. Endpoints whose deliveries are beyond it are told without figures.
constexpr uint64_t kDeliveriesMax = 100'000;

struct Counts {
  uint64_t success = 0;
  uint64_t failure = 0;
  uint64_t retry = 0;
};

// nullopt if there are more deliveries than `left` allows to count.
absl::StatusOr<std::optional<Counts>> Count(Storage& storage, const DeliveryQuery& query,
                                            uint64_t& left) {
  Counts counts;
  PageRequest request{.items_max = kDeliveriesOfPage};
  while (true) {
    if (base::ReadLimit::IsOver()) return absl::DeadlineExceededError("the count takes too long");
    if (left == 0) return std::optional<Counts>();
    CONVOY_ASSIGN_OR_RETURN(const auto page, storage.ListDeliveries(query, request));
    for (const Delivery& delivery : page.items) {
      counts.success += delivery.status == DeliveryStatus::kSuccess;
      counts.failure += delivery.status == DeliveryStatus::kFailure;
      counts.retry += delivery.status == DeliveryStatus::kRetry;
    }
    left -= std::min<uint64_t>(left, page.items.size());
    if (!page.has_next) return counts;
    request.cursor = page.next_cursor;
  }
}

void WriteRate(json::Writer& writer, const std::string& id, const std::optional<Counts>& counts) {
  writer.BeginObject().Field("uid", id);
  if (counts.has_value()) {
    const uint64_t ended = counts->success + counts->failure;
    const double rate =
        ended == 0 ? 0 : 100.0 * static_cast<double>(counts->failure) / static_cast<double>(ended);
    writer.Key("period_failure_rate").Double(rate);
    writer.Field("success_count", counts->success)
        .Field("failure_count", counts->failure)
        .Field("retry_count", counts->retry);
  }
  writer.EndObject();
}

}  // namespace

// In the order of the request. An unknown endpoint is told without figures, too.
Reply GetPeriodFailureRates(const Context& context) {
  const std::string_view query = context.request->query;
  auto ids = ParameterList(query, "endpointId");
  if (!ids.ok()) return FromStatus(ids.status());
  if (ids->size() > kEndpointsMax) ids->resize(kEndpointsMax);
  auto range = ParseTimeRange(query);
  if (!range.ok()) return FromStatus(range.status());
  if (range->from == absl::InfinitePast()) range->from = context.parts->clock->Now() - kPeriod;
  uint64_t left = kDeliveriesMax;
  json::Writer writer;
  writer.BeginArray();
  for (const std::string& id : *ids) {
    absl::StatusOr<std::optional<Counts>> counts = std::optional<Counts>();
    if (FindEndpointInScope(context, id) != nullptr) {
      counts = Count(*context.parts->storage,
                     {.project_id = context.project->project().id,
                      .endpoint_ids = {id},
                      .created_from = range->from,
                      .created_until = range->until},
                     left);
    }
    if (!counts.ok()) return FromStatus(counts.status());
    WriteRate(writer, id, *counts);
  }
  writer.EndArray();
  return Success(200, "Endpoint period failure rates fetched successfully", writer.TakeText());
}

}  // namespace convoy::http
