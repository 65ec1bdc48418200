// Answers against the contract: every operation of contract.json is either served as it says, or on
// the list of those that are still missing.
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <catch2/catch.hpp>

#include "lib/http/router.h"
#include "lib/json/document.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using json::Value;
using testing::ProjectHarness;

// Served where there is scripting, and refused here: integration.functions calls them.
constexpr std::string_view kRefused[] = {
    "POST /sources/test_function",
    "POST /subscriptions/test_function",
};

// Additions to the contract, by shape.
bool IsAddition(std::string_view shape, std::string_view name) {
  static const std::map<std::string_view, std::vector<std::string_view>> additions = {
      {"models.EventResponse", {"content_type", "raw_encoding", "endpoint_count"}},
      {"datastore.Metadata", {"raw_encoding"}},
      {"models.SourceResponse", {"verify_mode"}},
      {"datastore.VerifierConfig", {"preset", "scheme", "guarantees"}},
      {"datastore.PubSubConfig",
       {"message_format", "event_type", "event_type_location", "idempotency_key_location",
        "endpoint_id_location", "owner_id_location"}},
      {"datastore.SQSPubSubConfig", {"wrapper"}},
  };
  const auto found = additions.find(shape);
  return found != additions.end() &&
         std::find(found->second.begin(), found->second.end(), name) != found->second.end();
}

std::string Short(std::string_view path) {
  return absl::StrReplaceAll(path, {{"/api/v1/projects/{projectID}/", "/"}});
}

class Contract {
 public:
  Contract() {
    std::ifstream file(CONVOY_TEST_DIR "/unit/http/contract.json");
    std::stringstream text;
    text << file.rdbuf();
    document_ = json::Parse(text.str(), {}).value();
  }

  const Value& operations() const { return document_["operations"]; }

  const Value* Find(std::string_view method, std::string_view path) const {
    for (const Value& operation : operations().GetArray()) {
      if (operation["method"].GetString() == method && operation["path"].GetString() == path) {
        return &operation;
      }
    }
    return nullptr;
  }

  // Adds to `wrong` what about `value` is not of `shape`, which may be called `name`.
  void Judge(const Value& value, const Value& shape, const std::string& where, std::string name,
             std::vector<std::string>& wrong) const {
    const Value* known = &shape;
    if (shape.HasMember("ref")) {
      name = shape["ref"].GetString();
      known = &document_["shapes"][name.c_str()];
    }
    if (value.IsNull()) {
      const bool may_be_null = shape.HasMember("nullable") || known->HasMember("nullable");
      if (!may_be_null) wrong.push_back(where + " must not be null");
      return;
    }
    const std::string type = known->HasMember("type") ? (*known)["type"].GetString() : "";
    const bool is_right =
        type.empty() || (type == "string" && value.IsString()) ||
        (type == "boolean" && value.IsBool()) || (type == "integer" && value.IsInt64()) ||
        (type == "number" && value.IsNumber()) || (type == "array" && value.IsArray()) ||
        (type == "object" && value.IsObject());
    if (!is_right) wrong.push_back(where + " must be of type " + type);
    if (value.IsArray() && known->HasMember("items")) {
      for (const Value& item : value.GetArray()) {
        Judge(item, (*known)["items"], where + "[]", "", wrong);
      }
    }
    if (!value.IsObject()) return;
    for (const auto& member : value.GetObject()) {
      const std::string key = member.name.GetString();
      const std::string path = where + "." + key;
      if (known->HasMember("properties") && (*known)["properties"].HasMember(key.c_str())) {
        Judge(member.value, (*known)["properties"][key.c_str()], path, "", wrong);
      } else if (known->HasMember("values")) {
        Judge(member.value, (*known)["values"], path, "", wrong);
      } else if (known->HasMember("properties") && !IsAddition(name, key)) {
        wrong.push_back(path + " is not in the contract");
      }
    }
  }

 private:
  json::Document document_;
};

// A request for an operation, its path as in the contract. "@name" stands for an id that an
// earlier answer gave.
struct Call {
  std::string_view method;
  std::string_view path;
  std::string_view body = "";
  std::string_view keep = "";  // what the id of the answer is called from now on
  std::string_view keep_from = "data.uid";
  std::string_view query = "";
};

constexpr std::string_view kProjects = "/api/v1/projects";

constexpr Call kCalls[] = {
    {"POST", "/api/v1/projects", R"({"name":"q","type":"outgoing"})"},
    {"GET", "/api/v1/projects"},
    {"GET", "/api/v1/projects/{projectID}"},
    {"PUT", "/api/v1/projects/{projectID}",
     R"({"name":"r","config":{"meta_event":{"is_enabled":true,"url":"https://m.test/"}}})"},
    {"PUT", "/api/v1/projects/{projectID}",
     R"({"name":"r","config":{"ratelimit":{"count":5},"search_policy":"24h",
         "replay_attacks_prevention_enabled":true}})"},
    {"POST", "/sources",
     R"({"name":"s","type":"http","verifier":{"type":"hmac","hmac":{"header":"X","hash":"SHA256",
         "encoding":"hex","secret":"k"}},"custom_response":{"body":"b","content_type":"text/x"}})",
     "sourceID"},
    {"POST", "/sources",
     R"({"name":"b","type":"pub_sub","pub_sub":{"type":"amqp","message_format":"raw",
         "event_type":"t","event_type_location":"message.key",
         "idempotency_key_location":"message.id","owner_id_location":"message.header.o",
         "amqp":{"host":"h","queue":"q"}}})"},
    {"GET", "/sources"},
    {"GET", "/sources/{sourceID}"},
    {"PUT", "/sources/{sourceID}",
     R"({"name":"s","type":"http","verifier":{"type":"api_key","api_key":{"header_name":"X",
         "header_value":"v"}}})"},
    {"POST", "/endpoints",
     R"({"name":"e","url":"https://x.test/","owner_id":"o","support_email":"a@b.test",
         "slack_webhook_url":"https://s.test/","teams_webhook_url":"https://t.test/",
         "authentication":{"type":"api_key","api_key":{"header_name":"X","header_value":"v"}}})",
     "endpointID"},
    {"GET", "/endpoints"},
    {"GET", "/endpoints/{endpointID}"},
    {"PUT", "/endpoints/{endpointID}",
     R"({"name":"e","url":"https://x.test/","authentication":{"type":"basic_auth",
         "basic_auth":{"username":"u","password":"p"}}})"},
    {"GET", "/endpoints/period-failure-rates", "", "", "", "?endpointId=@endpointID"},
    {"PUT", "/endpoints/{endpointID}/pause"},
    {"POST", "/endpoints/{endpointID}/activate"},
    {"PUT", "/endpoints/{endpointID}/expire_secret", R"({"expiration":3600})"},
    {"POST", "/endpoints/oauth2/test",
     R"({"oauth2":{"url":"https://login.test/token","client_id":"me",
         "authentication_type":"shared_secret","client_secret":"s"}})"},
    {"POST", "/subscriptions",
     R"({"name":"s","endpoint_id":"@endpointID","retry_config":{"type":"linear","duration":"5s"},
         "rate_limit_config":{"count":9,"duration":1},"alert_config":{"count":2,"threshold":"1h"},
         "filter_config":{"event_types":["t"],"filter":{"body":{"a":1}}}})",
     "subscriptionID"},
    {"GET", "/subscriptions"},
    {"GET", "/subscriptions/{subscriptionID}"},
    {"PUT", "/subscriptions/{subscriptionID}", R"({"name":"s2","source_id":""})"},
    {"PUT", "/subscriptions/{subscriptionID}/toggle_status"},
    {"POST", "/event-types", R"({"name":"paid","category":"c","json_schema":{"type":"object"}})",
     "eventTypeId"},
    {"GET", "/event-types"},
    {"PUT", "/event-types/{eventTypeId}", R"({"category":"d"})"},
    {"POST", "/event-types/import",
     R"({"spec":"{\"openapi\":\"3.1.0\",\"webhooks\":{\"sent\":{\"post\":{}}}}"})"},
    {"POST", "/subscriptions/{subscriptionID}/filters",
     R"({"event_type":"paid","body":{"a":1},"headers":null})", "filterID"},
    {"GET", "/subscriptions/{subscriptionID}/filters"},
    {"GET", "/subscriptions/{subscriptionID}/filters/{filterID}"},
    {"PUT", "/subscriptions/{subscriptionID}/filters/{filterID}", R"({"enabled_at":null})"},
    {"POST", "/subscriptions/{subscriptionID}/filters/bulk", R"([{"event_type":"sent"}])"},
    {"PUT", "/subscriptions/{subscriptionID}/filters/bulk_update",
     R"([{"uid":"@filterID","path":{"path":"/x"}}])"},
    {"POST", "/subscriptions/{subscriptionID}/filters/test/{eventType}",
     R"({"request":{"body":{"a":1}}})"},
    {"DELETE", "/subscriptions/{subscriptionID}/filters/{filterID}"},
    {"POST", "/event-types/{eventTypeId}/deprecate"},
    {"POST", "/subscriptions/test_filter", R"({"request":{"body":{}},"schema":{"body":{}}})"},
    {"POST", "/events",
     R"({"endpoint_id":"@endpointID","event_type":"t","data":{"a":1},"idempotency_key":"k",
         "custom_headers":{"X-A":"b"}})"},
    {"POST", "/events/fanout", R"({"owner_id":"o","event_type":"t","data":{"a":1}})"},
    {"POST", "/events/broadcast", R"({"event_type":"t","data":{"a":1}})"},
    {"POST", "/events/dynamic",
     R"({"url":"https://d.test/","secret":"s","event_types":["t"],"event_type":"t","data":{"a":1}})"},
    {"GET", "/events", "", "eventID", "data.content.0.uid"},
    {"GET", "/events/{eventID}"},
    {"PUT", "/events/{eventID}/replay"},
    {"GET", "/events/countbatchreplayevents"},
    {"POST", "/events/batchreplay"},
    {"GET", "/eventdeliveries", "", "eventDeliveryID", "data.content.0.uid"},
    {"GET", "/eventdeliveries/{eventDeliveryID}"},
    {"POST", "/onboard",
     R"({"items":[{"name":"a","url":"https://o.test/"},{"name":"","url":"x"}]})", "", "",
     "?dry_run=true"},
    {"POST", "/portal-links",
     R"({"name":"l","owner_id":"o","endpoints":["@endpointID"],"can_manage_endpoint":true})",
     "portalLinkID"},
    {"GET", "/portal-links"},
    {"GET", "/portal-links/{portalLinkID}"},
    {"PUT", "/portal-links/{portalLinkID}", R"({"name":"m","auth_type":"refresh_token"})"},
    {"GET", "/portal-links/{portalLinkID}/refresh_token"},
    {"PUT", "/portal-links/{portalLinkID}/revoke"},
    {"GET", "/meta-events", "", "metaEventID", "data.content.0.uid"},
    {"GET", "/meta-events/{metaEventID}"},
};

// After an attempt failed, and once more after one succeeded.
constexpr Call kCallsAfterFailure[] = {
    {"GET", "/eventdeliveries/{eventDeliveryID}/deliveryattempts", "", "deliveryAttemptID",
     "data.0.uid"},
    {"GET", "/eventdeliveries/{eventDeliveryID}/deliveryattempts/{deliveryAttemptID}"},
    {"POST", "/eventdeliveries/batchretry"},
    {"PUT", "/eventdeliveries/{eventDeliveryID}/resend"},
};
constexpr Call kCallsAfterSuccess[] = {
    {"GET", "/eventdeliveries"},
    {"GET", "/eventdeliveries/{eventDeliveryID}/deliveryattempts"},
    {"POST", "/eventdeliveries/forceresend", R"({"ids":["@eventDeliveryID"]})"},
    {"GET", "/meta-events"},
    {"PUT", "/meta-events/{metaEventID}/resend"},
    {"DELETE", "/subscriptions/{subscriptionID}"},
    {"DELETE", "/endpoints/{endpointID}"},
    {"DELETE", "/sources/{sourceID}"},
    {"DELETE", "/api/v1/projects/{projectID}"},
};

class Caller {
 public:
  Caller() {
    ids_["projectID"] = api_.project;
    ids_["eventType"] = "paid";
  }

  void Run(std::span<const Call> calls) {
    for (const Call& call : calls) Run(call);
  }

  // Lets every delivery that was made have one attempt with this outcome. Time passes first, as
  // those of a replay are due after the instant of their event.
  void Attempt(DeliveryStatus outcome) {
    api_.clock.Advance(absl::Seconds(1));
    const Claim claim = api_.storage->ClaimDue({.now = api_.clock.Now(), .items_max = 100}).value();
    REQUIRE_FALSE(claim.deliveries.empty());
    WriteBatch batch;
    for (const ClaimedDelivery& claimed : claim.deliveries) {
      Delivery next = claimed.delivery;
      next.status = outcome;
      next.attempts_count = 1;
      next.description = outcome == DeliveryStatus::kFailure ? "Retry limit exceeded" : "";
      const bool is_success = outcome == DeliveryStatus::kSuccess;
      batch.updates.push_back(
          {.lease = claimed.lease,
           .delivery = next,
           .attempt = convoy::Attempt{.id = absl::StrCat("01ARZ3NDEKTSV4RRFFQ69G5", ++attempts_),
                                      .project_id = next.project_id,
                                      .delivery_id = next.id,
                                      .endpoint_id = next.endpoint_id,
                                      .url = "https://x.test/",
                                      .request_headers = {{"A", "b"}},
                                      .http_status = is_success ? 200 : 0,
                                      .response_headers = {{"C", "d"}},
                                      .response_body = is_success ? "\xff" : "",
                                      .error = is_success ? "" : "timeout",
                                      .is_success = is_success,
                                      .requested_at = api_.clock.Now(),
                                      .responded_at = api_.clock.Now()}});
    }
    REQUIRE(api_.Commit(batch).status.ok());
  }

  // Operations of the contract that were neither called nor are missing, and missing ones that are
  // served.
  void CheckCompleteness() const {
    for (const Value& operation : contract_.operations().GetArray()) {
      const std::string method = operation["method"].GetString();
      const std::string path = operation["path"].GetString();
      const std::string name = absl::StrCat(method, " ", Short(path));
      INFO(name);
      const RouteMatch match =
          MatchRoute(method, absl::StrReplaceAll(path, {{"{", ""}, {"}", ""}}));
      const bool is_served = match.route != nullptr && match.route->path == path;
      CHECK(is_served);
      const bool is_refused =
          std::find(std::begin(kRefused), std::end(kRefused), name) != std::end(kRefused);
      CHECK(called_.contains(name) == (is_served && !is_refused));
    }
  }

 private:
  std::string Fill(std::string text) const {
    for (const auto& [name, id] : ids_) {
      text = absl::StrReplaceAll(text, {{"{" + name + "}", id}, {"@" + name, id}});
    }
    return text;
  }

  void Run(const Call& call) {
    const std::string pattern = call.path.starts_with(kProjects)
                                    ? std::string(call.path)
                                    : absl::StrCat(kProjects, "/{projectID}", call.path);
    INFO(call.method << " " << pattern);
    const Value* operation = contract_.Find(call.method, pattern);
    REQUIRE(operation != nullptr);
    const auto answer = (*operation)["answers"].MemberBegin();
    const std::string text = api_.Expect(std::stoi(answer->name.GetString()), call.method,
                                         Fill(absl::StrCat(pattern, call.query)),
                                         Fill(std::string(call.body)), api_.instance_key);
    const json::Document document = json::Parse(text, {}).value();
    std::vector<std::string> wrong;
    contract_.Judge(document["data"], answer->value, "data", "", wrong);
    CHECK(wrong == std::vector<std::string>());
    CHECK(document["status"].IsTrue());
    CHECK(document["message"].GetStringLength() > 0);
    called_.insert(absl::StrCat(call.method, " ", Short(pattern)));
    if (!call.keep.empty()) {
      ids_[std::string(call.keep)] = ProjectHarness::Field(text, call.keep_from);
    }
  }

  ProjectHarness api_;
  const Contract contract_;
  std::map<std::string, std::string> ids_;
  std::set<std::string> called_;
  int attempts_ = 100;
};

TEST_CASE("contract: every operation answers with the documented code, properties and types") {
  Caller caller;
  caller.Run(kCalls);
  caller.Attempt(DeliveryStatus::kFailure);
  caller.Run(kCallsAfterFailure);
  caller.Attempt(DeliveryStatus::kSuccess);
  caller.Run(kCallsAfterSuccess);
  caller.CheckCompleteness();
}

TEST_CASE("contract: the judge notices a wrong type, a null and an unknown name") {
  const Contract contract;
  const Value* operation = contract.Find("GET", "/api/v1/projects/{projectID}/events/{eventID}");
  REQUIRE(operation != nullptr);
  const Value& shape = (*operation)["answers"]["200"];
  const auto faults_of = [&](const char* text) {
    const json::Document document = json::Parse(text, {}).value();
    std::vector<std::string> wrong;
    contract.Judge(document, shape, "data", "", wrong);
    return wrong.size();
  };
  CHECK(faults_of(R"({"uid":"x","headers":{"a":["b"]},"deleted_at":null})") == 0);
  CHECK(faults_of(R"({"uid":1})") == 1);
  CHECK(faults_of(R"({"uid":null})") == 1);
  CHECK(faults_of(R"({"headers":{"a":"b"}})") == 1);
  CHECK(faults_of(R"({"id":"x"})") == 1);
  CHECK(faults_of(R"({"is_duplicate_event":"no"})") == 1);
}

}  // namespace
}  // namespace convoy::http
