// The walks behind lists: fixed statements, whose rows are selected one by one.
#include "lib/storage/postgres/list_walk.h"

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
#include "lib/storage/postgres/failure.h"
#include "lib/storage/postgres/names.h"
#include "lib/storage/postgres/rows.h"
#include "lib/storage/search.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

// The first piece of a walk is enough for most pages; those behind it are larger.
constexpr int64_t kFirstPieceRows = 100;
constexpr int64_t kPieceRows = 1'000;

// The numbers of `ids`; without ids: any.
absl::StatusOr<NumberSet> NumbersOf(Connection& connection, const std::vector<std::string>& ids) {
  if (ids.empty()) return NumberSet();
  CONVOY_ASSIGN_OR_RETURN(const Rows rows,
                          connection.Run("SELECT n.number FROM unnest($1::bytea[]) AS w(id) "
                                         "JOIN name AS n ON n.id = w.id",
                                         Params().Texts(ids)));
  // The empty id stands for "none" in a row, and is not what a list can be asked for.
  std::vector<int64_t> numbers{kUnknownName};
  for (int i = 0; i < rows.count(); ++i) {
    if (rows.IntAt(i, 0) != kNoName) numbers.push_back(rows.IntAt(i, 0));
  }
  return NumberSet(numbers);
}
absl::StatusOr<NumberSet> NumbersOf(Connection& connection, const std::string& id) {
  return NumbersOf(connection, id.empty() ? std::vector<std::string>() : std::vector{id});
}

// The id whose three columns begin there.
std::string IdOf(const Row& row, int first) {
  return JoinUlid({.key = row.IntAt(first) - row.IntAt(first + 1), .tail = row.IntAt(first + 2)});
}

// One list: its statement without the order, and the rows of it that are selected.
struct ListPlan {
  std::string_view select;        // SQL; its first columns are key, key_shift and id_tail
  std::string_view owner_column;  // these two are an index
  std::string_view key_column;
  int64_t owner = 0;  // the project or the event
  KeyRange range;
  absl::FunctionRef<bool(const Row&)> is_wanted;
};

// `Make` reads the item of a row.
template <typename Make>
class Walk {
 public:
  Walk(Connection* connection, const ListPlan* plan, const Make* make, KeyRange range,
       bool is_ascending, int64_t first_piece_rows = kFirstPieceRows)
      : connection_(*connection),
        plan_(*plan),
        make_(*make),
        range_(range),
        is_ascending_(is_ascending),
        piece_rows_(first_piece_rows) {}

  absl::StatusOr<bool> Next() {
    if (rows_.has_value() && ++at_ < rows_->count()) return true;
    if (rows_.has_value() && rows_->count() < piece_rows_) return false;
    if (rows_.has_value()) {
      const int64_t last = rows_->IntAt(rows_->count() - 1, 0);
      (is_ascending_ ? range_.first : range_.last) = is_ascending_ ? last + 1 : last - 1;
      piece_rows_ = kPieceRows;
    }
    // In this form no other index can do it, such as the one of all keys.
    const std::string index = absl::StrCat("(", plan_.owner_column, ", ", plan_.key_column, ")");
    const std::string_view direction = is_ascending_ ? "" : " DESC";
    const std::string sql =
        absl::StrCat(plan_.select, " WHERE ", index, " >= ($1::int8, $2::int8) AND ", index,
                     " <= ($1::int8, $3::int8) ORDER BY ", plan_.owner_column, direction, ", ",
                     plan_.key_column, direction, " LIMIT $4::int8");
    Params params;
    params.Int(plan_.owner).Int(range_.first).Int(range_.last).Int(piece_rows_);
    CONVOY_ASSIGN_OR_RETURN(rows_, connection_.Run(sql, params));
    at_ = 0;
    return rows_->count() > 0;
  }
  absl::StatusOr<bool> IsWanted() const { return plan_.is_wanted(row()); }
  std::string position() const { return JoinUlid({.key = row().IntAt(0), .tail = row().IntAt(2)}); }
  auto Read() const { return make_(row()); }
  Row row() const { return Row(&*rows_, at_); }

 private:
  Connection& connection_;
  const ListPlan& plan_;
  const Make& make_;
  KeyRange range_;
  const bool is_ascending_;
  int64_t piece_rows_;
  std::optional<Rows> rows_;
  int at_ = 0;
};

template <typename T, typename Make>
absl::StatusOr<Page<T>> List(Connection& connection, const ListPlan& plan,
                             const PageRequest& request, const Make& make) {
  return CutPage<T>(request, [&](const WalkStart& start) -> absl::StatusOr<Walk<Make>> {
    CONVOY_ASSIGN_OR_RETURN(const KeyRange range, RangeFrom(plan.range, start));
    return Walk<Make>(&connection, &plan, &make, range, start.is_ascending);
  });
}

// The same for counts, which read no item.
struct ReadNothing {
  absl::Status operator()(const Row&) const { return absl::OkStatus(); }
};

absl::StatusOr<CountPart> Count(Connection& connection, const ListPlan& plan,
                                std::string_view cursor) {
  constexpr ReadNothing kMake;
  return CountRows(cursor, [&](const WalkStart& start) -> absl::StatusOr<Walk<ReadNothing>> {
    CONVOY_ASSIGN_OR_RETURN(const KeyRange range, RangeFrom(plan.range, start));
    return Walk<ReadNothing>(&connection, &plan, &kMake, range, start.is_ascending, kPieceRows);
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
        CONVOY_ASSIGN_OR_RETURN(const KeyRange range, RangeFrom(plan.range, start));
        return Walk<ReadNothing>(&connection, &plan, &kMake, range, start.is_ascending, kPieceRows);
      },
      [](const Walk<ReadNothing>& walk) -> absl::StatusOr<Standing> {
        return Standing(walk.row().IntAt(4), static_cast<DeliveryStatus>(walk.row().IntAt(6)));
      },
      [&](int64_t number) { return NameOf(connection, number); });
}

// For counts without a condition on the rows, from the index alone. A cursor's tail does not
// matter.
constexpr std::string_view kEventKeys = "SELECT key, 0, 0 FROM event";
constexpr std::string_view kEvents =
    "SELECT key, key_shift, id_tail, source, endpoints, event_type, idempotency_key FROM event";
const std::string& Deliveries() {
  static const std::string* const kSql =
      new std::string(absl::StrCat("SELECT ", kDeliveryColumns,
                                   ", d.project FROM delivery AS d JOIN event AS e "
                                   "ON e.key = d.event"));
  return *kSql;
}
constexpr int kEventOfDelivery = 17;  // column of the event's key; behind its columns the project
// For counts: what is decided by, in the same columns up to the status.
constexpr std::string_view kCountedDeliveries =
    "SELECT d.key, d.key_shift, d.id_tail, d.event, d.endpoint, d.subscription, d.status, e.key, "
    "e.key_shift, e.id_tail, e.event_type, e.idempotency_key, d.project FROM delivery AS d "
    "JOIN event AS e ON e.key = d.event";
constexpr int kEventOfCounted = 7;
constexpr std::string_view kHeld =
    "SELECT key, key_shift, id_tail, source, kind, expires_at_us, reason FROM held_input";
constexpr std::string_view kCountedHeld =
    "SELECT key, key_shift, id_tail, source, kind, expires_at_us, reason FROM held_input "
    "WHERE (project, key) >= ($1::int8, $2::int8) AND (project, key) <= ($1::int8, $3::int8) "
    "ORDER BY project, key LIMIT $4::int8";

// The row of a key, as `read` reads it. It is missing at the instant of this transaction if it has
// been moved to a partition that was made since: another transaction finds it there.
template <typename Read>
auto ReadByKey(Connection& connection, std::string_view select, int64_t key, const Read& read)
    -> decltype(read(std::declval<const Row&>())) {
  CONVOY_ASSIGN_OR_RETURN(const Rows rows, connection.Run(select, Params().Int(key)));
  if (rows.count() == 0) return PostgresStatus("40001", "a row has moved to another partition");
  return read(Row(&rows, 0));
}

// Gives `use` the plan of a list of events.
template <typename Use>
auto PlanEvents(Connection& connection, const EventQuery& query, const Use& use)
    -> decltype(use(std::declval<const ListPlan&>())) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, query.project_id));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet endpoints, NumbersOf(connection, query.endpoint_ids));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet sources, NumbersOf(connection, query.source_ids));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet found_sources,
                          NumbersOf(connection, query.search.source_ids));
  const auto id_of = [](const Row& row) { return IdOf(row, 0); };
  const auto is_wanted = [&](const Row& row) {
    return IsWantedEvent(row, 3, query, endpoints, sources, found_sources, id_of);
  };
  const ListPlan plan{.select = kEvents,
                      .owner_column = "project",
                      .key_column = "key",
                      .owner = project,
                      .range = RangeOf(query.created_from, query.created_until),
                      .is_wanted = is_wanted};
  return use(plan);
}

// Gives `use` the plan of a list of deliveries. `select` has the event's columns at `event_column`.
template <typename Use>
auto PlanDeliveries(Connection& connection, const DeliveryQuery& query, std::string_view select,
                    int event_column, const Use& use)
    -> decltype(use(std::declval<const ListPlan&>())) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, query.project_id));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet endpoints, NumbersOf(connection, query.endpoint_ids));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet subscriptions,
                          NumbersOf(connection, query.subscription_id));
  const auto is_wanted = [&](const Row& row) {
    if (!IsWantedDelivery(row, 4, query, endpoints, subscriptions)) return false;
    const std::string_view event_type = row.TextAt(event_column + 3);
    const std::string_view idempotency_key = row.TextAt(event_column + 4);
    return row.IntAt(event_column + 5) == project && IsText(query.event_type, event_type) &&
           IsText(query.idempotency_key, idempotency_key) &&
           IsFoundBy(query.search, {IdOf(row, 0), IdOf(row, event_column)},
                     {event_type, idempotency_key});
  };
  ListPlan plan{.select = select,
                .owner_column = "d.project",
                .key_column = "d.key",
                .owner = project,
                .range = RangeOf(query.created_from, query.created_until),
                .is_wanted = is_wanted};
  if (!query.event_id.empty()) {
    CONVOY_ASSIGN_OR_RETURN(const std::optional<int64_t> event,
                            FindEvent(connection, project, query.event_id));
    plan.owner = event.value_or(-1);
    plan.owner_column = "d.event";
  }
  return use(plan);
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> FindEvent(Connection& connection, int64_t project,
                                                 std::string_view id) {
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return std::nullopt;
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Run("SELECT key FROM event WHERE key BETWEEN $1::int8 AND $1::int8 + 63 "
                     "AND key - key_shift = $1::int8 AND id_tail = $2::int8 "
                     "AND project = $3::int8 LIMIT 1",
                     Params().Int(parts->key).Int(parts->tail).Int(project)));
  if (rows.count() == 0) return std::nullopt;
  return rows.IntAt(0, 0);
}

absl::StatusOr<Page<Event>> ListEvents(Connection& connection, const EventQuery& query,
                                       const PageRequest& request) {
  const std::string select =
      absl::StrCat("SELECT ", kEventColumns, " FROM event WHERE key = $1::int8");
  const auto read = [&](const Row& walked) {
    return ReadByKey(connection, select, walked.IntAt(0),
                     [&](const Row& row) { return ReadEvent(connection, row, query.project_id); });
  };
  return PlanEvents(connection, query, [&](const ListPlan& plan) {
    return List<Event>(connection, plan, request, read);
  });
}

absl::StatusOr<CountPart> CountEvents(Connection& connection, const EventQuery& query,
                                      std::string_view cursor) {
  return PlanEvents(connection, query, [&](const ListPlan& plan) {
    if (!SelectsByAge(query)) return Count(connection, plan, cursor);
    const auto is_wanted = [](const Row&) { return true; };
    const ListPlan keys{.select = kEventKeys,
                        .owner_column = plan.owner_column,
                        .key_column = plan.key_column,
                        .owner = plan.owner,
                        .range = plan.range,
                        .is_wanted = is_wanted};
    return Count(connection, keys, cursor);
  });
}

absl::StatusOr<Page<Delivery>> ListDeliveries(Connection& connection, const DeliveryQuery& query,
                                              const PageRequest& request) {
  const auto read = [&](const Row& row) { return ReadDelivery(connection, row, query.project_id); };
  return PlanDeliveries(
      connection, query, Deliveries(), kEventOfDelivery,
      [&](const ListPlan& plan) { return List<Delivery>(connection, plan, request, read); });
}

absl::StatusOr<CountPart> CountDeliveries(Connection& connection, const DeliveryQuery& query,
                                          std::string_view cursor) {
  return PlanDeliveries(connection, query, kCountedDeliveries, kEventOfCounted,
                        [&](const ListPlan& plan) { return Count(connection, plan, cursor); });
}

absl::StatusOr<StatusCountPart> CountByStatus(Connection& connection, const DeliveryQuery& query,
                                              std::string_view cursor) {
  return PlanDeliveries(
      connection, query, kCountedDeliveries, kEventOfCounted,
      [&](const ListPlan& plan) { return CountStatuses(connection, plan, cursor); });
}

absl::StatusOr<Page<HeldInput>> ListHeld(Connection& connection, const HeldQuery& query,
                                         const PageRequest& request) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, query.project_id));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet sources, NumbersOf(connection, query.source_ids));
  CONVOY_ASSIGN_OR_RETURN(const KeyRange range, RangeOf(query));
  const auto is_wanted = [&](const Row& row) { return IsWantedHeld(row, 3, query, sources); };
  const std::string select =
      absl::StrCat("SELECT ", kHeldColumns, " FROM held_input WHERE key = $1::int8");
  const auto read = [&](const Row& walked) {
    return ReadByKey(connection, select, walked.IntAt(0),
                     [&](const Row& row) { return ReadHeld(connection, row, query.project_id); });
  };
  const ListPlan plan{.select = kHeld,
                      .owner_column = "project",
                      .key_column = "key",
                      .owner = project,
                      .range = range,
                      .is_wanted = is_wanted};
  return List<HeldInput>(connection, plan, request, read);
}

absl::StatusOr<uint64_t> CountHeld(Connection& connection, const HeldQuery& query) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, query.project_id));
  CONVOY_ASSIGN_OR_RETURN(const NumberSet sources, NumbersOf(connection, query.source_ids));
  CONVOY_ASSIGN_OR_RETURN(const KeyRange range, RangeOf(query));
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Run(kCountedHeld,
                     Params().Int(project).Int(range.first).Int(range.last).Int(kHeldCountMax)));
  uint64_t count = 0;
  for (int i = 0; i < rows.count(); ++i) {
    count += IsWantedHeld(Row(&rows, i), 3, query, sources);
  }
  return count;
}

}  // namespace convoy::storage::postgres
