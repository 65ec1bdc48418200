// A host that hands its spans to the exporter of the installed component, for a collector that is
// not there.
#include <convoy/gateway.h>
#include <convoy/otlp.h>

#include <cstdio>
#include <memory>
#include <utility>

int main() {
  auto exporter = convoy::NewOtlpExporter({.endpoint = "http://127.0.0.1:9"});
  if (!exporter.ok()) return 1;
  const std::shared_ptr<convoy::OtlpExporter> spans = *std::move(exporter);
  convoy::GatewayParts parts;
  parts.storage = convoy::NewMemoryStorage();
  parts.spans = spans;
  auto gateway = convoy::Gateway::Open({}, std::move(parts));
  if (!gateway.ok()) return 2;
  spans->Take({.name = "host",
               .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
               .span_id = "00f067aa0ba902b7"});
  if (spans->Close(absl::Seconds(5)).ok()) return 3;
  if (spans->counts().dropped_given_up != 1) return 4;
  std::puts("verified");
  return 0;
}
