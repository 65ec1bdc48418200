// Lists: conditions that are honoured or refused, and cursors that were never handed out.
#include "lib/http/request/pagination.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "lib/http/request/written_page.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

std::string NamesOn(const std::string& page) {
  std::string names;
  const auto items = json::ScanArray(json::FindPath(page, "data.content", {})->text, {});
  for (const json::RawValue& item : *items) {
    names += *json::FindPath(item.text, "name", {})->AsString();
  }
  return names;
}

struct FiveEndpoints : ProjectHarness {
  FiveEndpoints() {
    for (int i = 0; i < 5; ++i) {
      Do(201, "POST", "/endpoints",
         R"({"name":"e)" + std::to_string(i) + R"(","url":"https://x.test/"})");
    }
  }
  std::string Page(const std::string& query) { return Do(200, "GET", "/endpoints?" + query); }
};

TEST_CASE("pagination: pages are walked to the end and back") {
  FiveEndpoints api;
  const std::string first = api.Page("perPage=2");
  CHECK(NamesOn(first) == "e4e3");
  CHECK(ProjectHarness::Field(first, "data.pagination.has_prev_page") == "false");
  const auto next_of = [](const std::string& page) {
    return "perPage=2&next_page_cursor=" +
           ProjectHarness::Field(page, "data.pagination.next_page_cursor");
  };
  const auto prev_of = [](const std::string& page) {
    return "perPage=2&direction=prev&prev_page_cursor=" +
           ProjectHarness::Field(page, "data.pagination.prev_page_cursor");
  };
  const std::string second = api.Page(next_of(first));
  const std::string third = api.Page(next_of(second));
  CHECK(NamesOn(second) == "e2e1");
  CHECK(NamesOn(third) == "e0");
  CHECK(ProjectHarness::Field(third, "data.pagination.has_next_page") == "false");
  CHECK(ProjectHarness::Field(third, "data.pagination.has_prev_page") == "true");
  const std::string back = api.Page(prev_of(third));
  CHECK(NamesOn(back) == "e2e1");
  CHECK(NamesOn(api.Page(prev_of(back))) == "e4e3");
  CHECK(NamesOn(api.Page("sort=asc&perPage=2")) == "e0e1");
}

// Forty events, each of a megabyte as it is written.
struct LargeEvents : ProjectHarness {
  static constexpr size_t kBytes = 1024 * 1024;

  LargeEvents() {
    const std::string endpoint = AddEndpoint(project);
    for (int i = 0; i < 40; ++i) {
      Do(201, "POST", "/events",
         R"({"event_type":"t","data":{},"endpoint_id":")" + endpoint + "\"}");
    }
  }

  // The page at `cursor`; leaves out the event `gone`.
  Page<std::string> Read(const std::string& cursor, bool is_backward, std::string_view gone = "") {
    const EventQuery query{.project_id = project};
    return http::WritePage(
               {.cursor = cursor, .is_backward = is_backward, .items_max = 1000},
               [&](const PageRequest& part) { return storage->ListEvents(query, part); },
               [&](const Event& event) -> absl::StatusOr<std::string> {
                 if (event.id == gone) return absl::NotFoundError("gone");
                 return event.id + std::string(kBytes, ' ');
               })
        .value();
  }
};

TEST_CASE("pagination: a page that would be too large ends early, and the next one goes on") {
  LargeEvents api;
  std::vector<std::string> there, back;
  Page<std::string> page = api.Read("", false);
  CHECK(page.items.size() < 40);
  CHECK(page.items.size() * LargeEvents::kBytes >= kWrittenPageBytesMax);
  CHECK_FALSE(page.has_prev);
  there = page.items;
  while (page.has_next) {
    page = api.Read(page.next_cursor, false);
    there.insert(there.end(), page.items.begin(), page.items.end());
  }
  CHECK(there.size() == 40);
  CHECK(std::is_sorted(there.rbegin(), there.rend()));
  CHECK(std::adjacent_find(there.begin(), there.end()) == there.end());
  back = page.items;
  while (page.has_prev) {
    page = api.Read(page.prev_cursor, true);
    back.insert(back.begin(), page.items.begin(), page.items.end());
  }
  CHECK(back == there);
  const std::string gone = there[3].substr(0, 26);
  page = api.Read("", false, gone);
  there.erase(there.begin() + 3);
  CHECK(std::equal(page.items.begin(), page.items.end(), there.begin()));
}

TEST_CASE("pagination: a forged cursor shows nothing of another project") {
  FiveEndpoints api;
  const std::string theirs = api.AddProject("outgoing", "theirs");
  const std::string foreign = api.AddEndpoint(theirs);
  for (const std::string& cursor :
       {foreign, std::string("x"), std::string("%00"), std::string("%ff"), std::string("'--"),
        std::string("ZZZZZZZZZZZZZZZZZZZZZZZZZZ"), std::string(10'000, '9'), std::string("-1"),
        std::string("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"), std::string()}) {
    for (const char* direction : {"next", "prev", "sideways"}) {
      INFO(cursor.substr(0, 40) << " " << direction);
      const std::string page = api.Page("next_page_cursor=" + cursor +
                                        "&prev_page_cursor=" + cursor + "&direction=" + direction);
      CHECK(page.find(foreign) == std::string::npos);
      CHECK(page.find(theirs) == std::string::npos);
    }
  }
  CHECK(NamesOn(api.Page("next_page_cursor=&prev_page_cursor=&direction=next")) == "e4e3e2e1e0");
}

TEST_CASE("pagination: the number of items is what was asked for, within bounds") {
  FiveEndpoints api;
  for (const auto& [asked, given] : {std::pair("1", "1"),
                                     {"1000", "1000"},
                                     {"1001", "1000"},
                                     {"4294967296", "20"},
                                     {"-1", "20"},
                                     {"0", "20"},
                                     {"", "20"},
                                     {"2.5", "20"},
                                     {"0x10", "20"}}) {
    INFO(asked);
    CHECK(ProjectHarness::Field(api.Page("perPage=" + std::string(asked)),
                                "data.pagination.per_page") == given);
  }
}

TEST_CASE("pagination: an empty condition is none, an unsupported one is refused") {
  ProjectHarness api;
  const std::string endpoint = api.AddEndpoint(api.project);
  api.Do(201, "POST", "/events",
         R"({"event_type":"t","data":{},"endpoint_id":")" + endpoint + "\"}");
  for (const char* list :
       {"/events?endpointId=&sourceId=&query=&ownerId=&event_type=&idempotencyKey=&startDate=",
        "/eventdeliveries?endpointId=&status=&eventId=&subscriptionId=&brokerMessageId=&endDate=",
        "/subscriptions?endpointId=&name=", "/endpoints?q=&query=&ownerId="}) {
    INFO(list);
    CHECK(ProjectHarness::Field(api.Do(200, "GET", list), "data.content").size() > 2);
  }
  CHECK(api.MessageOf("GET", "/events?query=%7B%7D", "").starts_with("query:"));
  CHECK(api.MessageOf("GET", "/events?query=" + std::string(257, 'x'), "").starts_with("query:"));
  CHECK(api.MessageOf("GET", "/events?body=%7B%7D", "").starts_with("body:"));
  CHECK(api.MessageOf("GET", "/events?ownerId=o", "").starts_with("ownerId:"));
  CHECK(api.MessageOf("GET", "/eventdeliveries?brokerMessageId=x", "")
            .starts_with("brokerMessageId:"));
  std::string many = "/events?";
  for (int i = 0; i <= 1000; ++i) many += "endpointId=x&";
  CHECK(api.MessageOf("GET", many, "").starts_with("endpointId:"));
}

TEST_CASE("pagination: a search finds by ids, types, keys and sources, within the search policy") {
  ProjectHarness api("incoming");
  const std::string source = ProjectHarness::Field(
      api.Do(201, "POST", "/sources", R"({"name":"Billing link","type":"http"})"), "data.uid");
  const std::string mask =
      ProjectHarness::Field(api.Do(200, "GET", "/sources/" + source), "data.mask_id");
  const std::string endpoint = api.AddEndpoint(api.project);
  api.Expect(200, "POST", "/ingest/" + mask, "{}", "");
  api.clock.Advance(absl::Hours(2));
  for (const char* type : {"Invoice.Paid", "order.sent"}) {
    api.Do(201, "POST", "/events",
           std::string(R"({"data":{},"idempotency_key":"key-)") + type + R"(","event_type":")" +
               type + R"(","endpoint_id":")" + endpoint + "\"}");
  }
  const auto count = [&](const std::string& list, const std::string& query) {
    const std::string page = api.Do(200, "GET", list + "?query=" + query);
    size_t found = 0;
    for (size_t at = 0; (at = page.find("\"idempotency_key\"", at)) != page.npos; ++at) ++found;
    return found;
  };
  CHECK(count("/events", "invoice") == 1);
  CHECK(count("/events", "KEY-") == 2);
  CHECK(count("/events", "billing") == 1);
  CHECK(count("/events", "nothing") == 0);
  CHECK(count("/eventdeliveries", "order.s") == 1);
  CHECK(count("/eventdeliveries", "nothing") == 0);
  const std::string id = ProjectHarness::Field(api.Do(200, "GET", "/events"), "data.content.0.uid");
  CHECK(count("/events", id) == 1);
  CHECK(count("/eventdeliveries", id) == 1);
  // Batches do not search: what such a list shows is not what they would take.
  api.Do(400, "POST", "/events/batchreplay?query=x");
  api.Do(400, "POST", "/eventdeliveries/batchretry?query=x");
  api.Do(202, "PUT", "", R"({"config":{"search_policy":"1h"}})");
  CHECK(count("/events", "billing") == 0);
  CHECK(count("/events", "KEY-") == 2);
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/events"), "data.content.2.uid").size() == 26);
}

TEST_CASE("pagination: dates are read with or without a zone, and refused by name") {
  ProjectHarness api;
  const std::string endpoint = api.AddEndpoint(api.project);
  api.Do(201, "POST", "/events",
         R"({"event_type":"t","data":{},"endpoint_id":")" + endpoint + "\"}");
  const auto is_shown = [&](const std::string& query) {
    return ProjectHarness::Field(api.Do(200, "GET", "/events?" + query), "data.content") != "[]";
  };
  CHECK(is_shown("startDate=2026-05-01T10:00:00&endDate=2026-05-01T10:00:00"));
  CHECK(is_shown("startDate=2026-05-01T12:00:00%2B02:00"));
  CHECK(is_shown("startDate=0001-01-01T00:00:00&endDate=0001-01-01T00:00:00"));
  CHECK_FALSE(is_shown("startDate=2026-05-01T10:00:01"));
  CHECK_FALSE(is_shown("endDate=2026-05-01T09:59:59Z"));
  for (const char* query :
       {"startDate=2026-13-01T00:00:00", "startDate=1", "endDate=2026-05-01", "endDate=%00",
        "startDate=2026-05-02T00:00:00&endDate=2026-05-01T00:00:00"}) {
    INFO(query);
    CHECK(api.MessageOf("GET", std::string("/events?") + query, "").find("Date") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace convoy::http
