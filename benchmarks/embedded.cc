// Drives the gateway as a client would: requests in, JSON out.
#include "benchmarks/embedded.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <semaphore>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "rapidjson/document.h"
#include "rapidjson/pointer.h"

#include "benchmarks/common.h"

namespace benchmarks {

std::string At(std::string_view json, std::string_view pointer) {
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  if (document.HasParseError()) Die(absl::StrCat("not JSON: ", json));
  const rapidjson::Value* const value =
      rapidjson::Pointer(pointer.data(), pointer.size()).Get(document);
  if (value == nullptr || !value->IsString()) Die(absl::StrCat("no ", pointer, " in ", json));
  return {value->GetString(), value->GetStringLength()};
}

namespace {

std::unique_ptr<convoy::Storage> OpenFresh(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-openers"}) {
    std::filesystem::remove(path + suffix);
  }
  auto storage = convoy::OpenSqliteStorage(path);
  if (!storage.ok()) Die(storage.status().ToString());
  return *std::move(storage);
}

}  // namespace

Embedded::Embedded(const std::string& path, convoy::GatewayOptions options,
                   convoy::GatewayParts parts)
    : Embedded(OpenFresh(path), /*is_first=*/true, std::move(options), std::move(parts)) {}

Embedded::Embedded(std::unique_ptr<convoy::Storage> storage, bool is_first,
                   convoy::GatewayOptions options, convoy::GatewayParts parts) {
  parts.storage = std::move(storage);
  auto gateway = convoy::Gateway::Open(std::move(options), std::move(parts));
  if (!gateway.ok()) Die(gateway.status().ToString());
  gateway_ = *std::move(gateway);
  if (is_first) {
    const auto key = gateway_->Bootstrap();
    if (!key.ok()) Die(key.status().ToString());
    authorization_ = absl::StrCat("Bearer ", *key);
  }
  if (const absl::Status status = gateway_->Start(); !status.ok()) Die(status.ToString());
}

Embedded::~Embedded() { gateway_->Close(absl::Seconds(10)).IgnoreError(); }

std::string Embedded::Call(std::string_view method, const std::string& path,
                           const std::string& body) {
  const convoy::HeaderView headers[] = {{"Authorization", authorization_},
                                        {"Content-Type", "application/json"}};
  const size_t mark = path.find('?');
  const std::string_view query = mark == path.npos ? "" : std::string_view(path).substr(mark + 1);
  const auto response = gateway_->Handle({.method = method,
                                          .path = std::string_view(path).substr(0, mark),
                                          .query = query,
                                          .headers = headers,
                                          .body = body});
  if (!response.has_value() || response->status >= 300) {
    Die(absl::StrCat(method, " ", path, " failed: ", response ? response->body : "no such path"));
  }
  return response->body;
}

int Embedded::Send(const convoy::HttpRequest& request) {
  const auto response = gateway_->Handle(request);
  return response.has_value() ? response->status : 0;
}

std::string Embedded::MakeProject(std::string_view type) {
  const std::string answer =
      Call("POST", "/api/v1/projects",
           absl::StrCat(R"({"name":"benchmark )", absl::ToUnixNanos(absl::Now()), R"(","type":")",
                        type, R"(","config":{"ratelimit":{"count":0,"duration":0}}})"));
  return absl::StrCat("/api/v1/projects/", At(answer, "/data/project/uid"));
}

std::string Embedded::MakeEndpoint(const std::string& project, const std::string& url) {
  return At(
      Call("POST", project + "/endpoints", absl::StrCat(R"({"name":"e","url":")", url, R"("})")),
      "/data/uid");
}

double IngestMany(Embedded& embedded, const std::string& link, const std::string& body, int callers,
                  int count) {
  std::atomic<int> next = 0;
  std::atomic<int> failures = 0;
  const auto call = [&] {
    for (int number = next++; number < count; number = next++) {
      const std::string id = absl::StrCat("id-", number);
      const convoy::HeaderView headers[] = {{"Content-Type", "application/json"}, {"X-Id", id}};
      if (embedded.Send({.method = "POST", .path = link, .headers = headers, .body = body}) !=
          200) {
        ++failures;
      }
    }
  };
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int index = 0; index < callers; ++index) threads.emplace_back(call);
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (failures > 0) Die(absl::StrCat(failures.load(), " events were refused"));
  return elapsed.count();
}

double IngestManyAsync(Embedded& embedded, const std::string& link, const std::string& body,
                       int in_flight, int count) {
  std::counting_semaphore<> room(in_flight);
  std::atomic<int> failures = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int number = 0; number < count; ++number) {
    room.acquire();
    const std::string id = absl::StrCat("id-", number);
    const convoy::HeaderView headers[] = {{"Content-Type", "application/json"}, {"X-Id", id}};
    embedded.gateway().HandleAsync(
        {.method = "POST", .path = link, .headers = headers, .body = body},
        [&room, &failures](const convoy::HttpResponse& response) {
          if (response.status != 200) ++failures;
          room.release();
        });
  }
  for (int answer = 0; answer < in_flight; ++answer) room.acquire();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (failures > 0) Die(absl::StrCat(failures.load(), " events were refused"));
  return elapsed.count();
}

}  // namespace benchmarks
