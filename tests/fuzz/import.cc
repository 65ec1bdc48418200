// Documents of another Convoy's configuration, as `convoyd import` reads and sends them.
//
// Input: the document. Promises that are checked: each of its parts is JSON; a dry run changes
// nothing; nothing leads to a 5xx; what was imported is there, so that the same part again creates
// nothing; everything that was stored can be listed.
#include <string>

#include "absl/strings/match.h"

#include "examples/convoyd/import_parts.h"
#include "lib/json/raw.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/rest_client.h"

namespace convoy::fuzz {
namespace {

constexpr size_t kPartsMax = 8;

HttpResponse Import(RestClient& client, std::string_view query, std::string_view body) {
  HttpResponse response = client.Send("POST", std::string("/api/v1/import") + std::string(query),
                                      body, {{"Content-Type", "application/json"}}, true);
  Require(response.status >= 200 && response.status < 500, "no document is a defect of ours");
  Require(json::Validate(response.body, {}).ok(), "an answer is JSON");
  return response;
}

std::string ListProjects(RestClient& client) {
  const HttpResponse response = client.Send("GET", "/api/v1/projects", "", {}, true);
  Require(response.status == 200, "projects can be listed");
  return response.body;
}

void RunPart(RestClient& client, const std::string& body) {
  const std::string before = ListProjects(client);
  const HttpResponse dry = Import(client, "?dry_run=true", body);
  Require(ListProjects(client) == before, "a dry run changes nothing");
  const HttpResponse first = Import(client, "", body);
  Require(first.status != 200 || dry.status == 200, "what can be imported can be tried");
  if (first.status != 200) {
    Require(ListProjects(client) == before, "what is refused changes nothing");
    return;
  }
  const HttpResponse again = Import(client, "", body);
  Require(again.status == 200, "an import can be repeated");
  const auto created = json::FindPath(again.body, "data.created", {});
  Require(created.has_value(), "an import says what it created");
  Require(created->text.find_first_of("123456789") == std::string_view::npos,
          "the second time there is nothing to create");
  ListProjects(client);
}

void Run(Input& input) {
  const auto parts = convoyd::SplitImport(std::string(input.Rest()));
  if (!parts.ok()) {
    Require(!parts.status().message().empty(), "an error says what is wrong");
    return;
  }
  RestClient client;
  size_t count = 0;
  for (const auto& [project, part] : *parts) {
    if (++count > kPartsMax) return;
    const std::string body = convoyd::BodyOf(part);
    Require(json::Validate(body, {.depth_max = 80}).ok(), "a part is JSON");
    RunPart(client, body);
  }
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  convoy::fuzz::Input input(data, size);
  convoy::fuzz::Run(input);
  return 0;
}
