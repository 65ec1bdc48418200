// A gateway in this process for benchmarks, set up through its own API.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "convoy/gateway.h"
#include "convoy/storage.h"

namespace benchmarks {

// The text at `pointer` ("/data/project/uid") of a JSON text; dies if there is none.
std::string At(std::string_view json, std::string_view pointer);

class Embedded {
 public:
  // Opens a fresh store at `path`; removes what is there. `parts` are the others.
  Embedded(const std::string& path, convoy::GatewayOptions options,
           convoy::GatewayParts parts = {});
  // In a store that is opened. `is_first`: it is empty; otherwise there is no key for Call.
  Embedded(std::unique_ptr<convoy::Storage> storage, bool is_first, convoy::GatewayOptions options,
           convoy::GatewayParts parts = {});
  ~Embedded();

  // A call of the API that must succeed; returns the body of the answer.
  std::string Call(std::string_view method, const std::string& path, const std::string& body);
  // One request as it is; returns the status.
  int Send(const convoy::HttpRequest& request);

  // Makes a project without rate limit and returns its path, "/api/v1/projects/…".
  std::string MakeProject(std::string_view type);
  // Makes an endpoint and returns its id.
  std::string MakeEndpoint(const std::string& project, const std::string& url);

  convoy::Gateway& gateway() { return *gateway_; }

 private:
  std::unique_ptr<convoy::Gateway> gateway_;
  std::string authorization_;
};

// Posts `count` events of `body` to an ingest link with `callers` threads, each of which waits for
// its answer; each event has an idempotency key of its own in the header X-Id. Returns the seconds
// it took.
double IngestMany(Embedded& embedded, const std::string& link, const std::string& body, int callers,
                  int count);

// The same without a thread for each caller, as a host with an event loop does it: one thread hands
// requests over and has `in_flight` of them unanswered at most.
double IngestManyAsync(Embedded& embedded, const std::string& link, const std::string& body,
                       int in_flight, int count);

}  // namespace benchmarks
