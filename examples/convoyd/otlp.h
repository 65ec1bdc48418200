// The exporter of spans as the settings want it.
#pragma once

#include <chrono>
#include <memory>

#include "absl/status/statusor.h"

#include "convoy/span.h"
#include "examples/convoyd/log.h"
#include "examples/convoyd/settings.h"

namespace convoyd {

// Null without --otlp-endpoint. Errors name the setting or the file; kUnimplemented if this convoyd
// was built without the exporter.
absl::StatusOr<std::shared_ptr<convoy::SpanSink>> NewSpanExporter(const Settings& settings,
                                                                  std::shared_ptr<LogObserver> log);

// Sends what waits, for `patience` at most, and says in the log if spans were dropped. `spans` is
// of NewSpanExporter.
void CloseSpanExporter(convoy::SpanSink* spans, std::chrono::milliseconds patience,
                       LogObserver& log);

}  // namespace convoyd
