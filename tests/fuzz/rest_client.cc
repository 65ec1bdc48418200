// A client with an administrator's key, and the smallest set-up in which every route finds
// something.
#include "tests/fuzz/rest_client.h"

#include <algorithm>
#include <utility>

#include "lib/base/text.h"
#include "lib/http/request/authentication.h"
#include "lib/json/raw.h"
#include "tests/fuzz/finding.h"

namespace convoy::fuzz {
namespace {

// Collection in a path -> the character that stands for its last id.
constexpr std::pair<std::string_view, char> kCollections[] = {
    {"/projects", '\x01'},      {"/sources", '\x02'}, {"/endpoints", '\x04'},
    {"/subscriptions", '\x05'}, {"/events", '\x06'},  {"/eventdeliveries", '\x07'},
    {"/api-keys", '\x08'}};

std::string TextAt(std::string_view json, std::string_view path) {
  const auto value = json::FindPath(json, path, {});
  return value.has_value() ? value->AsString().value_or("") : "";
}

}  // namespace

RestClient::RestClient()
    : ulids_(&clock_, &random_),
      configuration_(storage_.get(), {}),
      intake_(options_, &clock_, &ulids_),
      parts_{.storage = storage_.get(),
             .configuration = &configuration_,
             .intake = &intake_,
             .clock = &clock_,
             .random = &random_,
             .ulids = &ulids_,
             .observer = &observer_},
      api_(options_, parts_) {
  const http::NewApiKey key = http::MakeApiKey(Role::kInstanceAdmin, "", "fuzz", parts_);
  authorization_ = "Bearer " + key.text;
  http::PendingWrite write;
  write.batch.config.push_back({.scope = "",
                                .expected_revision = storage_->ConfigRevision("").value(),
                                .puts = {key.stored}});
  write.finish = [](const CommitResult& result) {
    Require(result.status.ok(), "the first key is stored");
    return HttpResponse{};
  };
  Finish(std::move(write));
  const auto make = [this](std::string_view target, std::string_view body) {
    const HttpResponse response = Send("POST", target, body, {}, true);
    Require(response.status == 201, "the set-up is valid");
  };
  make("/api/v1/projects", R"({"name":"p","type":"incoming"})");
  make("/api/v1/projects/\x01/sources", R"({"name":"s","type":"http","verifier":{"type":"noop"}})");
  make("/api/v1/projects/\x01/endpoints", R"({"name":"e","url":"https://x.example/"})");
  make("/api/v1/projects/\x01/subscriptions",
       "{\"name\":\"b\",\"endpoint_id\":\"\x04\",\"source_id\":\"\x02\"}");
}

std::string RestClient::Fill(std::string_view text) const {
  std::string filled;
  for (const char c : text) {
    if (const auto id = ids_.find(c); id != ids_.end()) {
      filled += id->second;
    } else {
      filled.push_back(c);
    }
  }
  return filled;
}

HttpResponse RestClient::Send(std::string_view method, std::string_view target,
                              std::string_view body, std::vector<HeaderView> headers,
                              bool has_key) {
  const std::string filled_target = Fill(target), filled_body = Fill(body);
  const size_t question = std::min(filled_target.find('?'), filled_target.size());
  if (has_key) headers.push_back({"Authorization", authorization_});
  const std::string_view all = filled_target;
  const HttpRequest request = {.method = method,
                               .path = all.substr(0, question),
                               .query = all.substr(std::min(question + 1, all.size())),
                               .headers = headers,
                               .body = filled_body,
                               .remote_ip = "203.0.113.7"};
  const HeadDecision head = api_.InspectHead(request);
  std::optional<http::Reply> reply = api_.Handle(request);
  if (!reply.has_value()) return {.status = 404};
  HttpResponse response = Finish(*std::move(reply));
  if (head.refusal.has_value()) {
    Require(head.refusal->status >= 400, "a head is refused with an error");
    Require(response.status != 201 || base::CountHeader(headers, "Content-Length") > 0,
            "what is refused by its head makes nothing");
  }
  clock_.Advance(absl::Seconds(1));
  Remember(request.path, response);
  return response;
}

HttpResponse RestClient::Finish(http::Reply reply) {
  for (int writes = 0; auto* write = std::get_if<http::PendingWrite>(&reply); ++writes) {
    Require(writes < 10, "a request ends after a few writes");
    WriteBatch* const batches[] = {&write->batch};
    CommitResult results[1];
    Require(storage_->Commit(batches, results).ok(), "the store takes what the API writes");
    const auto finish = std::move(write->finish);
    reply = finish(results[0]);
  }
  return std::get<HttpResponse>(std::move(reply));
}

void RestClient::Remember(std::string_view path, const HttpResponse& response) {
  if (response.status >= 300) return;
  for (const auto& [collection, character] : kCollections) {
    if (!path.ends_with(collection)) continue;
    for (const char* place : {"data.uid", "data.project.uid", "data.content.0.uid"}) {
      if (std::string id = TextAt(response.body, place); !id.empty()) ids_[character] = id;
    }
  }
  if (path.ends_with("/sources")) {
    if (std::string mask = TextAt(response.body, "data.mask_id"); !mask.empty())
      ids_['\x03'] = mask;
  }
}

}  // namespace convoy::fuzz
