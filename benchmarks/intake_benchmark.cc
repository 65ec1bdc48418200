// Durable intake in process: events of 1 KiB with an idempotency key and one delivery each, posted
// by an event loop (no thread for a caller) and by threads that wait. Against it, SQLite alone with
// the lean schema of lean_store.h, 64 events in a transaction. By default 128 requests are under
// way: 64 of them wait for the disk while the others are written.
// Prints one line of JSON. The arguments are the folder for the databases, and the requests.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"

#include "benchmarks/common.h"
#include "benchmarks/embedded.h"
#include "benchmarks/file_traffic.h"
#include "benchmarks/lean_store.h"

namespace benchmarks {
namespace {

constexpr int kCallers = 128;
constexpr int kGroup = 64;  // of the lean store
constexpr int kEvents = 40'000;
constexpr int kWarmUp = 64;

using IngestFunction = decltype(IngestMany);

struct Measured {
  double per_s = 0;
  double syncs_per_event = 0;
  double bytes_per_event = 0;

  Measured(double seconds, const FileTraffic& before, const FileTraffic& after)
      : per_s(kEvents / seconds),
        syncs_per_event(static_cast<double>(after.syncs_count - before.syncs_count) / kEvents),
        bytes_per_event(static_cast<double>(after.bytes_written - before.bytes_written) / kEvents) {
  }
};

Measured MeasureGateway(const std::string& path, IngestFunction* ingest, int callers) {
  Embedded embedded(path, {});
  const std::string project = embedded.MakeProject("incoming");
  // A paused endpoint: its deliveries are written and wait, so only intake is measured.
  const std::string endpoint = embedded.MakeEndpoint(project, "http://127.0.0.1:9/");
  embedded.Call("PUT", absl::StrCat(project, "/endpoints/", endpoint, "/pause"), "");
  const std::string source =
      embedded.Call("POST", project + "/sources",
                    R"({"name":"s","type":"http","idempotency_keys":["request.header.X-Id"]})");
  embedded.Call("POST", project + "/subscriptions",
                absl::StrCat(R"({"name":"s","endpoint_id":")", endpoint, R"(","source_id":")",
                             At(source, "/data/uid"), R"("})"));
  const std::string link = absl::StrCat("/ingest/", At(source, "/data/mask_id"));
  // Not counted: the first events load the configuration.
  for (int number = 0; number < kWarmUp; ++number) {
    if (embedded.Send({.method = "POST", .path = link, .query = "warm-up"}) == 0) Die("no link");
  }
  const FileTraffic before = CurrentFileTraffic();
  const double seconds = ingest(embedded, link, BodyOf1KiB(), callers, kEvents);
  return Measured(seconds, before, CurrentFileTraffic());
}

Measured MeasureLeanStore(const std::string& path) {
  const FileTraffic before = CurrentFileTraffic();
  const double seconds = LeanStore(path).InsertEvents(kEvents, kGroup);
  return Measured(seconds, before, CurrentFileTraffic());
}

void Run(const std::string& folder, int callers) {
  const Measured ours = MeasureGateway(folder + "/intake.db", IngestManyAsync, callers);
  const Measured blocking = MeasureGateway(folder + "/blocking.db", IngestMany, callers);
  const Measured lean = MeasureLeanStore(folder + "/lean.db");
  std::printf(
      "{\"intake_per_s\":%.0f,\"blocking_per_s\":%.0f,\"bare_per_s\":%.0f,"
      "\"syncs_per_event\":%.4f,\"bytes_per_event\":%.0f,"
      "\"bare_syncs_per_event\":%.4f,\"bare_bytes_per_event\":%.0f}\n",
      ours.per_s, blocking.per_s, lean.per_s, ours.syncs_per_event, ours.bytes_per_event,
      lean.syncs_per_event, lean.bytes_per_event);
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  const int callers = argc == 3 ? std::atoi(argv[2]) : benchmarks::kCallers;
  if (argc < 2 || argc > 3 || callers < 1) {
    benchmarks::Die("usage: benchmark_intake FOLDER [CALLERS]");
  }
  benchmarks::Run(argv[1], callers);
}
