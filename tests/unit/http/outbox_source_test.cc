// Sources that read a transactional outbox of the host's.
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

std::string Body(const std::string& pub_sub) {
  return absl::StrCat(R"({"name":"s","type":"pub_sub","pub_sub":)", pub_sub, "}");
}

constexpr const char* kOutbox = R"({"type":"outbox","outbox":{"name":"shop"}})";

TEST_CASE("outbox_source: it names an outbox, and shows nothing else") {
  ProjectHarness api;
  const std::string made = api.Do(201, "POST", "/sources", Body(kOutbox));
  const std::string id = ProjectHarness::Field(made, "data.uid");
  const Source source = GetConfig<Source>(*api.storage, api.project, id).value();
  CHECK(source.broker == BrokerConfig(OutboxConfig{"shop"}));
  CHECK(source.workers_count == 1);
  CHECK(ProjectHarness::Field(made, "data.pub_sub") ==
        R"({"type":"outbox","workers":1,"message_format":"envelope","sqs":null,"google":null,)"
        R"("kafka":null,"amqp":null,"outbox":{"name":"shop"}})");
  REQUIRE(api.outbox->checked.size() == 1);
}

TEST_CASE("outbox_source: what is wrong is named") {
  ProjectHarness api;
  const std::pair<std::string, std::string> cases[] = {
      {R"({"type":"outbox"})", "pub_sub.outbox:"},
      {R"({"type":"outbox","outbox":{}})", "pub_sub.outbox.name:is missing"},
      {R"({"type":"outbox","outbox":{"name":7}})",
       R"(body contains incorrect JSON type for field "pub_sub.outbox.name")"},
      {R"({"type":"outbox","workers":2,"outbox":{"name":"shop"}})", "pub_sub.workers:must be 1"},
      {R"({"type":"outbox","message_format":"raw","event_type":"t","outbox":{"name":"shop"}})",
       "pub_sub.message_format:must be envelope"},
      {R"({"type":"amqp","outbox":{"name":"shop"},"amqp":{"host":"h","queue":"q"}})",
       "pub_sub.outbox:goes with the type outbox"}};
  for (const auto& [pub_sub, message] : cases) {
    INFO(pub_sub);
    const std::string answer = api.MessageOf("POST", "/sources", Body(pub_sub));
    INFO(answer);
    CHECK(absl::StartsWith(answer, message));
  }
  CHECK(api.outbox->checked.empty());
}

TEST_CASE("outbox_source: a name that the host has not given is refused") {
  ProjectHarness api;
  api.outbox->answer = absl::NotFoundError("the gateway's host has no outbox of this name");
  CHECK(api.MessageOf("POST", "/sources", Body(kOutbox)) ==
        "pub_sub.outbox.name:the gateway's host has no outbox of this name");
  CHECK(api.Do(200, "GET", "/sources").find("shop") == std::string::npos);
}

TEST_CASE("outbox_source: a project's key neither makes nor changes one") {
  ProjectHarness api;
  const std::string key = api.AddKey(Role::kProjectAdmin, api.project);
  const auto refused = [&](std::string_view method, const std::string& path,
                           const std::string& body) {
    return ProjectHarness::Field(api.Expect(403, method, api.base + path, body, key), "message");
  };
  constexpr std::string_view kWhy =
      "sources of the type outbox are made and changed with the instance's key";
  CHECK(refused("POST", "/sources", Body(kOutbox)) == kWhy);
  CHECK(api.outbox->checked.empty());
  const std::string made = api.Do(201, "POST", "/sources", Body(kOutbox));
  const std::string path = "/sources/" + ProjectHarness::Field(made, "data.uid");
  CHECK(refused("PUT", path, Body(kOutbox)) == kWhy);
  constexpr const char* kOther = R"({"type":"sqs","sqs":{"access_key_id":"a","secret_key":"s",)"
                                 R"("default_region":"r","queue_name":"q"}})";
  CHECK(refused("PUT", path, Body(kOther)) == kWhy);  // away from the outbox
  const std::string other = ProjectHarness::Field(
      api.Expect(201, "POST", api.base + "/sources", Body(kOther), key), "data.uid");
  CHECK(refused("PUT", "/sources/" + other, Body(kOutbox)) == kWhy);
  api.Do(202, "PUT", path, Body(kOutbox));
  api.Expect(200, "DELETE", api.base + path, "", key);
}

}  // namespace
}  // namespace convoy::http
