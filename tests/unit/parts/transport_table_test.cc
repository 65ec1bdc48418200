// Transports of C that break their table's promises: each is told, and does no harm.
#include <sys/eventfd.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include <catch2/catch.hpp>

#include "capi/parts/c_transport.h"

namespace convoy::capi {
namespace {

// A transport of C whose functions are those of a test.
struct Host {
  std::function<void(const convoy_outgoing&, std::function<void(const convoy_sent*)>)> on_send;
  std::function<void()> on_step, on_cancel;
  int fd = eventfd(0, EFD_CLOEXEC);
  int destroyed_count = 0;
  std::vector<std::string> defects;
  std::vector<TransportResult> results;

  ~Host() { close(fd); }

  static Host& Of(void* self) { return *static_cast<Host*>(self); }

  convoy_transport Table() {
    return {.struct_size = sizeof(convoy_transport),
            .self = this,
            .destroy = [](void* self) { ++Of(self).destroyed_count; },
            .name = "test",
            .send =
                [](void* self, const convoy_outgoing* request, convoy_sent_fn done, void* host,
                   uint64_t exchange) {
                  Of(self).on_send(*request,
                                   [=](const convoy_sent* sent) { done(host, exchange, sent); });
                },
            .step =
                [](void* self) {
                  if (Of(self).on_step) Of(self).on_step();
                },
            .wake_fd = [](void* self) { return int32_t{Of(self).fd}; },
            .cancel =
                [](void* self) {
                  if (Of(self).on_cancel) Of(self).on_cancel();
                }};
  }

  std::unique_ptr<CTransport> Open() {
    return std::make_unique<CTransport>(
        std::make_shared<const TransportPart>(Table()), nullptr,
        [this](std::string_view defect) { defects.emplace_back(defect); });
  }
  SendCompletion Keep() {
    return [this](TransportResult result) { results.push_back(std::move(result)); };
  }
};

convoy_sent Answer(int32_t status, std::string_view body = "") {
  return {.struct_size = sizeof(convoy_sent), .http_status = status, .body = SliceOf(body)};
}

OutgoingRequest Request() {
  OutgoingRequest request;
  request.url = "http://example.com/";
  request.body = std::make_shared<const std::string>("body");
  return request;
}

TEST_CASE("transport_table: a request arrives whole, and its result comes back") {
  Host host;
  std::function<void(const convoy_sent*)> finish;
  host.on_send = [&](const convoy_outgoing& request, auto done) {
    CHECK(TextOf(request.method) == "POST");
    CHECK(TextOf(request.url) == "http://example.com/");
    CHECK(TextOf(request.body) == "body");
    CHECK(request.timeout_ms == 10'000);
    CHECK(TextOf(request.tls_key) == "key");
    CHECK(TextOf(request.mail_recipients[1]) == "c");
    REQUIRE(request.headers_count == 1);
    CHECK(TextOf(request.headers[0].value) == "two");
    finish = done;
  };
  host.on_step = [&] {
    const convoy_header header = {SliceOf("a"), SliceOf("b")};
    convoy_sent sent = Answer(503, "busy");
    sent.headers = &header;
    sent.headers_count = 1;
    sent.remote_ip = SliceOf("192.0.2.1");
    sent.is_unsent = 0;
    sent.elapsed_us = 1500;
    finish(&sent);
  };
  const auto transport = host.Open();
  OutgoingRequest request = Request();
  request.headers = {{"one", "two"}};
  request.tls = std::make_shared<EndpointTls>(EndpointTls{.client_key = "key"});
  request.mail = std::make_shared<Mail>(Mail{.from = "a", .recipients = {"b", "c"}});
  transport->Send(std::move(request), host.Keep());
  CHECK(host.results.empty());
  transport->Step();
  REQUIRE(host.results.size() == 1);
  const TransportResult& result = host.results[0];
  CHECK(result.outcome == TransportOutcome::kResponse);
  CHECK(result.http_status == 503);
  CHECK(result.body == "busy");
  CHECK(result.headers == Headers{{"a", "b"}});
  CHECK(result.remote_ip == "192.0.2.1");
  CHECK(result.may_have_arrived);
  CHECK(result.elapsed == absl::Microseconds(1500));
  CHECK(host.defects.empty());
}

TEST_CASE("transport_table: what the outcome says was not sent has not arrived") {
  const std::pair<uint32_t, bool> outcomes[] = {{CONVOY_SENT_DENIED_ADDRESS, false},
                                                {CONVOY_SENT_INVALID_URL, false},
                                                {CONVOY_SENT_LOCAL_FAILURE, false},
                                                {CONVOY_SENT_PROTOCOL_ERROR, true}};
  for (const auto& [outcome, may_have_arrived] : outcomes) {
    Host host;
    std::function<void(const convoy_sent*)> finish;
    host.on_send = [&](const convoy_outgoing&, auto done) { finish = done; };
    host.on_step = [&, which = outcome] {
      const convoy_sent sent = {.struct_size = sizeof(convoy_sent), .outcome = which};
      finish(&sent);
    };
    const auto transport = host.Open();
    transport->Send(Request(), host.Keep());
    transport->Step();
    REQUIRE(host.results.size() == 1);
    CHECK(host.results[0].may_have_arrived == may_have_arrived);
  }
}

TEST_CASE("transport_table: an exchange that is finished in Send ends in Step") {
  Host host;
  host.on_send = [](const convoy_outgoing&, const auto& done) {
    const convoy_sent sent = Answer(200);
    done(&sent);
  };
  const auto transport = host.Open();
  transport->Send(Request(), host.Keep());
  CHECK(host.results.empty());
  transport->Step();
  CHECK(host.results.size() == 1);
  CHECK(host.defects ==
        std::vector<std::string>{"an exchange was finished outside of step and cancel"});
}

TEST_CASE("transport_table: an exchange that another thread finishes ends in Step") {
  Host host;
  std::thread other;
  host.on_send = [&](const convoy_outgoing&, auto done) {
    other = std::thread([done] {
      const convoy_sent sent = Answer(200);
      done(&sent);
    });
  };
  const auto transport = host.Open();
  transport->Send(Request(), host.Keep());
  other.join();
  CHECK(host.results.empty());
  transport->Step();
  CHECK(host.results.size() == 1);
  CHECK(host.defects.size() == 1);
}

TEST_CASE("transport_table: an exchange ends once, however often it is finished") {
  Host host;
  std::function<void(const convoy_sent*)> finish;
  host.on_send = [&](const convoy_outgoing&, auto done) { finish = done; };
  host.on_step = [&] {
    const convoy_sent sent = Answer(200);
    finish(&sent);
    finish(&sent);
  };
  const auto transport = host.Open();
  transport->Send(Request(), host.Keep());
  transport->Step();
  CHECK(host.results.size() == 1);
  CHECK(host.defects == std::vector<std::string>{"an exchange was finished that was not open"});
}

TEST_CASE("transport_table: exchanges that cancel forgets are cancelled all the same") {
  Host host;
  host.on_send = [](const convoy_outgoing&, const auto&) {};
  auto transport = host.Open();
  transport->Send(Request(), host.Keep());
  transport->Send(Request(), host.Keep());
  transport.reset();
  REQUIRE(host.results.size() == 2);
  CHECK(host.results[0].outcome == TransportOutcome::kCancelled);
  CHECK(host.defects == std::vector<std::string>{"cancel did not finish every exchange"});
  CHECK(host.destroyed_count == 1);
}

TEST_CASE("transport_table: a result that comes after the gateway's end does no harm") {
  Host host;
  std::vector<std::function<void(const convoy_sent*)>> finish;
  host.on_send = [&](const convoy_outgoing&, auto done) { finish.push_back(done); };
  const auto part = std::make_shared<const TransportPart>(host.Table());
  const auto open = [&] {
    return std::make_unique<CTransport>(
        part, nullptr, [&host](std::string_view defect) { host.defects.emplace_back(defect); });
  };
  const convoy_sent sent = Answer(200);
  auto transport = open();
  transport->Send(Request(), host.Keep());
  transport.reset();
  REQUIRE(host.results.size() == 1);  // cancelled
  host.defects.clear();
  finish[0](&sent);
  CHECK(host.defects.empty());
  // Nor does it end an exchange of the next gateway's.
  transport = open();
  transport->Send(Request(), host.Keep());
  host.on_step = [&] { finish[0](&sent); };
  transport->Step();
  CHECK(host.results.size() == 1);
  CHECK(host.defects == std::vector<std::string>{"an exchange was finished that was not open"});
  host.on_step = [&] { finish[1](&sent); };
  transport->Step();
  REQUIRE(host.results.size() == 2);
  CHECK(host.results[1].http_status == 200);
}

TEST_CASE("transport_table: results that make no sense are protocol errors") {
  const convoy_sent senseless[] = {{.struct_size = 0},
                                   {.struct_size = sizeof(convoy_sent), .outcome = 11},
                                   {.struct_size = 1 << 20}};
  for (const convoy_sent& sent : senseless) {
    Host host;
    std::function<void(const convoy_sent*)> finish;
    host.on_send = [&](const convoy_outgoing&, auto done) { finish = done; };
    host.on_step = [&] { finish(&sent); };
    const auto transport = host.Open();
    transport->Send(Request(), host.Keep());
    transport->Step();
    REQUIRE(host.results.size() == 1);
    CHECK(host.results[0].outcome == TransportOutcome::kProtocolError);
    CHECK(host.defects.size() == 1);
  }
}

TEST_CASE("transport_table: a body keeps to the bound of its request") {
  Host host;
  std::function<void(const convoy_sent*)> finish;
  const std::string body(1000, 'x');
  host.on_send = [&](const convoy_outgoing&, auto done) { finish = done; };
  host.on_step = [&] {
    const convoy_sent sent = Answer(200, body);
    finish(&sent);
  };
  const auto transport = host.Open();
  OutgoingRequest request = Request();
  request.response_bytes_max = 10;
  transport->Send(std::move(request), host.Keep());
  transport->Step();
  REQUIRE(host.results.size() == 1);
  CHECK(host.results[0].outcome == TransportOutcome::kResponseTooLarge);
  CHECK(host.results[0].body.size() == 10);
}

TEST_CASE("transport_table: exceptions of the host stay there") {
  Host host;
  host.on_send = [](const convoy_outgoing&, const auto&) { throw 1; };
  host.on_step = [] { throw 2; };
  const auto transport = host.Open();
  transport->Send(Request(), host.Keep());
  transport->Step();
  REQUIRE(host.results.size() == 1);
  CHECK(host.results[0].outcome == TransportOutcome::kProtocolError);
  CHECK(host.defects.size() == 2);
}

}  // namespace
}  // namespace convoy::capi
