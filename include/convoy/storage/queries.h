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

// How many rows a list looks at for one page. Conditions that no index helps with select among
// them.
inline constexpr uint32_t kListRowsMax = 10'000;

// A window of a list. Lists of configuration are ordered by id; those of what flows by the instants
// in the ids, then in the order of arrival; newest first unless `is_ascending`. `cursor` is one
// that an earlier page gave (another one is kInvalidArgument), or empty for the first page;
// `is_backward` walks towards its start.
struct PageRequest {
  std::string cursor;
  bool is_backward = false;
  bool is_ascending = false;
  uint32_t items_max = 20;
};

// A page may be shorter than asked for, and even empty, although there is more in its direction: it
// ends when kListRowsMax rows were looked at. Whether there is anything in the other direction is
// told by a look at a bounded number of rows, too, and is then to be read as "there may be".
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_cursor;  // pass back with is_backward = false
  std::string prev_cursor;  // pass back with is_backward = true
  bool has_next = false;
  bool has_prev = false;
};

// A field that has one of `values`. Without values: no condition.
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
  // Whether the store still knows; otherwise everything of the scope has to be read again.
  bool is_complete = false;
  std::vector<ConfigRecord> puts;  // changed objects, as they are now
  std::vector<ConfigRef> removes;  // those that are not of the scope any more
};

// A search: what begins with `text` as an id, or has it, without case, in its event type or
// idempotency key, or is of one of these sources.
struct SearchText {
  std::string text;                     // empty: everything
  std::vector<std::string> source_ids;  // of events
};

// Instants are compared with those in the ids, which are milliseconds: a range costs what is in it.
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
  std::string from_id;  // no older ones than this; empty: all
  absl::Time now;       // what has expired by then is not listed
};

}  // namespace convoy
