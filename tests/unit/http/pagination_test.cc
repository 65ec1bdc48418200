// Lists: conditions that are honoured or refused, and cursors that were never handed out.
#include "lib/http/request/pagination.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/ulid.h"
#include "lib/http/request/written_page.h"
#include "lib/json/document.h"
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
  CHECK(api.MessageOf("GET", "/eventdeliveries?query=%7B%7D", "").starts_with("query:"));
  CHECK(api.MessageOf("GET", "/events?query=" + std::string(257, 'x'), "").starts_with("query:"));
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

struct PayloadHarness : ProjectHarness {
  void Add(const std::string& data, const std::string& type = "t") {
    Do(201, "POST", "/events",
       absl::StrCat(R"({"data":)", data, R"(,"event_type":")", type, R"(","endpoint_id":")",
                    endpoint, "\"}"));
    clock.Advance(absl::Milliseconds(1));
  }
  // The numbers "n" of the events of a page, in its order.
  static std::string Numbers(const std::string& page) {
    std::string numbers;
    const json::Document document = json::Parse(page, {}).value();
    for (const json::Value& event : document["data"]["content"].GetArray()) {
      absl::StrAppend(&numbers, event["data"]["n"].GetInt(), " ");
    }
    return numbers;
  }
  std::string Find(const std::string& parameters) {
    return Numbers(Do(200, "GET", "/events?" + parameters));
  }
  std::string Body(const std::string& object) { return Find("body=" + Encoded(object)); }
  static std::string Encoded(const std::string& text) {
    std::string encoded;
    for (const unsigned char c : text) {
      absl::StrAppend(&encoded, "%", absl::Hex(c, absl::kZeroPad2));
    }
    return encoded;
  }
  const std::string endpoint = AddEndpoint(project);
};

TEST_CASE("pagination: a search finds the events whose payload contains an object") {
  PayloadHarness api;
  api.Add(R"({"n":1,"user":{"name":"a","tags":["x","y"]},"lines":[{"sku":1,"q":2},{"sku":2}]})");
  api.Add(R"({"n":2,"user":{"name":"b"},"total":1.0,"gone":null})", "paid");
  api.Add(R"({"n":3,"user":{"name":"a"}})", "paid");
  CHECK(api.Body("{}") == "3 2 1 ");
  CHECK(api.Body(R"({"user":{"name":"a"}})") == "3 1 ");
  CHECK(api.Body(R"({"user":{"tags":["y"]}})") == "1 ");
  CHECK(api.Body(R"({"user":{"tags":["y","z"]}})") == "");
  CHECK(api.Body(R"({"user":{"tags":"y"}})") == "");
  CHECK(api.Body(R"({"lines":[{"sku":1,"q":2}]})") == "1 ");
  CHECK(api.Body(R"({"lines":[{"sku":2,"q":2}]})") == "");
  CHECK(api.Body(R"({"total":1})") == "2 ");
  CHECK(api.Body(R"({"total":"1"})") == "");
  CHECK(api.Body(R"({"gone":null})") == "2 ");
  CHECK(api.Find("query=" + api.Encoded(R"({"user":{"name":"a"}})")) == "3 1 ");
  CHECK(api.Find("query=" + api.Encoded(R"(paid {"user":{"name":"a"}})")) == "3 ");
  CHECK(api.Find("query=paid&body=" + api.Encoded(R"({"n":2})")) == "2 ");
  CHECK(api.Find("event_type=t&body=" + api.Encoded(R"({"user":{"name":"a"}})")) == "1 ");
  api.Do(202, "PUT", "", R"({"config":{"search_policy":"1h"}})");
  api.clock.Advance(absl::Hours(2));
  CHECK(api.Body("{}") == "");
}

TEST_CASE("pagination: a search in payloads that cannot be read is refused by name") {
  PayloadHarness api;
  const auto refusal = [&](const std::string& object) {
    return api.MessageOf("GET", "/events?body=" + api.Encoded(object), "");
  };
  const std::string no_object = "body:must be a JSON object that the payload contains";
  CHECK(refusal("[]") == no_object);
  CHECK(refusal("x") == no_object);
  CHECK(refusal("{\"a\":") == no_object);
  CHECK(refusal(R"({"a":1,"a":2})") == R"(body:has the field "a" twice)");
  std::string many = "{\"a\":[0";
  for (int i = 0; i < 64; ++i) many += ",0";
  CHECK(refusal(many + "]}") == "body:must have at most 64 values");
  CHECK(refusal(R"({"a":")" + std::string(1024, 'x') + "\"}").starts_with("body:"));
  CHECK(api.MessageOf("GET", "/events?query=" + api.Encoded("{x"), "").starts_with("query:"));
  CHECK(api.MessageOf("GET", "/eventdeliveries?query=" + api.Encoded("{}"), "") ==
        "query:is searched for in the payloads of events only");
  // Batches do not search.
  api.Do(400, "POST", "/events/batchreplay?body=%7B%7D");
}

TEST_CASE("pagination: pages of a search in payloads are walked in both directions") {
  PayloadHarness api;
  for (int i = 0; i < 70; ++i) {
    api.Add(absl::StrCat(R"({"n":)", i, R"(,"mark":)", i % 7 == 0 ? 1 : 0, "}"));
  }
  const std::string path = "/events?perPage=3&body=" + api.Encoded(R"({"mark":1})");
  const std::vector<std::pair<std::string, std::vector<std::string>>> walks = {
      {"", {"63 56 49 ", "42 35 28 ", "21 14 7 ", "0 "}},
      {"&sort=ASC", {"0 7 14 ", "21 28 35 ", "42 49 56 ", "63 "}}};
  for (const auto& [sort, pages] : walks) {
    std::string page = api.Do(200, "GET", path + sort);
    for (size_t i = 0; i < pages.size(); ++i) {
      CHECK(api.Numbers(page) == pages[i]);
      // The last one ends where all has been looked at.
      const bool has_next = ProjectHarness::Field(page, "data.pagination.has_next_page") == "true";
      CHECK(has_next == (i + 1 < pages.size()));
      if (!has_next) break;
      page = api.Do(200, "GET",
                    absl::StrCat(path, sort, "&next_page_cursor=",
                                 ProjectHarness::Field(page, "data.pagination.next_page_cursor")));
    }
    for (size_t i = pages.size() - 1; i-- > 0;) {
      page = api.Do(200, "GET",
                    absl::StrCat(path, sort, "&direction=prev&prev_page_cursor=",
                                 ProjectHarness::Field(page, "data.pagination.prev_page_cursor")));
      CHECK(api.Numbers(page) == pages[i]);
    }
  }
}

TEST_CASE("pagination: a search in payloads looks at a bounded number of events") {
  PayloadHarness api;
  WriteBatch batch;
  const int64_t first_key = LeastKeyAt(api.clock.Now());
  for (int i = 0; i < 1100; ++i) {
    batch.submissions.push_back({.event = {.id = JoinUlid({.key = first_key + i}),
                                           .project_id = api.project,
                                           .event_type = "t",
                                           .body = absl::StrCat("{\"n\":", i, "}")}});
  }
  REQUIRE(api.Commit(batch).status.ok());
  // The newest come first.
  const std::string path = "/events?body=" + api.Encoded(R"({"n":7})");
  const std::string first = api.Do(200, "GET", path);
  CHECK(api.Numbers(first) == "");
  REQUIRE(ProjectHarness::Field(first, "data.pagination.has_next_page") == "true");
  const std::string second =
      api.Do(200, "GET",
             absl::StrCat(path, "&next_page_cursor=",
                          ProjectHarness::Field(first, "data.pagination.next_page_cursor")));
  CHECK(api.Numbers(second) == "7 ");
  CHECK(ProjectHarness::Field(second, "data.pagination.has_next_page") == "false");
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
