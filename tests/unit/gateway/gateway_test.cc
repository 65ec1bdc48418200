// The gateway as a host uses it: requests in, deliveries out, both ways of driving, closing.
#include "convoy/gateway.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <catch2/catch.hpp>

#include "lib/json/document.h"
#include "lib/json/raw.h"
#include "lib/storage/forwarding_storage.h"
#include "tests/support/sim_clock.h"

namespace convoy {
namespace {

using testing::SeededRandom;
using testing::SimClock;

// Answers what the test tells it to, from Step; remembers what was sent.
class RecordingTransport final : public Transport {
 public:
  RecordingTransport() : wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~RecordingTransport() override { close(wake_fd_); }

  std::string_view name() const override { return "recording"; }

  void Send(OutgoingRequest request, SendCompletion done) override {
    std::lock_guard lock(mutex_);
    bodies_.push_back(*request.body);
    waiting_.push_back(std::move(done));
    const uint64_t one = 1;
    if (write(wake_fd_, &one, sizeof one) != sizeof one) std::abort();  // on any thread
  }

  void Step() override {
    if (is_hanging) return;
    Complete({.outcome = TransportOutcome::kResponse, .http_status = http_status});
  }

  void Cancel() override { Complete({.outcome = TransportOutcome::kCancelled}); }

  int wake_fd() const override { return wake_fd_; }

  std::vector<std::string> bodies() const {
    std::lock_guard lock(mutex_);
    return bodies_;
  }

  std::atomic<int> http_status = 200;
  std::atomic<bool> is_hanging = false;

 private:
  void Complete(const TransportResult& result) {
    std::vector<SendCompletion> ready;
    {
      std::lock_guard lock(mutex_);
      ready.swap(waiting_);
      uint64_t count;
      [[maybe_unused]] const ssize_t size = read(wake_fd_, &count, sizeof count);
    }
    for (const SendCompletion& done : ready) done(result);
  }

  const int wake_fd_;
  mutable std::mutex mutex_;
  std::vector<std::string> bodies_;
  std::vector<SendCompletion> waiting_;
};

// A gateway with an outgoing project that has one endpoint.
struct Fixture {
  explicit Fixture(std::unique_ptr<Storage> storage = NewMemoryStorage(),
                   GatewayOptions options = {}, std::shared_ptr<Clock> clock = nullptr) {
    auto sending = std::make_unique<RecordingTransport>();
    transport = sending.get();
    GatewayParts parts;
    parts.storage = std::move(storage);
    parts.transport = std::move(sending);
    parts.clock = std::move(clock);
    auto opened = Gateway::Open(std::move(options), std::move(parts));
    REQUIRE(opened.ok());
    gateway = *std::move(opened);
    auto bootstrapped = gateway->Bootstrap();
    REQUIRE(bootstrapped.ok());
    key = *bootstrapped;
    project = DataOf(Call("POST", "/api/v1/projects", R"({"name":"p","type":"outgoing"})", 201),
                     "project");
    base = "/api/v1/projects/" + project;
    endpoint = DataOf(
        Call("POST", base + "/endpoints", R"({"name":"e","url":"http://receiver.test/hook"})", 201),
        "");
  }

  HttpResponse Call(std::string_view method, const std::string& path, std::string_view body,
                    int expected_status) {
    const std::string authorization = "Bearer " + key;
    const std::vector<HeaderView> headers = {{"Authorization", authorization},
                                             {"Content-Type", "application/json"}};
    auto response =
        gateway->Handle({.method = method, .path = path, .headers = headers, .body = body});
    REQUIRE(response.has_value());
    INFO(method << " " << path << " answered " << response->body);
    REQUIRE(response->status == expected_status);
    return *response;
  }

  // The uid in data, or in its member `member`.
  static std::string DataOf(const HttpResponse& response, const char* member) {
    auto document = json::Parse(response.body, {});
    REQUIRE(document.ok());
    const json::Value& data = (*document)["data"];
    return *member == 0 ? data["uid"].GetString() : data[member]["uid"].GetString();
  }

  std::string EventBody(std::string_view data = R"({"n":1})") const {
    return R"({"endpoint_id":")" + endpoint + R"(","event_type":"t","data":)" + std::string(data) +
           "}";
  }

  int CountDeliveries(std::string_view status) {
    const std::string list = Call("GET", base + "/eventdeliveries", "", 200).body;
    // Payloads may hold numbers that no tree can: look at the text.
    const auto content = json::FindPath(list, "data.content", {});
    REQUIRE(content.has_value());
    int count = 0;
    const auto deliveries = json::ScanArray(content->text, {});
    REQUIRE(deliveries.ok());
    for (const json::RawValue& delivery : *deliveries) {
      if (json::FindPath(delivery.text, "status", {})->AsString() == status) ++count;
    }
    return count;
  }

  RecordingTransport* transport;
  std::unique_ptr<Gateway> gateway;
  std::string key, project, base, endpoint;
};

TEST_CASE("gateway: an option that cannot be met is refused by name") {
  const auto refuse = [](GatewayOptions options) {
    GatewayParts parts;
    parts.storage = NewMemoryStorage();
    auto opened = Gateway::Open(std::move(options), std::move(parts));
    REQUIRE_FALSE(opened.ok());
    return std::string(opened.status().message());
  };
  CHECK(refuse({.public_url = "ftp://x"}).find("public_url") != std::string::npos);
  CHECK(refuse({.body_bytes_max = 0}).find("body_bytes_max") != std::string::npos);
  CHECK(refuse({.in_flight_per_endpoint_max = 0}).find("in_flight_per_endpoint_max") !=
        std::string::npos);
  CHECK(refuse({.lease = absl::ZeroDuration()}).find("lease") != std::string::npos);
  CHECK(refuse({.dedupe_window = absl::ZeroDuration()}).find("dedupe_window") != std::string::npos);
  CHECK(refuse({.retention = absl::ZeroDuration()}).find("retention") != std::string::npos);
  CHECK(refuse({.quarantine_inputs_max = 0}).find("quarantine_inputs_max") != std::string::npos);
  CHECK(refuse({.quarantine_age = absl::ZeroDuration()}).find("quarantine_age") !=
        std::string::npos);
  CHECK(refuse({.sources_cached_max = 0}).find("sources_cached_max") != std::string::npos);
  constexpr auto kToken = MetricsAccess::kToken;
  CHECK(refuse({.metrics_access = kToken}).find("metrics_token") != std::string::npos);
  for (const std::string& token :
       {std::string("0123456789abcde"), std::string(257, 'x'), std::string("0123456789 abcdef")}) {
    const std::string refusal = refuse({.metrics_access = kToken, .metrics_token = token});
    CHECK(refusal == "metrics_token must be 16 to 256 visible ASCII characters");
  }
  CHECK(refuse({.metrics_token = "0123456789abcdef"}).find("metrics_access") != std::string::npos);
  CHECK(refuse({.allowed_networks = {"nonsense"}}).find("nonsense") != std::string::npos);
  CHECK_FALSE(Gateway::Open({}, {}).ok());
}

TEST_CASE("gateway: bootstrap gives a key once") {
  Fixture fixture;
  CHECK(absl::IsAlreadyExists(fixture.gateway->Bootstrap().status()));
}

TEST_CASE("gateway: a path that is not its own is left to the host") {
  Fixture fixture;
  CHECK_FALSE(fixture.gateway->Handle({.method = "GET", .path = "/other"}).has_value());
  bool was_called = false;
  CHECK_FALSE(fixture.gateway->HandleAsync({.method = "GET", .path = "/other"},
                                           [&](const HttpResponse&) { was_called = true; }));
  CHECK_FALSE(was_called);
}

TEST_CASE("gateway: pumped, an accepted event is delivered by steps alone") {
  Fixture fixture;
  const std::string data = R"({"b":1e400,"a":0.10000000000000000000001})";
  fixture.Call("POST", fixture.base + "/events", fixture.EventBody(data), 201);
  for (int i = 0; i < 10 && fixture.CountDeliveries("Success") == 0; ++i) {
    REQUIRE(fixture.gateway->Step().ok());
  }
  CHECK(fixture.CountDeliveries("Success") == 1);
  CHECK(fixture.transport->bodies() == std::vector<std::string>{data});
}

TEST_CASE("gateway: pumped, a delivered event is kept for the retention, and no longer") {
  const auto clock = std::make_shared<SimClock>();
  Fixture fixture(NewMemoryStorage(), {.retention = absl::Hours(24)}, clock);
  fixture.Call("POST", fixture.base + "/events", fixture.EventBody(), 201);
  for (int i = 0; i < 10; ++i) REQUIRE(fixture.gateway->Step().ok());
  REQUIRE(fixture.CountDeliveries("Success") == 1);
  clock->Advance(absl::Hours(23));
  REQUIRE(fixture.gateway->Step().value() <= clock->Now() + absl::Minutes(1));
  CHECK(fixture.CountDeliveries("Success") == 1);
  clock->Advance(absl::Hours(2));
  REQUIRE(fixture.gateway->Step().ok());
  CHECK(fixture.CountDeliveries("Success") == 0);
}

TEST_CASE("gateway: pumped, the wake descriptor tells of asynchronous requests") {
  Fixture fixture;
  while (fixture.gateway->Step().value() <= absl::Now()) {
  }
  pollfd descriptor = {.fd = fixture.gateway->wake_fd(), .events = POLLIN, .revents = 0};
  REQUIRE(poll(&descriptor, 1, 0) == 0);

  const std::string authorization = "Bearer " + fixture.key;
  const std::string body = fixture.EventBody();
  const std::string path = fixture.base + "/events";
  const std::vector<HeaderView> headers = {{"Authorization", authorization}};
  int status = 0;
  REQUIRE(fixture.gateway->HandleAsync(
      {.method = "POST", .path = path, .headers = headers, .body = body},
      [&](const HttpResponse& response) { status = response.status; }));
  CHECK(status == 0);
  CHECK(poll(&descriptor, 1, 0) == 1);
  REQUIRE(fixture.gateway->Step().ok());
  CHECK(status == 201);
}

TEST_CASE("gateway: threaded, events of many callers are all delivered") {
  Fixture fixture;
  REQUIRE(fixture.gateway->Start().ok());
  CHECK_FALSE(fixture.gateway->Start().ok());
  CHECK_FALSE(fixture.gateway->Step().ok());

  constexpr int kCallers = 4, kEach = 25;
  const std::string authorization = "Bearer " + fixture.key;
  const std::string path = fixture.base + "/events";
  std::atomic<int> accepted = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([&, c] {
      const std::vector<HeaderView> headers = {{"Authorization", authorization}};
      for (int i = 0; i < kEach; ++i) {
        const std::string body = fixture.EventBody("[" + std::to_string(c * kEach + i) + "]");
        const HttpRequest request = {
            .method = "POST", .path = path, .headers = headers, .body = body};
        if (i % 2 == 0) {
          accepted += fixture.gateway->Handle(request)->status == 201;
        } else {
          std::atomic<int> status = 0;
          fixture.gateway->HandleAsync(request, [&](const HttpResponse& r) { status = r.status; });
          while (status == 0) std::this_thread::yield();
          accepted += status == 201;
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(accepted == kCallers * kEach);
  while (fixture.transport->bodies().size() < kCallers * kEach) std::this_thread::yield();
  REQUIRE(fixture.gateway->Close(absl::Seconds(30)).ok());
  CHECK(fixture.transport->bodies().size() == kCallers * kEach);
}

TEST_CASE("gateway: a host's own event is delivered, and stored once for its key") {
  Fixture fixture;
  HostEvent event{.project_id = fixture.project,
                  .recipient = fixture.endpoint,
                  .event_type = "t",
                  .data = R"({"b":1e400})",
                  .idempotency_key = "k"};
  const auto first = fixture.gateway->Ingest(event);
  REQUIRE(first.ok());
  CHECK_FALSE(first->is_duplicate);
  CHECK(fixture.gateway->Ingest(event)->is_duplicate);
  for (int i = 0; i < 10 && fixture.CountDeliveries("Success") == 0; ++i) {
    REQUIRE(fixture.gateway->Step().ok());
  }
  CHECK(fixture.transport->bodies() == std::vector<std::string>{R"({"b":1e400})"});
}

TEST_CASE("gateway: hosts' first events to one endpoint at the same time all find their way") {
  // Each makes the endpoint's subscription with it; those that come second prepare anew.
  Fixture fixture;
  constexpr int kCallers = 8;
  std::atomic<int> accepted = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([&] {
      const auto receipt = fixture.gateway->Ingest({.project_id = fixture.project,
                                                    .recipient = fixture.endpoint,
                                                    .event_type = "t",
                                                    .data = "1"});
      accepted += receipt.ok() && !receipt->is_duplicate;
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(accepted == kCallers);
  CHECK(fixture.CountDeliveries("Scheduled") == kCallers);
}

class CountingStorage : public storage::ForwardingStorage {
 public:
  explicit CountingStorage(std::unique_ptr<Storage> target)
      : ForwardingStorage(target.get()), owned_(std::move(target)) {}

  std::atomic<int> calls_count = 0;

 protected:
  void OnCall() override { ++calls_count; }

 private:
  const std::unique_ptr<Storage> owned_;
};

TEST_CASE("gateway: a request that is refused makes no call into the store") {
  auto counting = std::make_unique<CountingStorage>(NewMemoryStorage());
  CountingStorage& storage = *counting;
  // The clock stands still: now and then a request asks whether other openers changed anything.
  Fixture fixture(std::move(counting), {}, std::make_shared<SimClock>());
  const std::string incoming =
      "/api/v1/projects/" + Fixture::DataOf(fixture.Call("POST", "/api/v1/projects",
                                                         R"({"name":"i","type":"incoming"})", 201),
                                            "project");
  const HttpResponse source =
      fixture.Call("POST", incoming + "/sources",
                   R"({"name":"s","type":"http","verifier":{"type":"hmac","hmac":{"hash":"SHA256",)"
                   R"("encoding":"hex","header":"X-Signature","secret":"0123456789abcdef"}}})",
                   201);
  const auto document = json::Parse(source.body, {});
  REQUIRE(document.ok());
  const std::string link = std::string("/ingest/") + (*document)["data"]["mask_id"].GetString();
  const std::vector<HeaderView> forged = {{"X-Signature", "00"},
                                          {"Content-Type", "application/json"}};
  const std::string bearer = "Bearer " + fixture.key;
  const std::vector<HeaderView> authorized = {{"Authorization", bearer}};
  const std::string wrong_bearer = bearer + "x";
  const std::vector<HeaderView> wrong_key = {{"Authorization", wrong_bearer}};
  const std::string events = fixture.base + "/events";
  const struct {
    HttpRequest request;
    int status;
  } refused[] = {
      {{.method = "POST", .path = link, .headers = forged, .body = R"({"n":1})"}, 400},
      {{.method = "DELETE", .path = link, .headers = forged}, 405},
      {{.method = "POST", .path = events, .headers = wrong_key, .body = "{}"}, 401},
      {{.method = "POST", .path = events, .headers = authorized, .body = "{"}, 400},
      {{.method = "POST", .path = events, .headers = authorized, .body = R"({"data":1})"}, 400},
      {{.method = "POST", .path = events, .body = "{}"}, 401},
      {{.method = "GET", .path = "/nowhere", .headers = authorized}, 404},
  };
  for (const auto& [request, status] : refused) {
    INFO(request.method << " " << request.path << " " << request.body);
    fixture.gateway->Handle(request);  // loads what it needs of the configuration
    const int before = storage.calls_count;
    for (int i = 0; i < 100; ++i) {
      const auto response = fixture.gateway->Handle(request);
      CHECK((response.has_value() ? response->status : 404) == status);
    }
    CHECK(storage.calls_count == before);
  }
}

TEST_CASE("gateway: after closing, requests get 503 and driving is refused") {
  Fixture fixture;
  REQUIRE(fixture.gateway->Close(absl::Seconds(1)).ok());
  REQUIRE(fixture.gateway->Close(absl::Seconds(1)).ok());
  CHECK(fixture.gateway->Handle({.method = "GET", .path = "/healthz"})->status == 503);
  CHECK(fixture.gateway->InspectHead({.method = "GET", .path = "/healthz"}).refusal->status == 503);
  int status = 0;
  CHECK(fixture.gateway->HandleAsync({.method = "GET", .path = "/healthz"},
                                     [&](const HttpResponse& r) { status = r.status; }));
  CHECK(status == 503);
  CHECK(absl::IsUnavailable(fixture.gateway->Ingest({.project_id = fixture.project}).status()));
  CHECK_FALSE(fixture.gateway->Step().ok());
  CHECK_FALSE(fixture.gateway->Start().ok());
}

// No thread can be made with a stack of this size.
TEST_CASE("gateway: one whose threads cannot be made says so, and closes") {
  Fixture fixture;
  pthread_attr_t usual, huge;
  REQUIRE(pthread_getattr_default_np(&usual) == 0);
  REQUIRE(pthread_attr_init(&huge) == 0);
  REQUIRE(pthread_attr_setstacksize(&huge, size_t{1} << 50) == 0);
  REQUIRE(pthread_setattr_default_np(&huge) == 0);
  CHECK_THROWS_AS(fixture.gateway->Start(), std::system_error);
  REQUIRE(pthread_setattr_default_np(&usual) == 0);
  pthread_attr_destroy(&huge);
  pthread_attr_destroy(&usual);
  CHECK(fixture.gateway->Close(absl::ZeroDuration()).ok());
}

// An endpoint that never answers must not keep a closing gateway; its delivery stays for later.
void CloseWithHangingEndpoint(bool is_threaded) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("convoy_gateway_test_" + std::to_string(getpid()) + ".db");
  std::filesystem::remove(file);
  std::string key, base;
  {
    Fixture fixture(OpenSqliteStorage(file.string()).value());
    key = fixture.key, base = fixture.base;
    fixture.transport->is_hanging = true;
    if (is_threaded) REQUIRE(fixture.gateway->Start().ok());
    fixture.Call("POST", fixture.base + "/events", fixture.EventBody(), 201);
    while (fixture.transport->bodies().empty()) {
      if (!is_threaded) REQUIRE(fixture.gateway->Step().ok());
    }
    REQUIRE(fixture.gateway->Close(absl::Milliseconds(50)).ok());
  }
  GatewayParts parts;
  parts.storage = OpenSqliteStorage(file.string()).value();
  auto sending = std::make_unique<RecordingTransport>();
  RecordingTransport* transport = sending.get();
  parts.transport = std::move(sending);
  auto reopened = Gateway::Open({}, std::move(parts));
  REQUIRE(reopened.ok());
  for (int i = 0; i < 10 && transport->bodies().empty(); ++i) REQUIRE((*reopened)->Step().ok());
  CHECK(transport->bodies().size() == 1);
  for (const char* suffix : {"", "-wal", "-shm", "-openers"}) {
    std::filesystem::remove(file.string() + suffix);
  }
}

TEST_CASE("gateway: pumped, closing gives up on a hanging endpoint and loses nothing") {
  CloseWithHangingEndpoint(false);
}

TEST_CASE("gateway: threaded, closing gives up on a hanging endpoint and loses nothing") {
  CloseWithHangingEndpoint(true);
}

}  // namespace
}  // namespace convoy
