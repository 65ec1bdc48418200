// Handler of failure rates: how the deliveries to some endpoints ended in a period.
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "lib/base/read_limit.h"
#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"
#include "lib/http/request/portal_scope.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/wire.h"
#include "lib/storage/flow_counts.h"

namespace convoy::http {
namespace {

constexpr size_t kEndpointsMax = 100;
constexpr absl::Duration kPeriod = absl::Hours(24 * 7);
// Parts of the count, each of kListRowsMax deliveries of the project at most, newest first. One
// that has not come to its end by then is of the newest deliveries only.
constexpr int kPartsMax = 10;

struct Counts {
  uint64_t success = 0;
  uint64_t failure = 0;
  uint64_t retry = 0;
};

struct Rates {
  absl::flat_hash_map<std::string, Counts> counts;  // by endpoint
  bool is_whole = false;
};

void Add(const StatusCount& counted, Counts* counts) {
  switch (counted.status) {
    case DeliveryStatus::kSuccess:
      counts->success += counted.count;
      break;
    case DeliveryStatus::kFailure:
      counts->failure += counted.count;
      break;
    case DeliveryStatus::kRetry:
      counts->retry += counted.count;
      break;
    default:
      break;
  }
}

// The store is free between two parts.
absl::StatusOr<Rates> CountRates(Storage& storage, const DeliveryQuery& query) {
  Rates rates;
  std::string cursor;
  for (int parts_count = 0; parts_count < kPartsMax && !rates.is_whole; ++parts_count) {
    if (base::ReadLimit::IsOver()) return absl::DeadlineExceededError("the count takes too long");
    CONVOY_ASSIGN_OR_RETURN(StatusCountPart part, storage::CountByStatus(storage, query, cursor));
    for (const StatusCount& counted : part.counts) Add(counted, &rates.counts[counted.endpoint_id]);
    rates.is_whole = part.next_cursor.empty();
    cursor = std::move(part.next_cursor);
  }
  return rates;
}

void WriteRate(json::Writer& writer, const Counts& counts, bool is_whole) {
  const uint64_t ended = counts.success + counts.failure;
  const double rate =
      ended == 0 ? 0 : 100.0 * static_cast<double>(counts.failure) / static_cast<double>(ended);
  writer.Key("period_failure_rate").Double(rate);
  writer.Field("success_count", counts.success)
      .Field("failure_count", counts.failure)
      .Field("retry_count", counts.retry);
  if (!is_whole) writer.Field("is_lower_bound", true);
}

}  // namespace

// In the order of the request. An unknown endpoint is told without figures.
Reply GetPeriodFailureRates(const Context& context) {
  const std::string_view query = context.request->query;
  auto ids = ParameterList(query, "endpointId");
  if (!ids.ok()) return FromStatus(ids.status());
  if (ids->size() > kEndpointsMax) ids->resize(kEndpointsMax);
  auto range = ParseTimeRange(query);
  if (!range.ok()) return FromStatus(range.status());
  if (range->from == absl::InfinitePast()) range->from = context.parts->clock->Now() - kPeriod;
  DeliveryQuery wanted{.project_id = context.project->project().id,
                       .created_from = range->from,
                       .created_until = range->until};
  for (const std::string& id : *ids) {
    if (FindEndpointInScope(context, id) != nullptr) wanted.endpoint_ids.push_back(id);
  }
  absl::StatusOr<Rates> rates = Rates();
  if (!wanted.endpoint_ids.empty()) rates = CountRates(*context.parts->storage, wanted);
  if (!rates.ok()) return FromStatus(rates.status());
  json::Writer writer;
  writer.BeginArray();
  for (const std::string& id : *ids) {
    writer.BeginObject().Field("uid", id);
    if (FindEndpointInScope(context, id) != nullptr) {
      WriteRate(writer, rates->counts[id], rates->is_whole);
    }
    writer.EndObject();
  }
  writer.EndArray();
  return Success(200, "Endpoint period failure rates fetched successfully", writer.TakeText());
}

}  // namespace convoy::http
