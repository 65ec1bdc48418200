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

  // Length of the queue, in spans and in bytes. Spans that find it full are dropped and counted.
  uint32_t spans_max = 8192;
  uint64_t bytes_max = 16 * 1024 * 1024;
  // The most spans in a request. Fewer are sent once the oldest has waited for batch_delay.
  uint32_t batch_spans_max = 512;
  absl::Duration batch_delay = absl::Seconds(1);

  absl::Duration timeout = absl::Seconds(10);  // of a request
  // A batch that the collector cannot take now, or that does not reach it, is sent again: first
  // after `retry_delay`, then after twice the wait before, up to 30 s or the wait that the
  // collector asks for. After `retry_for` it is dropped.
  absl::Duration retry_delay = absl::Seconds(1);
  absl::Duration retry_for = absl::Minutes(5);
};

// Null members get the default: libcurl, the system's clock and randomness, silence.
struct OtlpParts {
  std::unique_ptr<Transport> transport;
  std::shared_ptr<Clock> clock;
  std::shared_ptr<Random> random;
  std::shared_ptr<Observer> observer;  // gets a log line when exporting fails, and when it recovers
};

// Has one thread, which sends; Take only adds to the queue.
class OtlpExporter : public SpanSink {
 public:
  // Sends the waiting spans, for at most `patience`, and stops; from then on every span is dropped.
  // May be repeated, from one thread at a time. kDeadlineExceeded: spans were dropped. The
  // destructor closes with no patience.
  virtual absl::Status Close(absl::Duration patience) = 0;
};

// kInvalidArgument names the option.
absl::StatusOr<std::unique_ptr<OtlpExporter>> NewOtlpExporter(OtlpOptions options,
                                                              OtlpParts parts = {});

}  // namespace convoy
