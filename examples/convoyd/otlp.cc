// Opening and closing of the exporter of spans; see otlp.h.
#include "examples/convoyd/otlp.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "convoy/otlp.h"
#include "examples/convoyd/files.h"

namespace convoyd {

#ifdef CONVOYD_OTLP
namespace {

// Lines of "Name: value"; empty ones and those that begin with # say nothing. Errors do not repeat
// a line, which may hold a secret.
absl::StatusOr<convoy::Headers> ReadHeaders(const std::string& path) {
  convoy::Headers headers;
  if (path.empty()) return headers;
  const auto text = ReadFile(path);
  if (!text.ok()) return text.status();
  int number = 0;
  for (const std::string_view raw : absl::StrSplit(*text, '\n')) {
    ++number;
    const std::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || line.front() == '#') continue;
    const size_t colon = line.find(':');
    if (colon == line.npos || colon == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": line ", number, " must be a header, \"Name: value\""));
    }
    headers.push_back({std::string(line.substr(0, colon)),
                       std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)))});
  }
  return headers;
}

}  // namespace
#endif

absl::StatusOr<std::shared_ptr<convoy::SpanSink>> NewSpanExporter(
    const Settings& settings, std::shared_ptr<LogObserver> log) {
  if (settings.otlp_endpoint.empty()) return nullptr;
#ifdef CONVOYD_OTLP
  auto headers = ReadHeaders(settings.otlp_headers_file);
  if (!headers.ok()) return headers.status();
  auto exporter = convoy::NewOtlpExporter({.endpoint = settings.otlp_endpoint,
                                           .headers = *std::move(headers),
                                           .ca_file = settings.otlp_ca_file},
                                          {.observer = std::move(log)});
  if (!exporter.ok()) {
    return absl::Status(exporter.status().code(),
                        absl::StrCat("otlp: ", exporter.status().message()));
  }
  return *std::move(exporter);
#else
  (void)log;
  return absl::UnimplementedError("this convoyd was built without the exporter (CONVOY_OTLP)");
#endif
}

void CloseSpanExporter(convoy::SpanSink* spans, std::chrono::milliseconds patience,
                       LogObserver& log) {
#ifdef CONVOYD_OTLP
  if (spans == nullptr) return;
  const absl::Status closed =
      static_cast<convoy::OtlpExporter*>(spans)->Close(absl::FromChrono(patience));
  if (closed.ok()) return;
  const convoy::LogField field{"error", closed.message()};
  log.Log(convoy::LogLevel::kWarning, "spans were dropped", {&field, 1});
#else
  (void)spans, (void)patience, (void)log;
#endif
}

}  // namespace convoyd
