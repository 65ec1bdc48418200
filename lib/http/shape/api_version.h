// The form of the REST API that a request asks for by `X-Convoy-Version: YYYY-MM-DD`. Requests are
// understood in every form; what changes is the form of answers, and one default.
#pragma once

#include <span>

#include "absl/status/statusor.h"

#include "convoy/http.h"

namespace convoy::http {

struct ApiVersion {
  // Before 2024-01-01: http_timeout and rate_limit_duration of endpoints are texts ("10s"), and an
  // endpoint that does not say gets simple signatures.
  bool has_text_durations = false;
  // Before 2024-04-01: endpoints are shown with target_url and title beside url and name.
  bool has_old_names = false;
  // A request with the header, of any date: of the official clients only the one for Go sends it,
  // and it reads retry_config.duration of subscriptions as a text in each of its versions.
  bool has_text_retry = false;
};

// The newest version if the header is absent; kInvalidArgument if it is no date.
absl::StatusOr<ApiVersion> ApiVersionOf(std::span<const HeaderView> headers);

}  // namespace convoy::http
