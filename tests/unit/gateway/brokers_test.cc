// Message brokers under a whole gateway: messages become deliveries, requests that ask a broker
// block no others, and closing is clean.
#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "convoy/gateway.h"
#include "lib/json/raw.h"
#include "lib/storage/forwarding_storage.h"
#include "tests/support/sim_broker.h"

namespace convoy {
namespace {

using testing::SimBroker;

// Takes its time to say whether a source is all right.
class SlowBroker : public SimBroker {
 public:
  absl::Status Check(const Source& source, const BrokerEnvironment& env) override {
    ++asked_count;
    if (is_slow) may_answer.WaitForNotification();
    return SimBroker::Check(source, env);
  }

  bool is_slow = false;
  std::atomic<int> asked_count = 0;
  absl::Notification may_answer;
};

struct World {
  explicit World(GatewayOptions options = {.allowed_networks = {"127.0.0.0/8"}}) {
    broker->set_blocks(true);
    broker->MakeQueue("orders");
    GatewayParts parts;
    parts.storage = std::make_unique<storage::ForwardingStorage>(memory.get());
    parts.brokers = {broker};
    auto opened = Gateway::Open(std::move(options), std::move(parts));
    REQUIRE(opened.ok());
    gateway = *std::move(opened);
    key = gateway->Bootstrap().value();
    project =
        Field(Post("/api/v1/projects", R"({"name":"p","type":"outgoing"})"), "data.project.uid");
    base = "/api/v1/projects/" + project;
    endpoint =
        Field(Post(base + "/endpoints", R"({"name":"e","url":"https://e.test/"})"), "data.uid");
    // Nothing is sent: there is no such host.
    REQUIRE(Send("PUT", base + "/endpoints/" + endpoint + "/pause", "").status == 202);
  }

  static std::string Field(const HttpResponse& response, std::string_view path) {
    INFO(path << " of " << response.body);
    const auto value = json::FindPath(response.body, path, {});
    REQUIRE(value.has_value());
    return value->AsScalarText().value_or("");
  }

  HttpResponse Send(std::string_view method, const std::string& path, std::string_view body) {
    const std::string bearer = "Bearer " + key;
    const HeaderView headers[] = {{"Authorization", bearer}};
    return gateway->Handle({.method = method, .path = path, .headers = headers, .body = body})
        .value();
  }
  HttpResponse Post(const std::string& path, std::string_view body) {
    return Send("POST", path, body);
  }
  static std::string SourceBody(const std::string& queue = "orders") {
    return absl::StrCat(R"({"name":"s","type":"pub_sub","pub_sub":{"type":"amqp","amqp":{)",
                        R"("host":"sim","queue":")", queue, "\"}}}");
  }
  std::string AddSource() {
    const HttpResponse made = Post(base + "/sources", SourceBody());
    REQUIRE(made.status == 201);
    return Field(made, "data.uid");
  }
  void Publish(int count) {
    for (int i = 0; i < count; ++i) {
      broker->Publish("orders", {.body = absl::StrCat(R"({"endpoint_id":")", endpoint,
                                                      R"(","event_type":"a","data":)", i, "}")});
    }
  }
  static void Await(const std::function<bool()>& has_happened) {
    while (!has_happened()) absl::SleepFor(absl::Milliseconds(2));
  }

  const std::unique_ptr<Storage> memory = NewMemoryStorage();  // looked into after the end
  const std::shared_ptr<SlowBroker> broker = std::make_shared<SlowBroker>();
  std::unique_ptr<Gateway> gateway;
  std::string key, project, base, endpoint;
};

TEST_CASE("gateway: what a broker hands out becomes events, once it is started") {
  World world;
  world.broker->set_tells_lag(true);
  const std::string source = world.AddSource();
  world.Publish(3);
  const std::string consumer = world.base + "/sources/" + source + "/consumer";
  CHECK(World::Field(world.Send("GET", consumer, ""), "data.state") == "stopped");
  REQUIRE(world.gateway->Step().ok());
  CHECK(world.broker->CountLeft("orders") == 3);
  REQUIRE(world.gateway->Start().ok());
  World::Await([&] { return world.broker->CountLeft("orders") == 0; });
  World::Await(
      [&] { return World::Field(world.Send("GET", consumer, ""), "data.accepted") == "3"; });
  CHECK(World::Field(world.Send("GET", consumer, ""), "data.state") == "running");
  World::Await([&] { return World::Field(world.Send("GET", consumer, ""), "data.lag") == "0"; });
  CHECK(World::Field(world.Send("GET", consumer, ""), "data.workers.0.lag_error").empty());
  const HttpResponse events = world.Send("GET", world.base + "/events", "");
  CHECK(World::Field(events, "data.content.2.source_id") == source);
  REQUIRE(world.gateway->Close(absl::Seconds(10)).ok());
  CHECK(world.broker->CountConsumers() == 0);
}

TEST_CASE("gateway: a source that comes, changes and goes is followed at once") {
  World world;
  REQUIRE(world.gateway->Start().ok());
  const std::string source = world.AddSource();
  World::Await([&] { return world.broker->CountConsumers() == 1; });
  const std::string path = world.base + "/sources/" + source;
  CHECK(world.Send("PUT", path, R"({"name":"s","type":"pub_sub","is_disabled":true})").status ==
        202);
  World::Await([&] { return world.broker->CountConsumers() == 0; });
  CHECK(world.Send("PUT", path, R"({"name":"s","type":"pub_sub","is_disabled":false})").status ==
        202);
  World::Await([&] { return world.broker->CountConsumers() == 1; });
  CHECK(world.Send("DELETE", path, "").status == 200);
  World::Await([&] { return world.broker->CountConsumers() == 0; });
}

TEST_CASE("gateway: asking a broker does not hold up the thread that has the request") {
  World world;
  REQUIRE(world.gateway->Start().ok());
  world.broker->is_slow = true;
  const std::string bearer = "Bearer " + world.key;
  const HeaderView headers[] = {{"Authorization", bearer}};
  const std::string path = world.base + "/sources";
  const std::string body = World::SourceBody("nowhere");
  absl::Notification is_answered;
  HttpResponse answer;
  REQUIRE(
      world.gateway->HandleAsync({.method = "POST", .path = path, .headers = headers, .body = body},
                                 [&](HttpResponse response) {
                                   answer = std::move(response);
                                   is_answered.Notify();
                                 }));
  // Others are answered meanwhile.
  CHECK(world.Send("GET", path, "").status == 200);
  CHECK_FALSE(is_answered.HasBeenNotified());
  world.broker->may_answer.Notify();
  is_answered.WaitForNotification();
  CHECK(answer.status == 400);
  CHECK(World::Field(answer, "message") == "pub_sub.amqp.queue:there is no queue nowhere");
}

TEST_CASE("gateway: a gateway that closes answers the requests that wait for a broker") {
  auto world = std::make_unique<World>();
  REQUIRE(world->gateway->Start().ok());
  world->broker->is_slow = true;
  const std::string bearer = "Bearer " + world->key;
  const HeaderView headers[] = {{"Authorization", bearer}};
  const std::string path = world->base + "/sources";
  const std::string body = World::SourceBody();
  absl::Mutex mutex;
  std::vector<int> statuses;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(world->gateway->HandleAsync(
        {.method = "POST", .path = path, .headers = headers, .body = body},
        [&](HttpResponse response) {
          absl::MutexLock lock(&mutex);
          statuses.push_back(response.status);
        }));
  }
  World::Await([&] { return world->broker->asked_count == 1; });
  CHECK(absl::IsDeadlineExceeded(world->gateway->Close(absl::Milliseconds(20))));
  world->broker->may_answer.Notify();
  World::Await([&] { return world->gateway->Close(absl::Milliseconds(100)).ok(); });
  absl::MutexLock lock(&mutex);
  REQUIRE(statuses.size() == 3);
  std::sort(statuses.begin(), statuses.end());
  CHECK(statuses.front() == 201);  // the one that was asking
  // Those behind it are refused, unless the answer came before the end and they had their turn.
  for (const int status : statuses) CHECK((status == 201 || status == 503));
}

TEST_CASE("gateway: pumped, a broker is asked only by a request that may block") {
  World world;
  const std::string bearer = "Bearer " + world.key;
  const HeaderView headers[] = {{"Authorization", bearer}};
  const std::string path = world.base + "/sources";
  const std::string body = World::SourceBody("nowhere");
  CHECK(world.Post(path, body).status == 400);
  int status = 0;
  REQUIRE(
      world.gateway->HandleAsync({.method = "POST", .path = path, .headers = headers, .body = body},
                                 [&](HttpResponse response) { status = response.status; }));
  REQUIRE(world.gateway->Step().ok());
  CHECK(status == 201);  // no broker was asked, and nothing is read anyway
}

TEST_CASE("gateway: under load its end leaves each message either stored or with the broker") {
  for (int run = 0; run < 5; ++run) {
    World world;
    world.AddSource();
    REQUIRE(world.gateway->Start().ok());
    world.Publish(2000);
    absl::SleepFor(absl::Milliseconds(3 * run));
    REQUIRE(world.gateway->Close(absl::Seconds(30)).ok());
    CHECK(world.broker->CountConsumers() == 0);
    const auto events =
        world.memory->ListEvents({.project_id = world.project}, {.items_max = 5000});
    REQUIRE(events.ok());
    CHECK(events->items.size() + world.broker->CountLeft("orders") == 2000);
  }
}

TEST_CASE("gateway: a broker without an adapter is refused by name") {
  World world;
  const HttpResponse refused = world.Post(
      world.base + "/sources",
      R"({"name":"s","type":"pub_sub","pub_sub":{"type":"kafka","kafka":{"brokers":["a:1"],
          "topic_name":"t"}}})");
  CHECK(refused.status == 400);
  CHECK(World::Field(refused, "message") == "pub_sub.type:this gateway has no adapter for kafka");
}

}  // namespace
}  // namespace convoy
