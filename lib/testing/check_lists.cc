// Checks of lists: pages without gaps, and conditions that select exactly.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "convoy/config_read.h"
#include "convoy/flow_counts.h"
#include "lib/testing/storage_requirements.h"
#include "lib/testing/storage_samples.h"

namespace convoy::testing {
namespace {

// The distinguishing last digits of what a page holds, in order.
template <typename T>
std::string Digits(const Page<T>& page) {
  std::string digits;
  for (const T& item : page.items) digits += item.id.empty() ? '?' : item.id.back();
  return digits;
}

void Walk(Expectations& expect, Storage& storage, bool is_ascending, uint32_t items_max) {
  const ConfigQuery query{.project_id = MakeProject(1).id};
  std::vector<std::string> forward;
  PageRequest request{.is_ascending = is_ascending, .items_max = items_max};
  Page<Endpoint> page;
  for (int pages_count = 0; pages_count < 30; ++pages_count) {
    page = CONVOY_VALUE(ListConfig<Endpoint>(storage, query, request));
    for (const Endpoint& endpoint : page.items) forward.push_back(endpoint.id);
    CONVOY_EXPECT(page.items.size() <= items_max);
    CONVOY_EXPECT(page.has_prev == !request.cursor.empty());
    if (!page.has_next) break;
    request.cursor = page.next_cursor;
  }
  CONVOY_REQUIRE(forward.size() == 25);
  CONVOY_EXPECT(std::is_sorted(forward.begin(), forward.end()) == is_ascending);

  std::vector<std::string> backward;
  for (const Endpoint& endpoint : page.items) backward.push_back(endpoint.id);
  for (int pages_count = 0; pages_count < 30 && page.has_prev; ++pages_count) {
    page = CONVOY_VALUE(ListConfig<Endpoint>(storage, query,
                                             {.cursor = page.prev_cursor,
                                              .is_backward = true,
                                              .is_ascending = is_ascending,
                                              .items_max = items_max}));
    CONVOY_EXPECT(page.has_next);
    std::vector<std::string> ids;
    for (const Endpoint& endpoint : page.items) ids.push_back(endpoint.id);
    backward.insert(backward.begin(), ids.begin(), ids.end());
  }
  CONVOY_EXPECT(backward == forward);
}

void CheckPages(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  std::vector<ConfigRecord> endpoints;
  for (int i = 0; i < 25; ++i) endpoints.push_back(MakeEndpoint(project, i));
  endpoints.push_back(MakeEndpoint("other", 99));
  CONVOY_REQUIRE_OK(PutNow(storage, project, endpoints).status);
  for (const bool is_ascending : {false, true}) {
    for (const uint32_t items_max : {1u, 7u, 25u, 30u}) {
      Walk(expect, storage, is_ascending, items_max);
    }
  }
}

void CheckConfigLists(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  Endpoint special = MakeEndpoint(project, 1);
  special.name = "100%_Sure\\";
  special.owner_id = "me";
  Source mail = MakeSource(project, 1);
  mail.type = SourceType::kRestApi;
  mail.provider = Provider::kGithub;
  CONVOY_REQUIRE(PutNow(storage, project,
                        {special, MakeEndpoint(project, 2), mail, MakeSource(project, 2),
                         MakeSubscription(project, 1, 1), MakeSubscription(project, 2, 2)})
                     .status.ok());
  const auto endpoints = [&](const std::string& part, const std::string& owner) {
    ConfigQuery query{.project_id = project, .name_contains = part};
    if (!owner.empty()) query.conditions.push_back({"owner_id", {owner}});
    return Digits(CONVOY_VALUE(ListConfig<Endpoint>(storage, query, {})));
  };
  CONVOY_EXPECT(endpoints("", "") == "21");
  CONVOY_EXPECT(endpoints("sure", "") == "1");
  CONVOY_EXPECT(endpoints("%", "") == "1");
  CONVOY_EXPECT(endpoints("_", "") == "1");
  CONVOY_EXPECT(endpoints("\\", "") == "1");
  CONVOY_EXPECT(endpoints("x%", "") == "");
  CONVOY_EXPECT(endpoints("", "me") == "1");
  CONVOY_EXPECT(endpoints("' OR 1=1 --", "") == "");

  const auto sources = [&](ConfigQuery query) {
    query.project_id = project;
    return Digits(CONVOY_VALUE(ListConfig<Source>(storage, query, {})));
  };
  CONVOY_EXPECT(sources({}) == "21");
  CONVOY_EXPECT(sources({.name_contains = "CE 2"}) == "2");
  CONVOY_EXPECT(sources({.conditions = {{"type", {"rest_api"}}}}) == "1");
  CONVOY_EXPECT(sources({.conditions = {{"provider", {""}}}}) == "2");
  const auto subscriptions = [&](ConfigQuery query) {
    query.project_id = project;
    return Digits(CONVOY_VALUE(ListConfig<Subscription>(storage, query, {})));
  };
  CONVOY_EXPECT(subscriptions({}) == "21");
  CONVOY_EXPECT(subscriptions({.conditions = {{"endpoint_id", {Id('E', 2), Id('E', 9)}}}}) == "2");
  CONVOY_EXPECT(subscriptions({.name_contains = "none"}) == "");
}

// Four events of different kinds with a delivery each.
bool SubmitFour(Storage& storage, const std::string& project) {
  for (int i = 0; i < 4; ++i) {
    Event event = MakeEvent(project, i);
    event.source_id = i < 2 ? Id('O', 1) : "";
    event.idempotency_key = i == 3 ? "key" : "";
    event.event_type = i == 0 ? "zero" : "type";
    event.endpoint_ids = {Id('E', i), Id('E', 7)};
    Delivery delivery = MakeDelivery(event, Id('E', i), i, SampleEpoch());
    delivery.id = EventId(i);  // made when the event was
    delivery.idempotency_key = event.idempotency_key;
    delivery.status = static_cast<DeliveryStatus>(i);
    if (!Submit(storage, event, {delivery}).status.ok()) return false;
  }
  return true;
}

void CheckEventLists(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  CONVOY_REQUIRE(SubmitFour(storage, project));
  const auto events = [&](EventQuery query) {
    query.project_id = project;
    return Digits(CONVOY_VALUE(storage.ListEvents(query, {})));
  };
  const absl::Time epoch = SampleEpoch();
  CONVOY_EXPECT(events({}) == "3210");
  CONVOY_EXPECT(events({.endpoint_ids = {Id('E', 1), Id('E', 2)}}) == "21");
  CONVOY_EXPECT(events({.endpoint_ids = {"E"}}) == "");  // a part of an id is not the id
  CONVOY_EXPECT(events({.endpoint_ids = {" "}}) == "");
  CONVOY_EXPECT(events({.endpoint_ids = {""}}) == "");
  CONVOY_EXPECT(events({.source_ids = {Id('O', 1)}}) == "10");
  CONVOY_EXPECT(events({.idempotency_key = "key"}) == "3");
  CONVOY_EXPECT(events({.event_type = "zero"}) == "0");
  CONVOY_EXPECT(events({.search = {.text = "ER"}}) == "0");  // within, without case
  CONVOY_EXPECT(events({.search = {.text = "YP"}}) == "321");
  CONVOY_EXPECT(events({.search = {.text = "KEY"}}) == "3");
  CONVOY_EXPECT(events({.search = {.text = EventId(2)}}) == "2");
  CONVOY_EXPECT(events({.search = {.text = EventId(2).substr(0, 6)}}) == "3210");
  CONVOY_EXPECT(events({.search = {.text = EventId(2).substr(1)}}) == "");  // ids begin with it
  CONVOY_EXPECT(events({.search = {.text = "key", .source_ids = {Id('O', 1)}}}) == "310");
  CONVOY_EXPECT(events({.search = {.text = "no", .source_ids = {"none"}}}) == "");
  CONVOY_EXPECT(events({.search = {.text = "%"}}) == "");
  CONVOY_EXPECT(events({.event_type = "type", .search = {.text = EventId(0)}}) == "");
  CONVOY_EXPECT(events({.created_from = epoch + absl::Seconds(1),
                        .created_until = epoch + absl::Seconds(2)}) == "21");
  CONVOY_EXPECT(events({.created_from = epoch + absl::Seconds(2)}) == "32");
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListEvents({.project_id = "other"}, {})).items.empty());
}

void CheckDeliveryLists(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  CONVOY_REQUIRE(SubmitFour(storage, project));
  const auto deliveries = [&](DeliveryQuery query) {
    query.project_id = project;
    return Digits(CONVOY_VALUE(storage.ListDeliveries(query, {})));
  };
  CONVOY_EXPECT(deliveries({}) == "3210");
  CONVOY_EXPECT(deliveries({.event_id = EventId(2)}) == "2");
  CONVOY_EXPECT(deliveries({.subscription_id = Id('S', 1), .endpoint_ids = {Id('E', 0)}}) == "0");
  CONVOY_EXPECT(deliveries({.subscription_id = Id('S', 2)}) == "");
  CONVOY_EXPECT(deliveries({.idempotency_key = "key"}) == "3");
  CONVOY_EXPECT(deliveries({.statuses = {DeliveryStatus::kScheduled, DeliveryStatus::kRetry}}) ==
                "20");
  CONVOY_EXPECT(deliveries({.event_type = "none"}) == "");
  CONVOY_EXPECT(deliveries({.search = {.text = "KEY"}}) == "3");
  CONVOY_EXPECT(deliveries({.search = {.text = "zero"}}) == "0");
  CONVOY_EXPECT(deliveries({.search = {.text = EventId(2)}}) == "2");
  CONVOY_EXPECT(deliveries({.event_id = EventId(2), .search = {.text = "key"}}) == "");
  CONVOY_EXPECT(deliveries({.created_until = SampleEpoch() + absl::Seconds(1)}) == "10");
}

// More events than a page may look at, of which only the oldest and the newest are wanted.
bool SubmitMany(Storage& storage, const std::string& project, int count) {
  constexpr int kEventsInBatch = 500;
  for (int first = 0; first < count; first += kEventsInBatch) {
    WriteBatch batch;
    for (int i = first; i < std::min(first + kEventsInBatch, count); ++i) {
      Event event = MakeEvent(project, i);
      event.body.clear();
      event.event_type = i == 0 || i == count - 1 ? "wanted" : "other";
      batch.submissions.push_back({.event = std::move(event)});
    }
    if (!CommitOne(storage, std::move(batch)).status.ok()) return false;
  }
  return true;
}

// Whether a page looked at too many rows does not show; that it goes on behind them does.
void CheckLongLists(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  const int count = static_cast<int>(kListRowsMax) + 50;
  CONVOY_REQUIRE(SubmitMany(storage, project, count));
  const EventQuery query{.project_id = project, .event_type = "wanted"};
  for (const bool is_ascending : {false, true}) {
    std::vector<std::string> forward;
    PageRequest request{.is_ascending = is_ascending, .items_max = 5};
    Page<Event> page;
    for (int pages_count = 0; pages_count < 10; ++pages_count) {
      page = CONVOY_VALUE(storage.ListEvents(query, request));
      for (const Event& event : page.items) forward.push_back(event.id);
      if (!page.has_next) break;
      CONVOY_REQUIRE(!page.next_cursor.empty());
      request.cursor = page.next_cursor;
    }
    CONVOY_EXPECT(!page.has_next);
    std::vector<std::string> wanted{EventId(count - 1), EventId(0)};
    if (is_ascending) std::reverse(wanted.begin(), wanted.end());
    CONVOY_EXPECT_SAME(forward, wanted);

    // And back to the first page.
    request.is_backward = true;
    std::vector<std::string> backward;
    for (const Event& event : page.items) backward.push_back(event.id);
    for (int pages_count = 0; pages_count < 10 && page.has_prev; ++pages_count) {
      CONVOY_REQUIRE(!page.prev_cursor.empty());
      request.cursor = page.prev_cursor;
      page = CONVOY_VALUE(storage.ListEvents(query, request));
      std::vector<std::string> ids;
      for (const Event& event : page.items) ids.push_back(event.id);
      backward.insert(backward.begin(), ids.begin(), ids.end());
    }
    CONVOY_EXPECT(!page.has_prev);
    CONVOY_EXPECT_SAME(backward, wanted);
  }
}

std::string CountText(const absl::StatusOr<CountPart>& part) {
  if (!part.ok()) return std::string(part.status().message());
  return absl::StrCat(part->count, part->next_cursor.empty() ? "" : " and more");
}

// Endpoints, statuses and counts, in the order of the first two.
std::vector<std::string> Sorted(const StatusCountPart& part) {
  std::vector<std::string> texts;
  for (const StatusCount& each : part.counts) {
    texts.push_back(
        absl::StrCat(each.endpoint_id, " ", static_cast<int>(each.status), " ", each.count));
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

void CheckStatusCounts(Expectations& expect, Storage& storage, FlowCounts& counts,
                       const std::string& project) {
  const auto expect_same = [&](DeliveryQuery query) {
    query.project_id = project;
    std::map<std::pair<std::string, DeliveryStatus>, uint64_t> tally;
    for (const Delivery& each : CONVOY_VALUE(storage.ListDeliveries(query, {})).items) {
      ++tally[{each.endpoint_id, each.status}];
    }
    StatusCountPart listed;
    for (const auto& [standing, count] : tally) {
      listed.counts.push_back({standing.first, standing.second, count});
    }
    const StatusCountPart counted = CONVOY_VALUE(counts.CountByStatus(query, ""));
    CONVOY_EXPECT(counted.next_cursor.empty());
    CONVOY_EXPECT_SAME(Sorted(counted), Sorted(listed));
  };
  expect_same({});
  expect_same({.endpoint_ids = {Id('E', 0)}});
  expect_same({.event_type = "none"});
  expect_same({.statuses = {DeliveryStatus::kScheduled}});
  expect_same({.created_until = SampleEpoch() + absl::Seconds(1)});
  CONVOY_EXPECT(
      absl::IsInvalidArgument(counts.CountByStatus({.project_id = project}, "x").status()));
}

// Counts select what lists select. A store need not have them.
void CheckCounts(Expectations& expect, Storage& storage) {
  auto* const counts = dynamic_cast<FlowCounts*>(&storage);
  if (counts == nullptr) return;
  const std::string project = MakeProject(1).id;
  CONVOY_REQUIRE(SubmitFour(storage, project));
  const auto expect_events = [&](EventQuery query) {
    query.project_id = project;
    const size_t listed = CONVOY_VALUE(storage.ListEvents(query, {})).items.size();
    CONVOY_EXPECT(CountText(counts->CountEvents(query, "")) == absl::StrCat(listed));
  };
  const absl::Time epoch = SampleEpoch();
  expect_events({});
  expect_events({.endpoint_ids = {Id('E', 1)}});
  expect_events({.source_ids = {Id('O', 1), Id('O', 9)}});
  expect_events({.idempotency_key = "key"});
  expect_events({.event_type = "none"});
  expect_events({.search = {.text = "KEY"}});
  expect_events({.search = {.text = "none", .source_ids = {Id('O', 1)}}});
  expect_events(
      {.created_from = epoch + absl::Seconds(1), .created_until = epoch + absl::Seconds(2)});
  expect_events({.event_type = "none", .created_from = epoch + absl::Seconds(2)});
  const auto expect_deliveries = [&](DeliveryQuery query) {
    query.project_id = project;
    const size_t listed = CONVOY_VALUE(storage.ListDeliveries(query, {})).items.size();
    CONVOY_EXPECT(CountText(counts->CountDeliveries(query, "")) == absl::StrCat(listed));
  };
  expect_deliveries({});
  expect_deliveries({.event_id = EventId(2)});
  expect_deliveries({.subscription_id = Id('S', 1), .endpoint_ids = {Id('E', 0)}});
  expect_deliveries({.idempotency_key = "key"});
  expect_deliveries({.event_type = "none"});
  expect_deliveries({.statuses = {DeliveryStatus::kScheduled, DeliveryStatus::kRetry}});
  expect_deliveries({.search = {.text = EventId(2)}});
  expect_deliveries({.created_until = epoch + absl::Seconds(1)});
  CheckStatusCounts(expect, storage, *counts, project);
  CONVOY_EXPECT(CountText(counts->CountEvents({.project_id = "other"}, "")) == "0");
  CONVOY_EXPECT(CountText(counts->CountDeliveries({.project_id = "other"}, "")) == "0");
  CONVOY_EXPECT(
      absl::IsInvalidArgument(counts->CountEvents({.project_id = project}, "x").status()));
  CONVOY_EXPECT(
      absl::IsInvalidArgument(counts->CountDeliveries({.project_id = project}, "x").status()));
}

void CheckLongCounts(Expectations& expect, Storage& storage) {
  auto* const counts = dynamic_cast<FlowCounts*>(&storage);
  if (counts == nullptr) return;
  const std::string project = MakeProject(1).id;
  CONVOY_REQUIRE(SubmitMany(storage, project, static_cast<int>(kListRowsMax) + 50));
  const auto parts = [&](EventQuery query) {
    query.project_id = project;
    std::vector<std::string> found;
    std::string cursor;
    do {
      const CountPart part = CONVOY_VALUE(counts->CountEvents(query, cursor));
      found.push_back(absl::StrCat(part.count));
      cursor = part.next_cursor;
    } while (!cursor.empty() && found.size() < 5);
    return found;
  };
  CONVOY_EXPECT_SAME(parts({}), {absl::StrCat(kListRowsMax), "50"});
  CONVOY_EXPECT_SAME(parts({.event_type = "wanted"}), {"1", "1"});
  CONVOY_EXPECT_SAME(parts({.event_type = "none"}), {"0", "0"});
}

constexpr StorageRequirement kRequirements[] = {
    {"lists are walked in both directions without gaps or repetition", CheckPages},
    {"lists of configuration select what is asked for, and nothing by accident", CheckConfigLists},
    {"lists of events select what is asked for", CheckEventLists},
    {"lists of deliveries select what is asked for", CheckDeliveryLists},
    {"a list goes on behind the rows that a page may look at", CheckLongLists},
    {"counts select what lists select", CheckCounts},
    {"a count goes on behind the rows that a part may look at", CheckLongCounts},
};

}  // namespace

std::span<const StorageRequirement> ListRequirements() { return kRequirements; }

}  // namespace convoy::testing
