#include "lib/dispatch/request_builder.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "convoy/version.h"
#include "lib/base/text.h"
#include "tests/support/sim_clock.h"

namespace convoy::dispatch {
namespace {

struct Setting {
  Setting() {
    config.signature.versions.push_back({.id = "v"});
    endpoint.url = "https://x.test/hook";
    endpoint.secrets.push_back({.id = "s", .value = "secret"});
    event.id = "EVENT";
    event.body = std::string("\0\xff{}", 4);
    delivery.id = "DELIVERY";
  }

  OutgoingRequest Build() {
    return BuildRequest(config, endpoint, delivery, std::make_shared<const Event>(event),
                        testing::SimEpoch())
        .value();
  }
  std::string HeaderOf(const OutgoingRequest& request, std::string_view name) {
    return std::string(base::FindHeader(request.headers, name).value_or("<none>"));
  }

  ProjectConfig config;
  Endpoint endpoint;
  Delivery delivery;
  Event event;
};

TEST_CASE("request_builder: the body is the event's own bytes, not a copy of them") {
  Setting setting;
  const auto event = std::make_shared<const Event>(setting.event);
  const OutgoingRequest request =
      BuildRequest(setting.config, setting.endpoint, setting.delivery, event, testing::SimEpoch())
          .value();
  CHECK(request.body.get() == &event->body);
  CHECK(request.method == "POST");
  CHECK(request.timeout == absl::Seconds(10));
}

TEST_CASE("request_builder: certificates go along where the endpoint has some") {
  Setting setting;
  CHECK(setting.Build().tls == nullptr);
  setting.endpoint.tls = {.client_certificate = "c", .client_key = "k"};
  CHECK(*setting.Build().tls == setting.endpoint.tls);
}

TEST_CASE("request_builder: with replay prevention every signature covers the time") {
  Setting setting;
  setting.endpoint.has_advanced_signatures = false;
  const std::string simple = setting.HeaderOf(setting.Build(), "X-Convoy-Signature");
  CHECK(simple.size() == 64);
  setting.config.has_replay_prevention = true;
  const std::string prevented = setting.HeaderOf(setting.Build(), "X-Convoy-Signature");
  setting.config.has_replay_prevention = false;
  setting.endpoint.has_advanced_signatures = true;
  CHECK(prevented == setting.HeaderOf(setting.Build(), "X-Convoy-Signature"));
  CHECK(prevented.starts_with("t="));
}

TEST_CASE("request_builder: content type as received, JSON if none was") {
  Setting setting;
  CHECK(setting.HeaderOf(setting.Build(), "Content-Type") == "application/json");
  setting.event.content_type = "text/csv; charset=x";
  CHECK(setting.HeaderOf(setting.Build(), "Content-Type") == "text/csv; charset=x");
}

TEST_CASE("request_builder: headers of the event are forwarded, those of the connection are not") {
  Setting setting;
  setting.event.headers = {{"X-A", "1"},
                           {"X-A", "2"},
                           {"Host", "evil"},
                           {"content-length", "9"},
                           {"Transfer-Encoding", "chunked"},
                           {"X-Convoy-Signature", "forged"}};
  const OutgoingRequest request = setting.Build();
  CHECK(std::count(request.headers.begin(), request.headers.end(), Header{"X-A", "1"}) == 1);
  CHECK(std::count(request.headers.begin(), request.headers.end(), Header{"X-A", "2"}) == 1);
  for (const char* name : {"Host", "Content-Length", "Transfer-Encoding"}) {
    CHECK(setting.HeaderOf(request, name) == "<none>");
  }
  CHECK(setting.HeaderOf(request, "X-Convoy-Signature").starts_with("t="));
  CHECK(setting.HeaderOf(request, "User-Agent") == "Convoy/" + std::string(kVersion));
  setting.event.headers = {{"user-agent", "mine"}};
  CHECK(setting.HeaderOf(setting.Build(), "User-Agent") == "mine");
}

TEST_CASE("request_builder: ids are sent where they are asked for") {
  Setting setting;
  CHECK(setting.HeaderOf(setting.Build(), "X-Convoy-Idempotency-Key") == "<none>");
  CHECK(setting.HeaderOf(setting.Build(), "X-Convoy-Event-ID") == "<none>");
  CHECK(setting.HeaderOf(setting.Build(), "traceparent") == "<none>");
  setting.delivery.idempotency_key = "key";
  setting.config.has_trace_headers = true;
  const OutgoingRequest request = setting.Build();
  CHECK(setting.HeaderOf(request, "X-Convoy-Idempotency-Key") == "key");
  CHECK(setting.HeaderOf(request, "X-Convoy-Event-ID") == "EVENT");
  CHECK(setting.HeaderOf(request, "X-Convoy-EventDelivery-ID") == "DELIVERY");
  CHECK(setting.HeaderOf(request, "traceparent").size() == 55);
  setting.config.trace_header = "X-Trace";
  const OutgoingRequest own = setting.Build();
  CHECK(setting.HeaderOf(own, "x-trace") == setting.HeaderOf(request, "traceparent"));
  CHECK(setting.HeaderOf(own, "traceparent") == "<none>");
}

TEST_CASE("request_builder: the endpoint's authentication has the last word") {
  Setting setting;
  setting.event.headers = {{"authorization", "from the event"}};
  setting.endpoint.auth = BasicAuth{"user", "pa:ss"};
  CHECK(setting.HeaderOf(setting.Build(), "Authorization") == "Basic dXNlcjpwYTpzcw==");
  setting.endpoint.auth = ApiKeyAuth{"X-Key", "value"};
  CHECK(setting.HeaderOf(setting.Build(), "X-Key") == "value");
}

TEST_CASE("request_builder: the query of the incoming request is added to the URL") {
  Setting setting;
  setting.event.url_query = "a=1&b=2";
  CHECK(setting.Build().url == "https://x.test/hook?a=1&b=2");
  setting.endpoint.url = "https://x.test/hook?c=3#part";
  CHECK(setting.Build().url == "https://x.test/hook?c=3&a=1&b=2");
}

TEST_CASE("request_builder: form endpoints get objects as fields and anything else as it is") {
  Setting setting;
  setting.endpoint.content_type = "application/x-www-form-urlencoded";
  setting.event.body = R"({"a":"x y&","n":1.50,"o":{"k":[1]},"t":true})";
  const OutgoingRequest form = setting.Build();
  CHECK(*form.body == "a=x%20y%26&n=1.50&o=%7B%22k%22%3A%5B1%5D%7D&t=true");
  CHECK(setting.HeaderOf(form, "Content-Type") == "application/x-www-form-urlencoded");
  setting.event.body = "[1]";
  CHECK(*setting.Build().body == "[1]");
  CHECK(setting.HeaderOf(setting.Build(), "Content-Type") == "application/json");
}

TEST_CASE("request_builder: headers of the connection cannot be configured either") {
  const auto build = [](auto change) {
    Setting setting;
    setting.delivery.idempotency_key = "key";
    change(setting);
    return BuildRequest(setting.config, setting.endpoint, setting.delivery,
                        std::make_shared<const Event>(setting.event), testing::SimEpoch())
        .status();
  };
  for (const char* name : {"Transfer-Encoding", "host", "CONTENT-LENGTH", "Connection"}) {
    INFO(name);
    CHECK(absl::IsFailedPrecondition(build([&](Setting& setting) {
      setting.endpoint.auth = ApiKeyAuth{name, "1"};
    })));
    CHECK(absl::IsFailedPrecondition(
        build([&](Setting& setting) { setting.config.signature.header = name; })));
    CHECK(absl::IsFailedPrecondition(
        build([&](Setting& setting) { setting.config.request_id_header = name; })));
  }
  CHECK(build([](Setting&) {}).ok());
}

TEST_CASE("request_builder: nothing is sent unsigned") {
  Setting setting;
  setting.endpoint.secrets.clear();
  CHECK_FALSE(BuildRequest(setting.config, setting.endpoint, setting.delivery,
                           std::make_shared<const Event>(setting.event), testing::SimEpoch())
                  .ok());
}

}  // namespace
}  // namespace convoy::dispatch
