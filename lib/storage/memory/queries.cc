// Reads of the store in memory: single objects by their ids, and pages.
#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/storage/memory/memory_storage.h"
#include "lib/storage/page_walk.h"
#include "lib/storage/search.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

template <typename T>
absl::StatusOr<T> Find(const ById<T>& table, std::string_view id, std::string_view what) {
  const auto entry = table.find(id);
  if (entry == table.end()) return absl::NotFoundError(absl::StrCat(what, " not found"));
  return entry->second;
}

template <typename T>
bool IsAnyOf(const std::vector<T>& wanted, const T& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

bool HasAnyEndpoint(const Event& event, const std::vector<std::string>& wanted) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](const auto& id) {
           return std::find(event.endpoint_ids.begin(), event.endpoint_ids.end(), id) !=
                  event.endpoint_ids.end();
         });
}

bool IsWanted(const HeldQuery& query, const HeldInput& input) {
  return IsAnyOf(query.source_ids, input.source_id) &&
         input.kind == query.kind.value_or(input.kind) &&
         (query.reason.empty() || input.reason == query.reason) && input.expires_at > query.now;
}

// Cuts the page out of `matching`, which ascends by id.
template <typename T>
Page<T> Cut(std::vector<T> matching, const PageRequest& request) {
  if (!request.is_ascending) std::reverse(matching.begin(), matching.end());
  // Position of the cursor's row, or of where it would stand.
  const auto at = std::find_if(matching.begin(), matching.end(), [&](const T& item) {
    return request.is_ascending ? item.id >= request.cursor : item.id <= request.cursor;
  });
  size_t begin = request.cursor.empty() ? 0 : static_cast<size_t>(at - matching.begin());
  size_t end = std::min<size_t>(begin + request.items_max, matching.size());
  if (request.is_backward && !request.cursor.empty()) {
    end = begin;
    begin = end > request.items_max ? end - request.items_max : 0;
  }
  Page<T> page;
  page.has_prev = begin > 0;
  page.has_next = end < matching.size();
  if (page.has_next) page.next_cursor = matching[end].id;
  page.items.assign(std::make_move_iterator(matching.begin() + begin),
                    std::make_move_iterator(matching.begin() + end));
  if (!page.items.empty()) page.prev_cursor = page.items.front().id;
  return page;
}

absl::StatusOr<int64_t> FirstKeyOf(const HeldQuery& query) {
  if (query.from_id.empty()) return 0;
  const std::optional<UlidParts> from = SplitUlid(query.from_id);
  if (!from.has_value()) return NotAnId(query.from_id);
  return from->key;
}

bool IsMadeIn(int64_t key, absl::Time from, absl::Time until) {
  return key >= LeastKeyAt(from) &&
         (until == absl::InfiniteFuture() || key < LeastKeyAt(until + absl::Milliseconds(1)));
}

// A walk (page_walk.h) over rows that were picked beforehand.
template <typename T, typename Table, typename Wanted, typename Make>
class AgeWalk {
 public:
  using Row = const typename Table::Rows::value_type*;

  AgeWalk(std::vector<Row> rows, const Wanted* wanted, const Make* make)
      : rows_(std::move(rows)), wanted_(wanted), make_(make) {}

  absl::StatusOr<bool> Next() { return ++at_ <= rows_.size(); }
  absl::StatusOr<bool> IsWanted() const { return (*wanted_)(row().second.value); }
  std::string position() const { return Table::PositionOf(row()); }
  absl::StatusOr<T> Read() const { return (*make_)(row().second.value); }

 private:
  const typename Table::Rows::value_type& row() const { return *rows_[at_ - 1]; }

  std::vector<Row> rows_;
  size_t at_ = 0;  // behind the current row
  const Wanted* wanted_;
  const Make* make_;
};

// The rows of a list of what flows: those that `is_in`, which other stores have an index for. Opens
// walks over them (page_walk.h) that tell which are wanted.
template <typename T, typename Table, typename In, typename Wanted, typename Make>
auto WalksByAge(const Table& table, const In& is_in, const Wanted& wanted, const Make& make) {
  using Walk = AgeWalk<T, Table, Wanted, Make>;
  return [&](const WalkStart& start) -> absl::StatusOr<Walk> {
    const std::optional<UlidParts> at = SplitUlid(start.cursor);
    if (!start.cursor.empty() && !at.has_value()) return NotACursor();
    std::vector<typename Walk::Row> rows;
    for (const auto& row : table.rows()) {
      const bool is_there = !at.has_value() || (start.is_inclusive && row.first == at->key) ||
                            (row.first != at->key && (row.first > at->key) == start.is_ascending);
      if (is_there && is_in(row.first, row.second.value)) rows.push_back(&row);
    }
    if (!start.is_ascending) std::reverse(rows.begin(), rows.end());
    return Walk(std::move(rows), &wanted, &make);
  };
}

// Gives `use` the walks of a list of events, or of deliveries.
template <typename Table, typename Use>
auto WalkEvents(const Table& events, const EventQuery& query, const Use& use) {
  const auto is_in = [&](int64_t key, const std::shared_ptr<const Event>& event) {
    return event->project_id == query.project_id &&
           IsMadeIn(key, query.created_from, query.created_until);
  };
  const auto is_wanted = [&](const std::shared_ptr<const Event>& event) {
    return HasAnyEndpoint(*event, query.endpoint_ids) &&
           IsAnyOf(query.source_ids, event->source_id) &&
           (query.idempotency_key.empty() || event->idempotency_key == query.idempotency_key) &&
           (query.event_type.empty() || event->event_type == query.event_type) &&
           ((!query.search.source_ids.empty() &&
             IsAnyOf(query.search.source_ids, event->source_id)) ||
            IsFoundBy(query.search, {event->id}, {event->event_type, event->idempotency_key}));
  };
  const auto make = [](const std::shared_ptr<const Event>& event) { return *event; };
  return use(WalksByAge<Event>(events, is_in, is_wanted, make));
}

template <typename Table, typename Use>
auto WalkDeliveries(const Table& deliveries, const DeliveryQuery& query, const Use& use) {
  const auto is_any = [](const std::string& wanted, const std::string& value) {
    return wanted.empty() || wanted == value;
  };
  const auto is_in = [&](int64_t key, const StoredDelivery& stored) {
    return stored.delivery.project_id == query.project_id &&
           is_any(query.event_id, stored.delivery.event_id) &&
           IsMadeIn(key, query.created_from, query.created_until);
  };
  const auto is_wanted = [&](const StoredDelivery& stored) {
    const Delivery& delivery = stored.delivery;
    return is_any(query.subscription_id, delivery.subscription_id) &&
           is_any(query.idempotency_key, delivery.idempotency_key) &&
           is_any(query.event_type, delivery.event_type) &&
           IsAnyOf(query.endpoint_ids, delivery.endpoint_id) &&
           IsAnyOf(query.statuses, delivery.status) &&
           IsFoundBy(query.search, {delivery.id, delivery.event_id},
                     {delivery.event_type, delivery.idempotency_key});
  };
  const auto make = [](const StoredDelivery& stored) { return stored.delivery; };
  return use(WalksByAge<Delivery>(deliveries, is_in, is_wanted, make));
}

template <typename T, typename Wanted>
Page<T> List(const ById<T>& table, const PageRequest& page, Wanted wanted) {
  std::vector<T> matching;
  for (const auto& [id, item] : table) {
    if (wanted(item)) matching.push_back(item);
  }
  return Cut(std::move(matching), page);
}

}  // namespace

absl::StatusOr<Event> MemoryStorage::GetEvent(std::string_view project_id, std::string_view id) {
  absl::MutexLock lock(&mutex_);
  const std::shared_ptr<const Event>* event = flow_.events.Find(id);
  if (event == nullptr || (*event)->project_id != project_id) {
    return absl::NotFoundError("event not found");
  }
  return **event;
}

absl::StatusOr<Delivery> MemoryStorage::GetDelivery(std::string_view project_id,
                                                    std::string_view id) {
  absl::MutexLock lock(&mutex_);
  const StoredDelivery* stored = flow_.deliveries.Find(id);
  if (stored == nullptr || stored->delivery.project_id != project_id) {
    return absl::NotFoundError("event delivery not found");
  }
  return stored->delivery;
}

absl::StatusOr<std::vector<Attempt>> MemoryStorage::ListAttempts(std::string_view project_id,
                                                                 std::string_view delivery_id) {
  CONVOY_RETURN_IF_ERROR(GetDelivery(project_id, delivery_id).status());
  absl::MutexLock lock(&mutex_);
  std::vector<Attempt> attempts;
  for (const auto& [place, attempt] : AttemptsOf(flow_, std::string(delivery_id)))
    attempts.push_back(attempt);
  return attempts;
}

absl::StatusOr<Attempt> MemoryStorage::GetAttempt(std::string_view project_id,
                                                  std::string_view delivery_id,
                                                  std::string_view id) {
  const auto attempts = ListAttempts(project_id, delivery_id);
  for (const Attempt& attempt : attempts.value_or(std::vector<Attempt>())) {
    if (attempt.id == id) return attempt;
  }
  return absl::NotFoundError("event delivery attempt not found");
}

absl::StatusOr<Page<Event>> MemoryStorage::ListEvents(const EventQuery& query,
                                                      const PageRequest& page) {
  absl::MutexLock lock(&mutex_);
  return WalkEvents(flow_.events, query,
                    [&](const auto& open) { return CutPage<Event>(page, open); });
}

absl::StatusOr<Page<Delivery>> MemoryStorage::ListDeliveries(const DeliveryQuery& query,
                                                             const PageRequest& page) {
  absl::MutexLock lock(&mutex_);
  return WalkDeliveries(flow_.deliveries, query,
                        [&](const auto& open) { return CutPage<Delivery>(page, open); });
}

absl::StatusOr<CountPart> MemoryStorage::CountEvents(const EventQuery& query,
                                                     std::string_view cursor) {
  absl::MutexLock lock(&mutex_);
  return WalkEvents(flow_.events, query, [&](const auto& open) { return CountRows(cursor, open); });
}

absl::StatusOr<CountPart> MemoryStorage::CountDeliveries(const DeliveryQuery& query,
                                                         std::string_view cursor) {
  absl::MutexLock lock(&mutex_);
  return WalkDeliveries(flow_.deliveries, query,
                        [&](const auto& open) { return CountRows(cursor, open); });
}

absl::StatusOr<StatusCountPart> MemoryStorage::CountByStatus(const DeliveryQuery& query,
                                                             std::string_view cursor) {
  using Standing = std::pair<std::string, DeliveryStatus>;
  absl::MutexLock lock(&mutex_);
  return WalkDeliveries(flow_.deliveries, query, [&](const auto& open) {
    return CountRowsByStatus<std::string>(
        cursor, open,
        [](const auto& walk) -> absl::StatusOr<Standing> {
          CONVOY_ASSIGN_OR_RETURN(const Delivery delivery, walk.Read());
          return Standing(delivery.endpoint_id, delivery.status);
        },
        [](const std::string& id) -> absl::StatusOr<std::string> { return id; });
  });
}

absl::StatusOr<HeldInput> MemoryStorage::GetHeld(std::string_view project_id, std::string_view id,
                                                 absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const HeldInput* input = flow_.held.Find(project_id, id);
  if (input == nullptr || input->expires_at <= now) return NotHeld();
  return *input;
}

absl::StatusOr<Page<HeldInput>> MemoryStorage::ListHeld(const HeldQuery& query,
                                                        const PageRequest& page) {
  absl::MutexLock lock(&mutex_);
  CONVOY_ASSIGN_OR_RETURN(const int64_t first_key, FirstKeyOf(query));
  const auto is_in = [&](int64_t key, const HeldInput& input) {
    return input.project_id == query.project_id && key >= first_key;
  };
  const auto is_wanted = [&](const HeldInput& input) { return IsWanted(query, input); };
  const auto make = [](const HeldInput& input) { return input; };
  return CutPage<HeldInput>(page, WalksByAge<HeldInput>(flow_.held.all(), is_in, is_wanted, make));
}

absl::StatusOr<uint64_t> MemoryStorage::CountHeld(const HeldQuery& query) {
  absl::MutexLock lock(&mutex_);
  CONVOY_ASSIGN_OR_RETURN(const int64_t first_key, FirstKeyOf(query));
  uint64_t count = 0;
  uint32_t rows_count = 0;
  for (const auto& [key, row] : flow_.held.all().rows()) {
    if (row.value.project_id != query.project_id || key < first_key) continue;
    if (++rows_count > kHeldCountMax) break;
    count += IsWanted(query, row.value);
  }
  return count;
}

absl::StatusOr<HeldUse> MemoryStorage::ReadHeldUse() {
  absl::MutexLock lock(&mutex_);
  return flow_.held.use();
}

}  // namespace convoy::storage
