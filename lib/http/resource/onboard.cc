// Bulk onboarding: many receivers with a subscription each, in one transaction. An endpoint that is
// there already, by its URL, is taken.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/http/request/pagination.h"
#include "lib/http/resource/config_change.h"
#include "lib/http/resource/endpoint_secrets.h"
#include "lib/http/resource/event_types.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/resource/onboard_rows.h"
#include "lib/http/resource/subscription_filters.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/wire.h"
#include "lib/intake/deliveries.h"

namespace convoy::http {
namespace {

// The size of Convoy's batches; here all of it is one transaction.
constexpr size_t kRowsOfBatch = 50;

// The objects of a transaction, by what later rows find them by.
class Plan {
 public:
  Plan(const ApiParts& parts, const Snapshot& project) : parts_(parts), project_(project) {}

  absl::Status Add(const OnboardRow& row) {
    CONVOY_ASSIGN_OR_RETURN(Endpoint * endpoint, FindOrMakeEndpoint(row));
    if (!row.auth_username.empty()) {
      endpoint->auth = BasicAuth{.username = row.auth_username, .password = row.auth_password};
      endpoint->updated_at = parts_.clock->Now();
    }
    return Subscribe(*endpoint, row.event_type.empty() ? "*" : row.event_type);
  }

  absl::StatusOr<ConfigWrite> Write() {
    ConfigWrite write;
    std::vector<std::string> types;
    for (const auto& [url, endpoint] : endpoints_) write.puts.push_back(endpoint);
    for (auto& [endpoint_id, subscriptions] : subscriptions_) {
      for (Subscription& subscription : subscriptions) {
        CONVOY_RETURN_IF_ERROR(KeepTypeFilters(parts_, subscription.filter, &subscription));
        for (const std::string& type : subscription.event_types) {
          if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
        }
        write.puts.push_back(subscription);
      }
    }
    CONVOY_RETURN_IF_ERROR(AddEventTypes(parts_, project_->project().id, types, &write));
    return write;
  }

 private:
  absl::StatusOr<Endpoint*> FindOrMakeEndpoint(const OnboardRow& row) {
    const auto planned = endpoints_.find(row.url);
    if (planned != endpoints_.end()) return &planned->second;
    const Endpoint* const known = project_->FindUnownedEndpointByUrl(row.url);
    if (known != nullptr) return &endpoints_.emplace(row.url, *known).first->second;
    CONVOY_ASSIGN_OR_RETURN(Endpoint made,
                            MakeEndpoint(parts_, project_->project(), row.name, row.url, ""));
    return &endpoints_.emplace(row.url, std::move(made)).first->second;
  }

  // A second subscription where the project allows it, otherwise one more type of the first.
  absl::Status Subscribe(const Endpoint& endpoint, const std::string& type) {
    std::vector<Subscription>& planned = subscriptions_[endpoint.id];
    if (planned.empty()) {
      for (const Subscription* const known : project_->SubscriptionsOfEndpoint(endpoint.id)) {
        planned.push_back(*known);
      }
    }
    for (const Subscription& each : planned) {
      const auto& types = each.event_types;
      if (std::find(types.begin(), types.end(), type) != types.end()) return absl::OkStatus();
    }
    const absl::Time now = parts_.clock->Now();
    if (planned.empty() || project_->project().config.has_multiple_endpoint_subscriptions) {
      Subscription made = intake::MakeImplicitSubscription(endpoint, now, *parts_.ulids);
      made.event_types = {type};
      planned.push_back(std::move(made));
      return absl::OkStatus();
    }
    if (planned.front().event_types.size() >= kEventTypesMax) {
      return absl::InvalidArgumentError("a subscription would have too many event types");
    }
    planned.front().event_types.push_back(type);
    planned.front().updated_at = now;
    return absl::OkStatus();
  }

  const ApiParts& parts_;
  const Snapshot project_;
  std::map<std::string, Endpoint> endpoints_;                       // by URL
  std::map<std::string, std::vector<Subscription>> subscriptions_;  // by endpoint
};

std::string FaultsJson(size_t rows_count, const std::vector<RowFault>& faults) {
  size_t faulty_count = 0, last = 0;
  for (const RowFault& fault : faults) faulty_count += std::exchange(last, fault.row) != fault.row;
  return ToJson([&](json::Writer& writer) {
    writer.BeginObject()
        .Field("total_rows", static_cast<uint64_t>(rows_count))
        .Field("valid_count", static_cast<uint64_t>(rows_count - faulty_count));
    writer.Key("errors").BeginArray();
    for (const RowFault& fault : faults) {
      writer.BeginObject()
          .Field("row", static_cast<uint64_t>(fault.row))
          .Field("field", fault.field)
          .Field("message", fault.message)
          .EndObject();
    }
    writer.EndArray().EndObject();
  });
}

}  // namespace

Reply OnboardEndpoints(const Context& context) {
  if (context.project->project().type == ProjectType::kIncoming) {
    return Failure(400, "bulk onboard is only supported for outgoing projects");
  }
  absl::StatusOr<std::vector<OnboardRow>> rows = ReadOnboardRows(context);
  if (!rows.ok()) return FromStatus(rows.status());
  const std::vector<RowFault> faults = FindFaults(*rows, context.project->project().config);
  if (base::EqualsIgnoreCase(ParameterOf(context.request->query, "dry_run"), "true")) {
    return Success(200, "Dry run validation complete", FaultsJson(rows->size(), faults));
  }
  if (!faults.empty()) {
    return FailureWithData(400, "Validation failed", FaultsJson(rows->size(), faults));
  }
  const uint64_t count = rows->size();
  return ChangeProject(
      context,
      [parts = context.parts,
       rows = *std::move(rows)](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        Plan plan(*parts, project);
        for (const OnboardRow& row : rows) CONVOY_RETURN_IF_ERROR(plan.Add(row));
        return plan.Write();
      },
      [count] {
        return Success(202, "Bulk onboard request accepted", ToJson([&](json::Writer& writer) {
                         writer.BeginObject()
                             .Field("batch_count", (count + kRowsOfBatch - 1) / kRowsOfBatch)
                             .Field("total_items", count)
                             .Field("message", "Bulk onboard request accepted for processing")
                             .EndObject();
                       }));
      });
}

}  // namespace convoy::http
