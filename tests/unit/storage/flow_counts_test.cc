#include "lib/storage/flow_counts.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/support/null_storage.h"

namespace convoy::storage {
namespace {

// A store that has lists and no counts. Its cursors are numbers; of 20 rows it selects one.
class ListsOnly : public testing::NullStorage {
 public:
  explicit ListsOnly(int rows_count) : rows_count_(rows_count) {}

  absl::StatusOr<Page<Event>> ListEvents(const EventQuery&, const PageRequest& request) override {
    return List<Event>(request, 1);
  }
  absl::StatusOr<Page<Delivery>> ListDeliveries(const DeliveryQuery&,
                                                const PageRequest& request) override {
    return List<Delivery>(request, 20);
  }

 private:
  static constexpr int kRowsOfPage = 400;

  template <typename T>
  Page<T> List(const PageRequest& request, int step) {
    Page<T> page;
    int at = request.cursor.empty() ? 0 : std::stoi(request.cursor);
    const int end = std::min(rows_count_, at + kRowsOfPage);
    for (; at < end && page.items.size() < request.items_max; ++at) {
      if (at % step == 0) page.items.emplace_back();
    }
    page.has_next = at < rows_count_;
    if (page.has_next) page.next_cursor = absl::StrCat(at);
    return page;
  }

  const int rows_count_;
};

template <typename Count>
std::string Parts(Count count) {
  std::string parts;
  std::string cursor;
  do {
    const CountPart part = count(cursor).value();
    absl::StrAppend(&parts, part.count, " ");
    cursor = part.next_cursor;
  } while (!cursor.empty());
  return parts;
}

TEST_CASE("flow_counts: of a store without counts the lists are counted, in bounded parts") {
  const auto events = [](int rows_count) {
    ListsOnly storage(rows_count);
    return Parts([&](const std::string& cursor) { return CountEvents(storage, {}, cursor); });
  };
  CHECK(events(0) == "0 ");
  CHECK(events(7) == "7 ");
  CHECK(events(1008) == "1008 ");
  CHECK(events(2500) == "1008 1008 484 ");
  // A page that ends where it has cost enough ends the part.
  const auto deliveries = [](int rows_count) {
    ListsOnly storage(rows_count);
    return Parts([&](const std::string& cursor) { return CountDeliveries(storage, {}, cursor); });
  };
  CHECK(deliveries(1000) == "20 20 10 ");
  CHECK(deliveries(1) == "1 ");
}

TEST_CASE("flow_counts: of a store without counts statuses are counted in its lists") {
  ListsOnly storage(1000);
  const StatusCountPart part = CountByStatus(storage, {}, "").value();
  CHECK(part.counts == std::vector{StatusCount{"", Delivery().status, 20}});
  CHECK(part.next_cursor == "400");
  CHECK(CountByStatus(storage, {}, "800").value().next_cursor.empty());
}

}  // namespace
}  // namespace convoy::storage
