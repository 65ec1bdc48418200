// Counts of events and deliveries: an interface that a store may implement in addition to Storage,
// to count rows without reading them whole. Without it, lists are read and counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/storage.h"

namespace convoy {

// Count of a bounded number of rows.
struct CountPart {
  uint64_t count = 0;       // of rows that the query selects
  std::string next_cursor;  // for the next part; empty: all rows were looked at
};

// Deliveries to one endpoint that have one status.
struct StatusCount {
  std::string endpoint_id;
  DeliveryStatus status;
  uint64_t count = 0;

  friend bool operator==(const StatusCount&, const StatusCount&) = default;
};
struct StatusCountPart {
  std::vector<StatusCount> counts;  // in no order, none of them 0, each pair once
  std::string next_cursor;          // for the next part; empty: all rows were looked at
};

// Safe to use from any thread, as Storage is. The library looks for it with dynamic_cast.
class FlowCounts {
 public:
  virtual ~FlowCounts() = default;

  // How many objects a list of `query` has from `cursor` on, oldest first, among at most
  // kListRowsMax. `cursor` is one that an earlier part of the same count gave (another one is
  // kInvalidArgument), or empty for the first part.
  virtual absl::StatusOr<CountPart> CountEvents(const EventQuery& query,
                                                std::string_view cursor) = 0;
  virtual absl::StatusOr<CountPart> CountDeliveries(const DeliveryQuery& query,
                                                    std::string_view cursor) = 0;

  // The same deliveries apart by endpoint and status, newest first.
  virtual absl::StatusOr<StatusCountPart> CountByStatus(const DeliveryQuery& query,
                                                        std::string_view cursor) = 0;
};

}  // namespace convoy
