// Spans in the JSON encoding of OTLP (opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "convoy/span.h"

namespace convoy::otlp {

// An element of "spans".
std::string EncodeSpan(const Span& span);

// The body of a request with spans that EncodeSpan gave.
std::string EncodeRequest(std::string_view service_name, std::span<const std::string> spans);

}  // namespace convoy::otlp
