// Queries of a store: pages of configuration, of traffic and of held inputs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "convoy/config.h"
#include "convoy/model.h"

namespace convoy {

// The number of rows that a list looks at for one page. Conditions without an index are evaluated
// on these rows.
inline constexpr uint32_t kListRowsMax = 5'000;

// The number of rows that a count of held inputs looks at.
inline constexpr uint32_t kHeldCountMax = 10'000;

// A window of a list. Lists of configuration are ordered by id. Lists of events, deliveries and
// held inputs are ordered by the instants in their ids, then by arrival. The newest comes first
// unless `is_ascending`. `cursor` is one of an earlier page (any other is kInvalidArgument), or
// empty for the first page. `is_backward` walks towards the start of the list.
struct PageRequest {
  std::string cursor;
  bool is_backward = false;
  bool is_ascending = false;
  uint32_t items_max = 20;
};

// A page ends after kListRowsMax rows. So it may be shorter than asked for, or empty, although
// there are more items in its direction. In the other direction a bounded number of rows is looked
// at, too; beyond the bound, has_next and has_prev mean "there may be more".
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_cursor;  // pass back with is_backward = false
  std::string prev_cursor;  // pass back with is_backward = true
  bool has_next = false;
  bool has_prev = false;
};

// The condition that a field has one of `values`. Without values it always holds.
struct ConfigCondition {
  std::string field;
  std::vector<std::string> values;
};

// Configuration objects of one kind.
struct ConfigQuery {
  ConfigKind kind = ConfigKind::kProject;
  std::optional<std::string> project_id;    // nullopt: of all projects; empty: of none
  std::vector<ConfigCondition> conditions;  // all of them hold
  std::string name_contains;                // a part of the field "name", without case; empty: all
};

// The changes of a scope since a revision.
struct ConfigChanges {
  uint64_t revision = 0;  // of the scope now
  // Whether the store still has all changes; otherwise read everything of the scope again.
  bool is_complete = false;
  std::vector<ConfigRecord> puts;  // changed objects, as they are now
  std::vector<ConfigRef> removes;  // objects that no longer belong to the scope
};

// A search. It finds objects whose id begins with `text`, whose event type or idempotency key
// contains it (without case), or that belong to one of these sources.
struct SearchText {
  std::string text;                     // empty: everything
  std::vector<std::string> source_ids;  // of events
};

// Instants are compared with those in the ids, which are milliseconds. So a range costs only the
// rows that are in it.
struct EventQuery {
  std::string project_id;
  std::vector<std::string> endpoint_ids;
  std::vector<std::string> source_ids;
  std::string idempotency_key;
  std::string event_type;
  SearchText search;                                  // by the id of the event
  absl::Time created_from = absl::InfinitePast();     // inclusive
  absl::Time created_until = absl::InfiniteFuture();  // inclusive
};

struct DeliveryQuery {
  std::string project_id;
  std::string event_id;
  std::string subscription_id;
  std::string idempotency_key;
  std::string event_type;
  std::vector<std::string> endpoint_ids;
  std::vector<DeliveryStatus> statuses;
  SearchText search;  // by the ids of the delivery and of its event; not by sources
  absl::Time created_from = absl::InfinitePast();
  absl::Time created_until = absl::InfiniteFuture();
};

struct HeldQuery {
  std::string project_id;
  std::vector<std::string> source_ids;  // any of these; empty: all
  std::optional<HeldKind> kind;
  std::string reason;   // empty: all
  std::string from_id;  // the oldest one to list; empty: all
  absl::Time now;       // inputs that have expired by then are not listed
};

}  // namespace convoy
