// Meaning of a collector's answer for the spans of a request.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

#include "convoy/transport.h"

namespace convoy::otlp {

struct ExportAnswer {
  enum class Kind : uint8_t {
    kTaken,     // all but `rejected_count` spans, which are not to be sent again
    kTryAgain,  // the same request may succeed later, not before `wait_min` has passed
    kRefused,   // it never will
  };
  Kind kind = Kind::kTryAgain;
  uint64_t rejected_count = 0;
  absl::Duration wait_min = absl::ZeroDuration();
  std::string error;  // one line without secrets; empty if all is well
};

// By OTLP/HTTP: 429, 502, 503 and 504 may be tried again, and what brought no answer; every other
// status that is not 2xx is final.
ExportAnswer ReadAnswer(const TransportResult& result, absl::Time now);

}  // namespace convoy::otlp
