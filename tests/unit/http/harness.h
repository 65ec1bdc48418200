// The API over a store in memory, with every pending write committed on the spot.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "convoy/gateway.h"
#include "lib/base/text.h"
#include "lib/consume/consumer_supervisor.h"
#include "lib/http/api.h"
#include "lib/http/request/authentication.h"
#include "lib/json/raw.h"
#include "tests/support/flow_id.h"
#include "tests/support/sim_clock.h"

namespace convoy::testing {

// Adapters that answer what a test tells them to, and connect to nothing.
class AnsweringBroker : public Broker {
 public:
  explicit AnsweringBroker(std::string type) : type_(std::move(type)) {}
  std::string_view type() const override { return type_; }
  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source&, std::string_view,
                                                       const BrokerEnvironment&) override {
    return absl::UnimplementedError("this broker has no consumers");
  }
  absl::Status Check(const Source& source, const BrokerEnvironment&) override {
    checked.push_back(source);
    return answer;
  }

  absl::Status answer;
  std::vector<Source> checked;

 private:
  const std::string type_;
};

class ApiHarness {
 public:
  ApiHarness()
      : ulids_(&clock, &random_),
        configuration_(storage.get(), {}),
        intake_(options, &clock, &ulids_),
        consumers_({.clock = &clock, .random = &random_, .observer = &observer_}, storage.get(),
                   {amqp, kafka, sqs, google, outbox}),
        parts_{.storage = storage.get(),
               .configuration = &configuration_,
               .intake = &intake_,
               .clock = &clock,
               .random = &random_,
               .ulids = &ulids_,
               .observer = &observer_,
               .consumers = &consumers_},
        api(options, parts_) {
    instance_key = AddKey(Role::kInstanceAdmin, "");
  }

  // A key as Bootstrap and the API make them.
  std::string AddKey(Role role, const std::string& project_id) {
    const http::NewApiKey key = http::MakeApiKey(role, project_id, "test", parts_);
    WriteBatch batch;
    batch.config.push_back({.scope = "",
                            .expected_revision = storage->ConfigRevision("").value(),
                            .puts = {key.stored}});
    REQUIRE(Commit(batch).status.ok());
    return key.text;
  }

  // `before_commit` runs before each commit of the request: a concurrent change.
  HttpResponse Send(
      std::string_view method, const std::string& target, std::string_view body,
      const std::string& key, std::vector<HeaderView> headers = {},
      const std::function<void()>& before_commit = [] {}) {
    const size_t question = std::min(target.find('?'), target.size());
    const std::string authorization = "Bearer " + key;
    if (!key.empty()) headers.push_back({"Authorization", authorization});
    const HttpRequest request = {
        .method = method,
        .path = std::string_view(target).substr(0, question),
        .query = std::string_view(target).substr(std::min(question + 1, target.size())),
        .headers = headers,
        .body = body};
    std::optional<http::Reply> reply = api.Handle(request);
    REQUIRE(reply.has_value());
    while (!std::holds_alternative<HttpResponse>(*reply)) {
      if (auto* write = std::get_if<http::PendingWrite>(&*reply)) {
        before_commit();
        const CommitResult result = Commit(write->batch);
        const auto finish = std::move(write->finish);
        reply = finish(result);
      } else if (auto* fetch = std::get_if<http::PendingFetch>(&*reply)) {
        fetched.push_back(fetch->request);
        const auto finish = std::move(fetch->finish);
        reply = finish(fetch_result);
      } else {
        const auto check = std::get<http::PendingCheck>(*std::move(reply));
        reply = check.finish(consumers_.Check(check.source));
      }
    }
    return std::get<HttpResponse>(*std::move(reply));
  }

  // The same, with the status checked and the answer's text returned.
  std::string Expect(int status, std::string_view method, const std::string& target,
                     std::string_view body, const std::string& key) {
    const HttpResponse response = Send(method, target, body, key);
    INFO(method << " " << target << " " << body.substr(0, 200) << " answered " << response.status
                << " " << response.body.substr(0, 300));
    REQUIRE(response.status == status);
    REQUIRE(json::Validate(response.body, {}).ok());
    return response.body;
  }

  static std::string Field(const std::string& body, std::string_view path) {
    const auto value = json::FindPath(body, path, {});
    INFO(path << " of " << body);
    REQUIRE(value.has_value());
    return value->AsScalarText().value_or(std::string(value->text));
  }

  // A project of the given type; returns its id.
  std::string AddProject(const std::string& type, const std::string& name,
                         const std::string& config = "{}") {
    return Field(
        Expect(201, "POST", "/api/v1/projects",
               R"({"name":")" + name + R"(","type":")" + type + R"(","config":)" + config + "}",
               instance_key),
        "data.project.uid");
  }

  std::string AddEndpoint(const std::string& project_id, const std::string& extra = "") {
    return Field(Expect(201, "POST", "/api/v1/projects/" + project_id + "/endpoints",
                        R"({"name":"e","url":"https://x.test/")" + extra + "}", instance_key),
                 "data.uid");
  }

  CommitResult Commit(WriteBatch& batch) {
    WriteBatch* const batches[] = {&batch};
    CommitResult results[1];
    REQUIRE(storage->Commit(batches, results).ok());
    return std::move(results[0]);
  }

  // The value of a header of an answer; empty if it is absent.
  static std::string HeaderOf(const HttpResponse& response, std::string_view name) {
    return std::string(base::FindHeader(response.headers, name).value_or(""));
  }

  // Result of every request to another server, and those that were made.
  TransportResult fetch_result;
  std::vector<OutgoingRequest> fetched;

  SimClock clock;
  GatewayOptions options;
  std::unique_ptr<Storage> storage = NewMemoryStorage();
  using SharedBroker = std::shared_ptr<AnsweringBroker>;
  const SharedBroker amqp = std::make_shared<AnsweringBroker>("amqp");
  const SharedBroker kafka = std::make_shared<AnsweringBroker>("kafka");
  const SharedBroker sqs = std::make_shared<AnsweringBroker>("sqs");
  const SharedBroker google = std::make_shared<AnsweringBroker>("google");
  const SharedBroker outbox = std::make_shared<AnsweringBroker>("outbox");

 private:
  SeededRandom random_;
  base::UlidGenerator ulids_;
  config::ConfigCache configuration_;
  intake::Intake intake_;
  Observer observer_;
  consume::ConsumerSupervisor consumers_;
  const http::ApiParts parts_;

 public:
  http::Api api;
  std::string instance_key;
};

// One project, asked as the instance's administrator; paths are below the project's.
struct ProjectHarness : ApiHarness {
  explicit ProjectHarness(const std::string& type = "outgoing")
      : project(AddProject(type, "p")), base("/api/v1/projects/" + project) {}

  std::string Do(int status, std::string_view method, const std::string& path,
                 std::string_view body = "") {
    return Expect(status, method, base + path, body, instance_key);
  }
  std::string MessageOf(std::string_view method, const std::string& path, std::string_view body,
                        int status = 400) {
    return Field(Do(status, method, path, body), "message");
  }

  const std::string project;
  const std::string base;
};

}  // namespace convoy::testing
