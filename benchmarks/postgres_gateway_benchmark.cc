// Parts of a benchmark of gateways on PostgreSQL, which postgres.py puts together: a receiver, the
// configuration, and gateways as processes of their own that post events to themselves.
//
//   benchmark_postgres_gateway receive
//       prints its URL, and for each line of standard input how many requests have come
//   benchmark_postgres_gateway DSN prepare URL RETENTION
//       makes the store and a project; prints ingest links: first of a source whose events wait (a
//       paused endpoint), then of sources whose events go to an endpoint of the URL each
//   benchmark_postgres_gateway DSN run LINK,LINK… EVENTS NAME RETENTION
//       a gateway that keeps events for so many seconds (0: for ever; as at "prepare", which makes
//       the first partitions). Prints "ready", waits for a
//       line, posts the events, 256 of them under way, prints "done", and goes on delivering until
//       its input ends. NAME makes the idempotency keys its own.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <semaphore>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"

#include "benchmarks/common.h"
#include "benchmarks/embedded.h"
#include "benchmarks/receiver.h"
#include "convoy/postgres.h"

namespace benchmarks {
namespace {

constexpr int kEndpoints = 16;
constexpr int kInFlight = 256;

void Say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

std::unique_ptr<convoy::Storage> Open(const std::string& dsn) {
  auto storage = convoy::OpenPostgresStorage({.dsn = dsn});
  if (!storage.ok()) Die(storage.status().ToString());
  return *std::move(storage);
}

void Receive() {
  const Receiver receiver;
  Say(receiver.url());
  for (std::string line; std::getline(std::cin, line);) {
    Say(absl::StrCat(receiver.requests_count()));
  }
}

// A source with a subscription for each of the endpoints; returns its link.
std::string MakeLink(Embedded& embedded, const std::string& project,
                     const std::vector<std::string>& endpoints) {
  const std::string source =
      embedded.Call("POST", project + "/sources",
                    R"({"name":"s","type":"http","idempotency_keys":["request.header.X-Id"]})");
  for (const std::string& endpoint : endpoints) {
    embedded.Call("POST", project + "/subscriptions",
                  absl::StrCat(R"({"name":"s","endpoint_id":")", endpoint, R"(","source_id":")",
                               At(source, "/data/uid"), R"("})"));
  }
  return absl::StrCat("/ingest/", At(source, "/data/mask_id"));
}

convoy::GatewayOptions OptionsOf(int retention_s) {
  convoy::GatewayOptions options;
  options.allowed_networks = {"127.0.0.0/8"};
  if (retention_s > 0) options.retention = absl::Seconds(retention_s);
  return options;
}

void Prepare(const std::string& dsn, const std::string& url, int retention_s) {
  Embedded embedded(Open(dsn), /*is_first=*/true, OptionsOf(retention_s));
  const std::string project = embedded.MakeProject("incoming");
  const std::string paused = embedded.MakeEndpoint(project, "http://127.0.0.1:9/");
  embedded.Call("PUT", absl::StrCat(project, "/endpoints/", paused, "/pause"), "");
  std::string links = MakeLink(embedded, project, {paused});
  for (int number = 0; number < kEndpoints; ++number) {
    const std::string endpoint = embedded.MakeEndpoint(project, absl::StrCat(url, "/e", number));
    absl::StrAppend(&links, " ", MakeLink(embedded, project, {endpoint}));
  }
  Say(links);
}

// Posts to the links in turn.
void PostAll(Embedded& embedded, const std::vector<std::string>& links, int count,
             std::string_view name) {
  const std::string body = BodyOf1KiB();
  std::counting_semaphore<> room(kInFlight);
  std::atomic<int> failures_count = 0;
  std::string failure;  // the first
  for (int number = 0; number < count; ++number) {
    room.acquire();
    const std::string id = absl::StrCat(name, "-", number);
    const convoy::HeaderView headers[] = {{"Content-Type", "application/json"}, {"X-Id", id}};
    embedded.gateway().HandleAsync(
        {.method = "POST", .path = links[number % links.size()], .headers = headers, .body = body},
        [&](const convoy::HttpResponse& response) {
          if (response.status != 200 && failures_count++ == 0) {
            failure = absl::StrCat(response.status, " ", response.body);
          }
          room.release();
        });
  }
  for (int answer = 0; answer < kInFlight; ++answer) room.acquire();
  if (failures_count > 0) {
    Die(absl::StrCat(failures_count.load(), " events were refused, the first with ", failure));
  }
}

void Run(const std::string& dsn, std::string_view links, int count, std::string_view name,
         int retention_s) {
  Embedded embedded(Open(dsn), /*is_first=*/false, OptionsOf(retention_s));
  Say("ready");
  std::string line;
  if (!std::getline(std::cin, line)) Die("nothing to wait for");
  PostAll(embedded, absl::StrSplit(links, ','), count, name);
  Say("done");
  std::getline(std::cin, line);
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  const std::string_view verb = argc == 2 ? argv[1] : argc > 2 ? argv[2] : "";
  if (verb == "receive") {
    benchmarks::Receive();
  } else if (verb == "prepare" && argc == 5) {
    benchmarks::Prepare(argv[1], argv[3], std::atoi(argv[4]));
  } else if (verb == "run" && argc == 7) {
    benchmarks::Run(argv[1], argv[3], std::atoi(argv[4]), argv[5], std::atoi(argv[6]));
  } else {
    benchmarks::Die("usage: see postgres_gateway_benchmark.cc");
  }
}
