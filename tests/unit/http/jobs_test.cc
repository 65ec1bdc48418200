// Requests for batches and about jobs; their effect is tested in tests/unit/jobs.
#include <utility>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/ulid.h"
#include "lib/model/job.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

TEST_CASE("jobs: a batch retry is made once, shown, cancelled, and may then be made again") {
  ProjectHarness api;
  const std::string made = api.Do(200, "POST", "/eventdeliveries/batchretry?status=Failure");
  const std::string id = ProjectHarness::Field(made, "data.uid");
  CHECK(api.MessageOf("POST", "/eventdeliveries/batchretry", "") ==
        "an active batch retry already exists");
  const std::string shown = api.Do(200, "GET", "/jobs/" + id);
  CHECK(ProjectHarness::Field(shown, "data.kind") == "batch_retry");
  CHECK(ProjectHarness::Field(shown, "data.state") == "open");
  CHECK(ProjectHarness::Field(shown, "data.progress.done") == "0");
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/jobs"), "data.content.0.uid") == id);
  CHECK(ProjectHarness::Field(api.Do(200, "DELETE", "/jobs/" + id), "data.state") == "cancelled");
  CHECK(api.MessageOf("DELETE", "/jobs/" + id, "") == "the job has ended already: it is cancelled");
  api.Do(200, "POST", "/eventdeliveries/batchretry");
  api.Do(404, "GET", "/jobs/" + id + "x");
}

TEST_CASE("jobs: a batch replay answers with the id of its job; what is not supported is named") {
  ProjectHarness api;
  const std::string id =
      ProjectHarness::Field(api.Do(200, "POST", "/events/batchreplay", "null"), "data");
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/jobs/" + id), "data.kind") == "batch_replay");
  CHECK(api.MessageOf("POST", "/events/batchreplay?query=x", "") ==
        "batch replay does not support search filters");
  CHECK(api.MessageOf("GET", "/events/countbatchreplayevents?body=%7B%7D", "") ==
        "batch replay does not support search filters");
  CHECK(api.MessageOf("POST", "/eventdeliveries/batchretry?status=Success", "") ==
        "status:only deliveries with status Failure or Discarded can be retried");
}

TEST_CASE("jobs: counts are of what a batch would take") {
  ProjectHarness api;
  const std::string endpoint = api.AddEndpoint(api.project);
  for (int i = 0; i < 40; ++i) {
    api.Do(201, "POST", "/events",
           absl::StrCat(R"({"endpoint_id":")", endpoint, R"(","event_type":"t","data":{}})"));
  }
  const auto count = [&api](const std::string& path) {
    return ProjectHarness::Field(api.Do(200, "GET", path), "data.num");
  };
  CHECK(count("/events/countbatchreplayevents") == "40");
  CHECK(count("/events/countbatchreplayevents?endpointId=other") == "0");
  CHECK(count("/eventdeliveries/countbatchretryevents") == "0");
  WriteBatch batch;
  const Claim claim = api.storage->ClaimDue({.now = api.clock.Now(), .items_max = 5}).value();
  for (const ClaimedDelivery& claimed : claim.deliveries) {
    Delivery next = claimed.delivery;
    next.status = DeliveryStatus::kFailure;
    batch.updates.push_back({.lease = claimed.lease, .delivery = next});
  }
  REQUIRE(api.Commit(batch).status.ok());
  CHECK(count("/eventdeliveries/countbatchretryevents") == absl::StrCat(claim.deliveries.size()));
}

TEST_CASE("jobs: a count that has looked at enough is a lower bound") {
  ProjectHarness api;
  constexpr int kLookedAt = 20 * static_cast<int>(kListRowsMax);
  const int64_t first_key = LeastKeyAt(api.clock.Now());
  const auto add = [&](int first, int end) {
    WriteBatch batch;
    for (int i = first; i < end; ++i) {
      batch.submissions.push_back({.event = {.id = JoinUlid({.key = first_key + i}),
                                             .project_id = api.project,
                                             .event_type = i == end - 1 ? "last" : "other"}});
    }
    REQUIRE(api.Commit(batch).status.ok());
  };
  const auto expect = [&](const std::string& query, int num, const std::string& is_lower_bound) {
    const std::string answer = api.Do(200, "GET", "/events/countbatchreplayevents" + query);
    CHECK(ProjectHarness::Field(answer, "data.num") == absl::StrCat(num));
    CHECK((answer.find("\"is_lower_bound\":true") != std::string::npos) ==
          (is_lower_bound == "lower bound"));
  };
  add(0, kLookedAt);
  expect("", kLookedAt, "exact");
  add(kLookedAt, kLookedAt + 1);
  expect("", kLookedAt, "lower bound");
  expect("?event_type=last", 1, "lower bound");
  expect("?event_type=none", 0, "lower bound");
}

TEST_CASE("jobs: a batch that another one overtakes is judged anew") {
  ProjectHarness api;
  bool is_first = true;
  const HttpResponse answer =
      api.Send("POST", api.base + "/eventdeliveries/batchretry", "", api.instance_key, {}, [&] {
        if (std::exchange(is_first, false)) api.Do(200, "POST", "/eventdeliveries/batchretry");
      });
  CHECK(answer.status == 400);
  CHECK(ProjectHarness::Field(answer.body, "message") == "an active batch retry already exists");
}

TEST_CASE("jobs: a project has a bounded number of open ones, and none of another's is seen") {
  ProjectHarness api;
  api.options.open_jobs_max = 64;
  WriteBatch batch;
  for (int i = 0; i < 64; ++i) {
    batch.config.push_back(model::NewJobWrite(
        {.id = absl::StrCat("J", i), .project_id = api.project, .event_id = "V"}));
  }
  REQUIRE(api.Commit(batch).status.ok());
  const std::string full =
      "open_jobs_max: the project has 64 open jobs already; try again when some are done";
  CHECK(api.MessageOf("POST", "/events/batchreplay", "", 429) == full);
  const std::string other = "/api/v1/projects/" + api.AddProject("outgoing", "other");
  api.Expect(404, "GET", other + "/jobs/J1", "", api.instance_key);
  api.Expect(200, "POST", other + "/events/batchreplay", "", api.instance_key);
}

TEST_CASE("jobs: a viewer may look, and neither make nor cancel one") {
  ProjectHarness api;
  const std::string viewer = api.AddKey(Role::kProjectViewer, api.project);
  api.Expect(200, "GET", api.base + "/jobs", "", viewer);
  api.Expect(200, "GET", api.base + "/eventdeliveries/countbatchretryevents", "", viewer);
  api.Expect(403, "POST", api.base + "/eventdeliveries/batchretry", "", viewer);
  api.Expect(403, "POST", api.base + "/events/batchreplay", "", viewer);
  api.Expect(403, "DELETE", api.base + "/jobs/x", "", viewer);
}

TEST_CASE("jobs: a broadcast to many endpoints answers with the estimate and its job") {
  ProjectHarness api;
  for (int i = 0; i < 257; ++i) {
    const std::string endpoint = api.AddEndpoint(api.project);
    api.Do(201, "POST", "/subscriptions",
           absl::StrCat(R"({"name":"s","endpoint_id":")", endpoint,
                        R"(","filter_config":{"event_types":["t"]}})"));
  }
  const std::string body = R"({"event_type":"t","data":{},"idempotency_key":"k"})";
  const std::string answer = api.Do(201, "POST", "/events/broadcast", body);
  CHECK(ProjectHarness::Field(answer, "data.endpoint_count") == "257");
  const std::string id = ProjectHarness::Field(answer, "data.job_id");
  const std::string job = api.Do(200, "GET", "/jobs/" + id);
  CHECK(ProjectHarness::Field(job, "data.kind") == "fanout");
  CHECK(ProjectHarness::Field(job, "data.progress.expected") == "257");
  const std::string duplicate = api.Do(201, "POST", "/events/broadcast", body);
  CHECK(ProjectHarness::Field(duplicate, "data.endpoint_count") == "0");
  CHECK(duplicate.find("job_id") == duplicate.npos);

  // The next ones find no room, and are refused before they are taken in.
  api.options.open_jobs_max = 2;
  const HttpResponse refused = api.Send("POST", api.base + "/events/broadcast",
                                        R"({"event_type":"t","data":{}})", api.instance_key);
  CHECK(refused.status == 429);
  CHECK(ProjectHarness::HeaderOf(refused, "Retry-After") == "5");
  CHECK(ProjectHarness::Field(refused.body, "message").starts_with("open_jobs_max: "));
  api.Do(201, "POST", "/events/broadcast", R"({"event_type":"other","data":{}})");  // needs no job
  api.Do(200, "DELETE", "/jobs/" + id);
  api.Do(201, "POST", "/events/broadcast", R"({"event_type":"t","data":{}})");
}

}  // namespace
}  // namespace convoy::http
