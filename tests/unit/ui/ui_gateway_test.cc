#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "convoy/gateway.h"
#include "convoy/ui.h"
#include "lib/base/text.h"

namespace convoy::ui {
namespace {

struct World {
  explicit World(UiOptions options = {}) {
    GatewayParts parts;
    parts.storage = NewMemoryStorage();
    gateway = Gateway::Open({}, std::move(parts)).value();
    key = gateway->Bootstrap().value();
    ui = NewUiGateway(gateway.get(), std::move(options)).value();
  }

  HttpResponse Send(std::string_view method, std::string_view path,
                    std::vector<HeaderView> headers = {}, std::string_view body = "") {
    std::optional<HttpResponse> response =
        ui->Handle({.method = method, .path = path, .headers = headers, .body = body});
    REQUIRE(response.has_value());
    return *std::move(response);
  }

  // The cookie of a new session.
  std::string LogIn() {
    const std::string body = R"({"key":")" + key + R"("})";
    const HttpResponse response = Send("POST", "/ui/session", {{"X-Convoy-Ui", "1"}}, body);
    REQUIRE(response.status == 200);
    const std::string cookie(base::FindHeader(response.headers, "Set-Cookie").value());
    return cookie.substr(0, cookie.find(';'));
  }

  std::unique_ptr<Gateway> gateway;
  std::string key;
  std::unique_ptr<Gateway> ui;
};

std::string HeaderOf(const HttpResponse& response, std::string_view name) {
  return std::string(base::FindHeader(response.headers, name).value_or(""));
}

TEST_CASE("ui_gateway: options that make no sense are refused by name") {
  World world;
  for (const char* prefix : {"", "/", "ui", "/ui/", "/u//i", "/u i", "/u;i", "/\n"}) {
    INFO(prefix);
    CHECK(absl::IsInvalidArgument(NewUiGateway(world.gateway.get(), {.prefix = prefix}).status()));
  }
  for (const char* origin : {"", "*", "app.example.com", "https://", "https://a b", "https://a;b",
                             "javascript://x", "https://a/b"}) {
    INFO(origin);
    CHECK(absl::IsInvalidArgument(
        NewUiGateway(world.gateway.get(), {.portal_frame_origins = {origin}}).status()));
  }
  CHECK(absl::IsInvalidArgument(NewUiGateway(world.gateway.get(), {.sessions_max = 0}).status()));
}

TEST_CASE("ui_gateway: a page is served plain or compressed, and is the same") {
  World world;
  const HttpResponse plain = world.Send("GET", "/ui/");
  CHECK(plain.status == 200);
  CHECK(HeaderOf(plain, "Content-Encoding").empty());
  CHECK(plain.body.find("<!doctype html>") == 0);
  const HttpResponse packed = world.Send("GET", "/ui/", {{"Accept-Encoding", "br, gzip;q=0.8"}});
  CHECK(HeaderOf(packed, "Content-Encoding") == "gzip");
  CHECK(packed.body.size() < plain.body.size() / 2);
  CHECK(HeaderOf(world.Send("GET", "/ui/", {{"Accept-Encoding", "gzip;q=0"}}), "Content-Encoding")
            .empty());
  CHECK(world.Send("HEAD", "/ui/").body.empty());
}

TEST_CASE("ui_gateway: redirects are relative to where a browser sees them") {
  World world({.prefix = "/deep/er/ui"});
  CHECK(HeaderOf(world.Send("GET", "/deep/er/ui"), "Location") == "ui/");
  CHECK(HeaderOf(world.Send("GET", "/deep/er/ui/portal"), "Location") == "portal/");
  CHECK(HeaderOf(world.Send("GET", "/portal"), "Location") == "deep/er/ui/portal/");
}

TEST_CASE("ui_gateway: a session stands for its key, with both ways to ask") {
  World world;
  const std::string cookie = world.LogIn();
  CHECK(cookie.find(world.key) == std::string::npos);
  const std::vector<HeaderView> headers = {{"X-Convoy-Ui", "1"}, {"Cookie", cookie}};
  CHECK(world.Send("GET", "/ui/api/v1/projects", headers).status == 200);
  std::optional<int> status;
  CHECK(world.ui->HandleAsync({.method = "GET", .path = "/ui/api/v1/projects", .headers = headers},
                              [&](const HttpResponse& response) { status = response.status; }));
  CHECK(status == 200);
  CHECK(world.Send("DELETE", "/ui/session", headers).status == 200);
  CHECK(world.Send("GET", "/ui/api/v1/projects", headers).status == 401);
}

TEST_CASE("ui_gateway: a cookie alone, two cookies, or one of the portal give nothing") {
  World world;
  const std::string cookie = world.LogIn();
  const std::string twice = cookie + "; " + cookie;
  CHECK(world.Send("GET", "/ui/api/v1/projects", {{"Cookie", cookie}}).status == 403);
  CHECK(
      world.Send("GET", "/ui/api/v1/projects", {{"X-Convoy-Ui", "1"}, {"Cookie", twice}}).status ==
      401);
  CHECK(world.Send("GET", "/ui/portal/api/v1/projects", {{"X-Convoy-Ui", "1"}, {"Cookie", cookie}})
            .status == 401);
  const HeadDecision decision =
      world.ui->InspectHead({.method = "POST", .path = "/ui/api/v1/projects"});
  REQUIRE(decision.refusal.has_value());
  CHECK(decision.refusal->status == 403);
}

TEST_CASE("ui_gateway: the dashboard takes no credential but its session's") {
  World world;
  const std::string authorization = "Bearer " + world.key;
  const std::vector<HeaderView> headers = {{"X-Convoy-Ui", "1"}, {"Authorization", authorization}};
  CHECK(world.Send("GET", "/ui/api/v1/projects", headers).status == 401);
  CHECK(world.Send("GET", "/ui/portal/api/v1/projects", headers).status == 200);
}

TEST_CASE("ui_gateway: a key that is wrong, or no key, opens no session") {
  World world;
  for (const char* body : {"", "{}", R"({"key":1})", R"({"key":""})", R"({"key":"a\r\nb: c"})",
                           R"({"key":"CO.aaaaaaaaaaaaaaaa.b"})"}) {
    INFO(body);
    const HttpResponse response = world.Send("POST", "/ui/session", {{"X-Convoy-Ui", "1"}}, body);
    CHECK(response.status >= 400);
    CHECK(response.status < 500);
    CHECK(HeaderOf(response, "Set-Cookie").empty());
  }
}

TEST_CASE("ui_gateway: cookies are for HTTPS alone unless the host says otherwise") {
  World safe;
  World trial({.has_secure_cookies = false});
  const std::string body = R"({"key":")" + safe.key + R"("})";
  CHECK(HeaderOf(safe.Send("POST", "/ui/session", {{"X-Convoy-Ui", "1"}}, body), "Set-Cookie")
            .find("; HttpOnly; SameSite=Strict; Secure") != std::string::npos);
  CHECK(HeaderOf(trial.Send("DELETE", "/ui/session", {{"X-Convoy-Ui", "1"}}), "Set-Cookie")
            .find("Secure") == std::string::npos);
}

TEST_CASE("ui_gateway: everything else is the gateway's, or the host's") {
  World world;
  CHECK(world.Send("GET", "/healthz").status == 200);
  CHECK(world.Send("GET", "/api/v1/projects").status == 401);
  CHECK(world.ui->Handle({.method = "GET", .path = "/elsewhere"}) == std::nullopt);
  CHECK(world.ui->InspectHead({.method = "GET", .path = "/elsewhere"}).is_declined);
  CHECK_FALSE(world.ui->HandleAsync({.method = "GET", .path = "/elsewhere"},
                                    [](const HttpResponse&) { FAIL("not the gateway's"); }));
}

}  // namespace
}  // namespace convoy::ui
