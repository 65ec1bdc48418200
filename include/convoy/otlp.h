// Exporter of spans over OTLP/HTTP, to a collector of OpenTelemetry or anything else that speaks it
// (opentelemetry.io/docs/specs/otlp). A component of its own (find_package(Convoy COMPONENTS otlp),
// convoy::otlp):
//
//   std::shared_ptr<OtlpExporter> spans =
//       NewOtlpExporter({.endpoint = "http://127.0.0.1:4318"}).value();
//   auto gateway = Gateway::Open(options, {.storage = …, .spans = spans}).value();
//   …
//   gateway->Close(patience);
//   spans->Close(patience);   // sends what is left
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/http.h"
#include "convoy/observer.h"
#include "convoy/span.h"
#include "convoy/transport.h"

namespace convoy {

struct OtlpOptions {
  // "http://" or "https://". Without a path, "/v1/traces" is added; a path is used as it is. Any
  // address may be named, local ones included.
  std::string endpoint;
  Headers headers;  // of each request, such as Authorization
  // PEM file of the authorities that the collector is trusted by; empty: the system's.
  std::string ca_file;
  std::string service_name = "convoy";  // "service.name" of the resource

  // Spans that wait, and their bytes; while so many do, further ones are dropped and counted.
  uint32_t spans_max = 8192;
  uint64_t bytes_max = 16 * 1024 * 1024;
  // A request has so many spans at most; fewer are sent once the oldest has waited for so long.
  uint32_t batch_spans_max = 512;
  absl::Duration batch_delay = absl::Seconds(1);

  absl::Duration timeout = absl::Seconds(10);  // of a request
  // A batch that the collector cannot take now, or that does not reach it, is sent again, at first
  // after `retry_delay`, then after twice as long each time, up to 30 s or what the collector asks
  // for, and dropped after `retry_for`.
  absl::Duration retry_delay = absl::Seconds(1);
  absl::Duration retry_for = absl::Minutes(5);
};

// Null members get the default: libcurl, the system's clock and randomness, silence.
struct OtlpParts {
  std::unique_ptr<Transport> transport;
  std::shared_ptr<Clock> clock;
  std::shared_ptr<Random> random;
  std::shared_ptr<Observer> observer;  // is told when exporting begins to fail, and when it works
};

// Has one thread, which sends; Take only puts into its queue.
class OtlpExporter : public SpanSink {
 public:
  // Sends what waits, for `patience` at most, and stops; from then on every span is dropped.
  // Repeatable, from one thread at a time. kDeadlineExceeded: spans were dropped. The destructor
  // closes without patience.
  virtual absl::Status Close(absl::Duration patience) = 0;
};

// kInvalidArgument names the option.
absl::StatusOr<std::unique_ptr<OtlpExporter>> NewOtlpExporter(OtlpOptions options,
                                                              OtlpParts parts = {});

}  // namespace convoy
