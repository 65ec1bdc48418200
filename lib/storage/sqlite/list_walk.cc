// The walks behind lists: fixed statements, whose rows are selected one by one.
#include "lib/storage/sqlite/list_walk.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"

#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/flow_counts.h"
#include "lib/storage/list_conditions.h"
#include "lib/storage/page_walk.h"
#include "lib/storage/search.h"
#include "lib/storage/sqlite/row_keys.h"
#include "lib/storage/sqlite/rows.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

// The numbers of `ids`; without ids: any.
absl::StatusOr<NumberSet> NumbersOf(Connection& connection, const std::vector<std::string>& ids) {
  std::vector<int64_t> numbers;
  for (const std::string& id : ids) {
    // The empty id stands for "none" in a row, and is not what a list can be asked for.
    CONVOY_ASSIGN_OR_RETURN(const int64_t number, FindName(connection, id));
    numbers.push_back(number == kNoName ? kUnknownName : number);
  }
  return NumberSet(numbers);
}
absl::StatusOr<NumberSet> NumbersOf(Connection& connection, const std::string& id) {
  return NumbersOf(connection, id.empty() ? std::vector<std::string>() : std::vector{id});
}

// The id of a row that begins with key and id_tail; `shift` is the column of its key_shift.
std::string IdOf(const Statement& row, int shift) {
  return JoinUlid({.key = row.IntAt(0) - row.IntAt(shift), .tail = row.IntAt(1)});
}

// One list: its index, in both directions, and the rows of it that are selected.
struct ListPlan {
  std::string_view ascending;  // SQL; its first columns are key and id_tail
  std::string_view descending;
  int64_t owner = 0;  // the project or the event that the index is by
  KeyRange range;
  absl::FunctionRef<absl::StatusOr<bool>(const Statement&)> is_wanted;
};

// `Make` reads the item of a key.
template <typename Make>
class Walk {
 public:
  Walk(std::unique_ptr<Statement> rows, const ListPlan* plan, const Make* make)
      : rows_(std::move(rows)), plan_(plan), make_(make) {}

  absl::StatusOr<bool> Next() {
    if (rows_->Next()) return true;
    if (!rows_->status().ok()) return rows_->status();
    return false;
  }
  absl::StatusOr<bool> IsWanted() const { return plan_->is_wanted(*rows_); }
  std::string position() const {
    return JoinUlid({.key = rows_->IntAt(0), .tail = rows_->IntAt(1)});
  }
  auto Read() const { return (*make_)(rows_->IntAt(0)); }
  const Statement& row() const { return *rows_; }

 private:
  std::unique_ptr<Statement> rows_;
  const ListPlan* plan_;
  const Make* make_;
};

absl::StatusOr<std::unique_ptr<Statement>> BeginWalk(Connection& connection, const ListPlan& plan,
                                                     const WalkStart& start) {
  CONVOY_ASSIGN_OR_RETURN(const KeyRange range, RangeFrom(plan.range, start));
  const std::string_view sql = start.is_ascending ? plan.ascending : plan.descending;
  std::unique_ptr<Statement> rows(new Statement(connection.Prepare(sql)));
  rows->Int(plan.owner).Int(range.first).Int(range.last);
  return rows;
}

// The same for counts, which read no item.
struct ReadNothing {
  absl::Status operator()(int64_t) const { return absl::OkStatus(); }
};

absl::StatusOr<CountPart> Count(Connection& connection, const ListPlan& plan,
                                std::string_view cursor) {
  constexpr ReadNothing kMake;
  return CountRows(cursor, [&](const WalkStart& start) -> absl::StatusOr<Walk<ReadNothing>> {
    CONVOY_ASSIGN_OR_RETURN(auto rows, BeginWalk(connection, plan, start));
    return Walk<ReadNothing>(std::move(rows), &plan, &kMake);
  });
}

// Of a list of deliveries.
absl::StatusOr<StatusCountPart> CountStatuses(Connection& connection, const ListPlan& plan,
                                              std::string_view cursor) {
  using Standing = std::pair<int64_t, DeliveryStatus>;
  constexpr ReadNothing kMake;
  return CountRowsByStatus<int64_t>(
      cursor,
      [&](const WalkStart& start) -> absl::StatusOr<Walk<ReadNothing>> {
        CONVOY_ASSIGN_OR_RETURN(auto rows, BeginWalk(connection, plan, start));
        return Walk<ReadNothing>(std::move(rows), &plan, &kMake);
      },
      [](const Walk<ReadNothing>& walk) -> absl::StatusOr<Standing> {
        return Standing(walk.row().IntAt(3), static_cast<DeliveryStatus>(walk.row().IntAt(5)));
      },
      [&](int64_t number) { return NameOf(connection, number); });
}

template <typename T, typename Make>
absl::StatusOr<Page<T>> List(Connection& connection, const ListPlan& plan,
                             const PageRequest& request, const Make& make) {
  const auto open = [&](const WalkStart& start) -> absl::StatusOr<Walk<Make>> {
    CONVOY_ASSIGN_OR_RETURN(auto rows, BeginWalk(connection, plan, start));
    return Walk<Make>(std::move(rows), &plan, &make);
  };
  return CutPage<T>(request, open);
}

// The row of `select`, by its key; it is there, as the walk that found it is not over.
template <typename Read>
auto ReadByKey(Connection& connection, std::string_view select, int64_t key, const Read& read)
    -> decltype(read(std::declval<const Statement&>())) {
  Statement row = connection.Prepare(select);
  if (row.Int(key).Next()) return read(row);
  CONVOY_RETURN_IF_ERROR(row.status());
  return absl::DataLossError("an index has a row that its table has not");
}

constexpr std::string_view kEventsUp =
    "SELECT key, id_tail, source, endpoints, event_type, idempotency_key, key_shift FROM event "
    "INDEXED BY event_by_project WHERE project = ? AND key BETWEEN ? AND ? ORDER BY key";
constexpr std::string_view kEventsDown =
    "SELECT key, id_tail, source, endpoints, event_type, idempotency_key, key_shift FROM event "
    "INDEXED BY event_by_project WHERE project = ? AND key BETWEEN ? AND ? ORDER BY key DESC";

// For counts without a condition on the rows, from the index alone. A cursor's tail does not
// matter.
constexpr std::string_view kEventKeysUp =
    "SELECT key, 0 FROM event INDEXED BY event_by_project WHERE project = ? AND key BETWEEN ? AND "
    "? "
    "ORDER BY key";

constexpr std::string_view kDeliveriesUp =
    "SELECT key, id_tail, event, endpoint, subscription, status, project, key_shift FROM delivery "
    "INDEXED BY delivery_by_project WHERE project = ? AND key BETWEEN ? AND ? ORDER BY key";
constexpr std::string_view kDeliveriesDown =
    "SELECT key, id_tail, event, endpoint, subscription, status, project, key_shift FROM delivery "
    "INDEXED BY delivery_by_project WHERE project = ? AND key BETWEEN ? AND ? ORDER BY key DESC";
constexpr std::string_view kDeliveriesOfEventUp =
    "SELECT key, id_tail, event, endpoint, subscription, status, project, key_shift FROM delivery "
    "INDEXED BY delivery_by_event WHERE event = ? AND key BETWEEN ? AND ? ORDER BY key";
constexpr std::string_view kDeliveriesOfEventDown =
    "SELECT key, id_tail, event, endpoint, subscription, status, project, key_shift FROM delivery "
    "INDEXED BY delivery_by_event WHERE event = ? AND key BETWEEN ? AND ? ORDER BY key DESC";

constexpr std::string_view kHeldUp =
    "SELECT key, id_tail, source, kind, expires_at_us, reason FROM held_input "
    "INDEXED BY held_input_by_project WHERE project = ? AND key BETWEEN ? AND ? ORDER BY key";
constexpr std::string_view kHeldDown =
    "SELECT key, id_tail, source, kind, expires_at_us, reason FROM held_input "
    "INDEXED BY held_input_by_project WHERE project = ? AND key BETWEEN ? AND ? ORDER BY key DESC";

// Gives `use` the plan of a list of events.
template <typename Use>
auto PlanEvents(Connection& connection, const EventQuery& query, const Use& use)
    -> decltype(use(std::declval<const ListPlan&>())) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, query.project_id));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet endpoints, NumbersOf(connection, query.endpoint_ids));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet sources, NumbersOf(connection, query.source_ids));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet found_sources,
                          NumbersOf(connection, query.search.source_ids));
  const auto id_of = [](const Statement& row) { return IdOf(row, 6); };
  const auto is_wanted = [&](const Statement& row) -> absl::StatusOr<bool> {
    return IsWantedEvent(row, 2, query, endpoints, sources, found_sources, id_of);
  };
  const ListPlan plan{.ascending = kEventsUp,
                      .descending = kEventsDown,
                      .owner = project,
                      .range = RangeOf(query.created_from, query.created_until),
                      .is_wanted = is_wanted};
  return use(plan);
}

// The conditions of a list of deliveries on the event of a row. Its texts are not copied, since a
// search looks at very many.
absl::StatusOr<bool> HasWantedEvent(Connection& connection, const Statement& row,
                                    const DeliveryQuery& query, bool may_begin_id) {
  Statement event = connection.Prepare(
      "SELECT key, key_shift, id_tail, event_type, idempotency_key FROM event WHERE key = ?");
  if (!event.Int(row.IntAt(2)).Next()) {
    CONVOY_RETURN_IF_ERROR(event.status());
    return absl::DataLossError("a delivery without its event");
  }
  const std::string_view event_type = event.TextAt(3);
  const std::string_view idempotency_key = event.TextAt(4);
  return IsText(query.event_type, event_type) && IsText(query.idempotency_key, idempotency_key) &&
         (IsFoundBy(query.search, {}, {event_type, idempotency_key}) ||
          (may_begin_id && IsFoundBy(query.search, {IdOf(row, 7), IdAt(event, 0)}, {})));
}

// Gives `use` the plan of a list of deliveries.
template <typename Use>
auto PlanDeliveries(Connection& connection, const DeliveryQuery& query, const Use& use)
    -> decltype(use(std::declval<const ListPlan&>())) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, query.project_id));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet endpoints, NumbersOf(connection, query.endpoint_ids));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet subscriptions,
                          NumbersOf(connection, query.subscription_id));
  const bool may_begin_id = MayBeginId(query.search);
  const auto is_wanted = [&](const Statement& row) -> absl::StatusOr<bool> {
    if (!IsWantedDelivery(row, 3, query, endpoints, subscriptions)) return false;
    if (row.IntAt(6) != project) return false;
    const bool is_of_any_event = query.event_type.empty() && query.idempotency_key.empty();
    if (is_of_any_event && query.search.text.empty()) return true;
    return HasWantedEvent(connection, row, query, may_begin_id);
  };
  ListPlan plan{.ascending = kDeliveriesUp,
                .descending = kDeliveriesDown,
                .owner = project,
                .range = RangeOf(query.created_from, query.created_until),
                .is_wanted = is_wanted};
  if (!query.event_id.empty()) {
    CONVOY_ASSIGN_OR_RETURN(const std::optional<EventRow> event,
                            FindEvent(connection, query.project_id, query.event_id));
    plan.owner = event.has_value() ? event->key : -1;
    plan.ascending = kDeliveriesOfEventUp;
    plan.descending = kDeliveriesOfEventDown;
  }
  return use(plan);
}

}  // namespace

absl::StatusOr<Page<Event>> ListEvents(Connection& connection, const EventQuery& query,
                                       const PageRequest& request) {
  const std::string select = absl::StrCat("SELECT ", kEventColumns, " FROM event WHERE key = ?");
  const auto read = [&](int64_t key) {
    return ReadByKey(connection, select, key, [&](const Statement& row) {
      return ReadEvent(connection, row, query.project_id);
    });
  };
  return PlanEvents(connection, query, [&](const ListPlan& plan) {
    return List<Event>(connection, plan, request, read);
  });
}

absl::StatusOr<CountPart> CountEvents(Connection& connection, const EventQuery& query,
                                      std::string_view cursor) {
  return PlanEvents(connection, query, [&](const ListPlan& plan) {
    if (!SelectsByAge(query)) return Count(connection, plan, cursor);
    const auto is_wanted = [](const Statement&) -> absl::StatusOr<bool> { return true; };
    const ListPlan keys{.ascending = kEventKeysUp,
                        .owner = plan.owner,
                        .range = plan.range,
                        .is_wanted = is_wanted};
    return Count(connection, keys, cursor);
  });
}

absl::StatusOr<Page<Delivery>> ListDeliveries(Connection& connection, const DeliveryQuery& query,
                                              const PageRequest& request) {
  const std::string select =
      absl::StrCat("SELECT ", kDeliveryColumns, " FROM delivery WHERE key = ?");
  const auto read = [&](int64_t key) {
    return ReadByKey(
        connection, select, key, [&](const Statement& row) -> absl::StatusOr<Delivery> {
          CONVOY_ASSIGN_OR_RETURN(const EventHead event, ReadEventHead(connection, EventOf(row)));
          return ReadDelivery(connection, row, query.project_id, event);
        });
  };
  return PlanDeliveries(connection, query, [&](const ListPlan& plan) {
    return List<Delivery>(connection, plan, request, read);
  });
}

absl::StatusOr<CountPart> CountDeliveries(Connection& connection, const DeliveryQuery& query,
                                          std::string_view cursor) {
  return PlanDeliveries(connection, query,
                        [&](const ListPlan& plan) { return Count(connection, plan, cursor); });
}

absl::StatusOr<StatusCountPart> CountByStatus(Connection& connection, const DeliveryQuery& query,
                                              std::string_view cursor) {
  return PlanDeliveries(connection, query, [&](const ListPlan& plan) {
    return CountStatuses(connection, plan, cursor);
  });
}

absl::StatusOr<Page<HeldInput>> ListHeld(Connection& connection, const HeldQuery& query,
                                         const PageRequest& request) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, query.project_id));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet sources, NumbersOf(connection, query.source_ids));
  CONVOY_ASSIGN_OR_RETURN(const KeyRange range, RangeOf(query));
  const auto is_wanted = [&](const Statement& row) -> absl::StatusOr<bool> {
    return IsWantedHeld(row, 2, query, sources);
  };
  const std::string select =
      absl::StrCat("SELECT ", kHeldColumns, " FROM held_input WHERE key = ?");
  const auto read = [&](int64_t key) {
    return ReadByKey(connection, select, key, [&](const Statement& row) {
      return ReadHeld(connection, row, query.project_id);
    });
  };
  const ListPlan plan{.ascending = kHeldUp,
                      .descending = kHeldDown,
                      .owner = project,
                      .range = range,
                      .is_wanted = is_wanted};
  return List<HeldInput>(connection, plan, request, read);
}

absl::StatusOr<uint64_t> CountHeld(Connection& connection, const HeldQuery& query) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, query.project_id));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet sources, NumbersOf(connection, query.source_ids));
  CONVOY_ASSIGN_OR_RETURN(const KeyRange range, RangeOf(query));
  Statement row = connection.Prepare(kHeldUp);
  row.Int(project).Int(range.first).Int(range.last);
  uint64_t count = 0;
  for (uint32_t rows_count = 0; rows_count < kHeldCountMax && row.Next(); ++rows_count) {
    count += IsWantedHeld(row, 2, query, sources);
  }
  if (!row.status().ok()) return row.status();
  return count;
}

}  // namespace convoy::storage
