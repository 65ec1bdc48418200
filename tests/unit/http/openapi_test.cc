// The description of the API against the router, the declarations of fields, and Convoy's contract.
#include "lib/http/openapi.h"

#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <catch2/catch.hpp>

#include "lib/http/router.h"
#include "lib/json/document.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using json::Value;
using testing::ApiHarness;

json::Document Described() { return json::Parse(OpenApiText(), {}).value(); }

std::string FileText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The schema of a request's body; null if it has none.
const Value* BodyOf(const Value& document, const char* path, const char* method) {
  const Value& operation = document["paths"][path][method];
  if (!operation.HasMember("requestBody")) return nullptr;
  return &operation["requestBody"]["content"]["application/json"]["schema"];
}

TEST_CASE("openapi: it is served to everyone, and to nothing but reads") {
  ApiHarness api;
  const HttpResponse response = api.Send("GET", "/openapi.json", "", "");
  CHECK(response.status == 200);
  CHECK(ApiHarness::HeaderOf(response, "Content-Type") == "application/json");
  CHECK(response.body == OpenApiText());
  CHECK(api.Send("HEAD", "/openapi.json", "", "").body.empty());
  const HttpResponse refused = api.Send("POST", "/openapi.json", "{}", "");
  CHECK(refused.status == 405);
  CHECK(ApiHarness::HeaderOf(refused, "Allow") == "GET, HEAD");
}

TEST_CASE("openapi: it has every route, and no other") {
  const json::Document document = Described();
  std::set<std::string> served, described, ids;
  for (const Route& route : Routes()) {
    for (const std::string_view method : absl::StrSplit(route.methods, ' ')) {
      served.insert(absl::StrCat(absl::AsciiStrToLower(method), " ", route.path));
    }
  }
  for (const auto& path : document["paths"].GetObject()) {
    for (const auto& member : path.value.GetObject()) {
      const std::string method = member.name.GetString();
      if (method == "parameters") continue;
      INFO(method << " " << path.name.GetString());
      described.insert(absl::StrCat(method, " ", path.name.GetString()));
      CHECK(ids.insert(member.value["operationId"].GetString()).second);
      CHECK(member.value["responses"].HasMember("4XX"));
      // Each name in braces is a parameter.
      const std::string text = path.name.GetString();
      const auto names = std::count(text.begin(), text.end(), '{');
      CHECK(path.value["parameters"].Size() == static_cast<size_t>(names));
    }
  }
  CHECK(served == described);
}

TEST_CASE("openapi: operations of the contract answer with its codes and take its parameters") {
  const json::Document document = Described();
  const json::Document contract =
      json::Parse(FileText(CONVOY_TEST_DIR "/unit/http/contract.json"), {}).value();
  int compared = 0;
  for (const Value& operation : contract["operations"].GetArray()) {
    const std::string method = absl::AsciiStrToLower(operation["method"].GetString());
    const char* path = operation["path"].GetString();
    INFO(method << " " << path);
    REQUIRE(document["paths"].HasMember(path));
    std::set<std::string> expected, found;
    for (const auto& answer : operation["answers"].GetObject())
      expected.insert(answer.name.GetString());
    for (const auto& answer : document["paths"][path][method.c_str()]["responses"].GetObject()) {
      const std::string status = answer.name.GetString();
      if (status.starts_with("2")) found.insert(status);
    }
    CHECK(found == expected);
    ++compared;
  }
  CHECK(compared >= 67);
}

TEST_CASE("openapi: requests have the declared fields") {
  const json::Document document = Described();
  const json::Document fields =
      json::Parse(FileText(CONVOY_TEST_DIR "/../docs/fields.json"), {}).value();
  for (const auto& resource : fields.GetObject()) {
    const std::string below = resource.value["path"].GetString();
    const std::string path =
        absl::StrCat("/api/v1/projects", below.empty() ? "" : "/{projectID}", below);
    const Value* body = BodyOf(document, path.c_str(), "post");
    REQUIRE(body != nullptr);
    for (const Value& field : resource.value["fields"].GetArray()) {
      INFO(path << " " << field["name"].GetString());
      const Value* at = body;
      for (const std::string_view name : absl::StrSplit(field["name"].GetString(), '.')) {
        REQUIRE(at->HasMember("properties"));
        REQUIRE((*at)["properties"].HasMember(std::string(name).c_str()));
        at = &(*at)["properties"][std::string(name).c_str()];
      }
      if (std::string(field["type"].GetString()) == "boolean") {
        CHECK(std::string((*at)["type"].GetString()) == "boolean");
      }
    }
  }
  CHECK(std::string(
            BodyOf(document, "/api/v1/projects", "post")->GetObject()["required"][0].GetString()) ==
        "name");
  const Value* change =
      BodyOf(document, "/api/v1/projects/{projectID}/subscriptions/{subscriptionID}", "put");
  REQUIRE(change != nullptr);
  CHECK((*change)["properties"].HasMember("filter_config"));
  CHECK_FALSE(change->HasMember("required"));
  CHECK(BodyOf(document, "/api/v1/projects/{projectID}/events", "get") == nullptr);
}

}  // namespace
}  // namespace convoy::http
