// Deliveries per second with results recorded, against a bare libcurl-multi loop that posts
// requests with the same headers and bodies to the same receiver: once recording nothing, once
// recording the outcomes in a lean store in groups of 64; and deliveries per second to local
// endpoints. Prints one line of JSON. The argument is the folder for the databases.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "benchmarks/bare_curl.h"
#include "benchmarks/common.h"
#include "benchmarks/embedded.h"
#include "benchmarks/lean_store.h"
#include "benchmarks/receiver.h"

namespace benchmarks {
namespace {

constexpr int kEndpoints = 16;
constexpr int kEvents = 20'000;
constexpr int kGroup = 64;

using Seconds = std::chrono::duration<double>;

std::vector<std::string> MakePausedEndpoints(Embedded& embedded, const std::string& project,
                                             const std::string& url) {
  std::vector<std::string> endpoints;
  for (int number = 0; number < kEndpoints; ++number) {
    endpoints.push_back(embedded.MakeEndpoint(project, absl::StrCat(url, number)));
    embedded.Call("PUT", absl::StrCat(project, "/endpoints/", endpoints.back(), "/pause"), "");
    embedded.Call("POST", project + "/subscriptions",
                  absl::StrCat(R"({"name":"s","endpoint_id":")", endpoints.back(), R"("})"));
  }
  return endpoints;
}

void PostEvents(Embedded& embedded, const std::string& project,
                const std::vector<std::string>& endpoints) {
  const std::string data = BodyOf1KiB();
  std::vector<std::thread> threads;
  constexpr int kThreads = 32;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int number = thread; number < kEvents; number += kThreads) {
        embedded.Call("POST", project + "/events",
                      absl::StrCat(R"({"endpoint_id":")", endpoints[number % kEndpoints],
                                   R"(","event_type":"t","data":)", data, "}"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A page looks at a bounded number of rows: an empty one says nothing about those behind it.
bool HasUnfinished(Embedded& embedded, const std::string& project) {
  std::string cursor;
  while (true) {
    const std::string answer = embedded.Call(
        "GET",
        absl::StrCat(project, "/eventdeliveries?perPage=1&status=Scheduled&status=Processing",
                     "&status=Retry&next_page_cursor=", cursor),
        "");
    if (!absl::StrContains(answer, "\"content\":[]")) return true;
    if (!absl::StrContains(answer, "\"has_next_page\":true")) return false;
    cursor = At(answer, "/data/pagination/next_page_cursor");
  }
}

// A host of local endpoints: takes what comes to one name and is done with it at once.
class LocalReceiver {
 public:
  LocalReceiver(convoy::Gateway& gateway, const std::string& name)
      : gateway_(gateway), thread_([this, name] {
          constexpr size_t kBatch = 64;
          while (true) {
            const auto taken = gateway_.TakeLocal(name, kBatch, absl::Seconds(1));
            if (!taken.ok() || is_over_) return;
            for (const convoy::LocalDelivery& delivery : *taken) {
              if (!gateway_.FinishLocal(delivery.ticket, {}).ok()) Die("it was too late");
              ++count_;
            }
          }
        }) {}
  ~LocalReceiver() {
    is_over_ = true;
    thread_.join();
  }
  int count() const { return count_; }

 private:
  convoy::Gateway& gateway_;
  std::atomic<int> count_ = 0;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

// From the moment the endpoints, which have numbers behind `url`, are activated until every result
// is in the store.
double DeliverAll(const std::string& folder, const std::string& url,
                  const std::function<int()>& received_count) {
  convoy::GatewayOptions options;
  options.allowed_networks = {"127.0.0.0/8"};
  options.local_names = {"*"};
  options.in_flight_max = BareCurl::kInFlight;
  Embedded embedded(folder + "/delivery.db", options);
  const std::string project = embedded.MakeProject("outgoing");
  const auto endpoints = MakePausedEndpoints(embedded, project, url);
  PostEvents(embedded, project, endpoints);
  if (received_count && received_count() != 0) Die("a paused endpoint was delivered to");

  const auto start = std::chrono::steady_clock::now();
  for (const std::string& endpoint : endpoints) {
    embedded.Call("PUT", absl::StrCat(project, "/endpoints/", endpoint, "/pause"), "");
  }
  std::list<LocalReceiver> locals;  // one for each endpoint, where they are local
  for (int number = 0; !received_count && number < kEndpoints; ++number) {
    locals.emplace_back(embedded.gateway(), absl::StrCat("e", number));
  }
  const auto count = [&] {
    int sum = received_count ? received_count() : 0;
    for (const LocalReceiver& local : locals) sum += local.count();
    return sum;
  };
  const auto deadline = start + std::chrono::minutes(2);
  while (count() < kEvents || HasUnfinished(embedded, project)) {
    if (std::chrono::steady_clock::now() > deadline) Die("the deliveries do not end");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

// `lean` records the outcomes, if it is not null.
double PostAllWithBareCurl(const Receiver& receiver, LeanStore* lean) {
  BareCurl curl(receiver.url() + "/e");
  const auto start = std::chrono::steady_clock::now();
  curl.PostAll(
      kEvents, [] { return kEvents; },
      [&](int finished) {
        if (lean == nullptr || (finished % kGroup != 0 && finished != kEvents)) return;
        const int first = (finished - 1) / kGroup * kGroup;
        lean->RecordOutcomes(first, finished - first);
      });
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

void Run(const std::string& folder) {
  double ours = 0, bare = 0, recording = 0;
  const double local = DeliverAll(folder, "local:e", nullptr);
  {
    Receiver receiver;
    ours = DeliverAll(folder, receiver.url() + "/e", [&] { return receiver.requests_count(); });
  }
  {
    Receiver receiver;
    bare = PostAllWithBareCurl(receiver, nullptr);
  }
  {
    Receiver receiver;
    LeanStore lean(folder + "/lean.db");
    lean.InsertEvents(kEvents, kGroup);
    recording = PostAllWithBareCurl(receiver, &lean);
  }
  // Closed, so the log is in the file.
  const auto file_bytes = std::filesystem::file_size(folder + "/delivery.db");
  std::printf(
      "{\"delivery_per_s\":%.0f,\"local_per_s\":%.0f,\"bare_curl_per_s\":%.0f,"
      "\"recording_curl_per_s\":%.0f,\"file_bytes_per_event\":%.0f}\n",
      kEvents / ours, kEvents / local, kEvents / bare, kEvents / recording,
      static_cast<double>(file_bytes) / kEvents);
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  if (argc != 2) benchmarks::Die("usage: benchmark_delivery FOLDER");
  benchmarks::Run(argv[1]);
}
