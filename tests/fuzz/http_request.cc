// The REST API and the ingest links, as an administrator and as a stranger: a script of requests on
// a fresh store.
//
// Input: requests divided by \x1e, each a byte of flags, "METHOD target" up to the end of its line,
// header lines, an empty line, the body. Targets and bodies may hold the control characters of
// rest_client.h. Promises that are checked: no request leads to a 5xx, every answer of the API is
// JSON, no header is injected, strangers are told nothing, and afterwards every list can still be
// read.
#include <string>
#include <vector>

#include "lib/base/text.h"
#include "lib/json/raw.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/rest_client.h"

namespace convoy::fuzz {
namespace {

constexpr size_t kRequestsMax = 16;
constexpr uint8_t kStranger = 1;
constexpr uint8_t kForm = 2;

void CheckResponse(std::string_view method, std::string_view target, const HttpResponse& response,
                   bool has_key) {
  Require(response.status >= 200 && response.status < 500, "no request is a defect of ours");
  for (const Header& header : response.headers) {
    Require(base::IsHeaderName(header.name) && base::IsHeaderValue(header.value),
            "an answer injects no header");
  }
  if (!target.starts_with("/api/v1/")) return;
  Require(has_key || response.status == 401 || response.status == 415,
          "a stranger is told nothing");
  Require(response.body.empty() || json::Validate(response.body, {}).ok(),
          "an answer of the API is JSON");
  Require(!response.body.empty() || method == "HEAD" || response.status == 204,
          "an answer of the API says something");
}

void RunRequest(RestClient& client, std::string_view text) {
  Input input(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  const uint8_t flags = input.Byte();
  const std::string_view line = input.TextUntil('\n');
  const std::string_view method = line.substr(0, line.find(' '));
  const std::string_view target = line.substr(std::min(method.size() + 1, line.size()));
  std::vector<HeaderView> headers;
  while (!input.empty()) {
    const std::string_view header = input.TextUntil('\n');
    if (header.empty()) break;
    const size_t colon = std::min(header.find(": "), header.size());
    headers.push_back({header.substr(0, colon), header.substr(std::min(colon + 2, header.size()))});
  }
  if ((flags & kForm) != 0) {
    headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  }
  const bool has_key = (flags & kStranger) == 0;
  const HttpResponse response = client.Send(method, target, input.Rest(), headers, has_key);
  CheckResponse(method, target, response,
                has_key || base::CountHeader(headers, "Authorization") > 0);
}

void CheckLists(RestClient& client) {
  const HttpResponse projects = client.Send("GET", "/api/v1/projects", "", {}, true);
  Require(projects.status == 200, "projects can be listed");
  for (const char* collection :
       {"sources", "endpoints", "subscriptions", "events", "eventdeliveries", "api-keys"}) {
    const HttpResponse list =
        client.Send("GET", std::string("/api/v1/projects/\x01/") + collection, "", {}, true);
    // The project may have been deleted.
    Require(list.status == 200 || list.status == 404, "what was stored can be listed");
    Require(json::Validate(list.body, {}).ok(), "a list is JSON");
  }
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace convoy::fuzz;
  RestClient client;
  Input input(data, size);
  for (size_t i = 0; i < kRequestsMax && !input.empty(); ++i) {
    RunRequest(client, input.TextUntil('\x1e'));
  }
  CheckLists(client);
  return 0;
}
