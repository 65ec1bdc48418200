// GET /metrics: counters of the gateway since it was opened, and the status of its consumers, for
// Prometheus. Numbers of this process, from memory; of the store only the list of sources is asked.
#pragma once

#include <string_view>

#include "absl/status/status.h"

#include "convoy/http.h"
#include "convoy/options.h"
#include "lib/http/request/api_parts.h"

namespace convoy::http {

// Whether the path is ours: with metrics off it stays the host's.
bool IsMetricsPath(const GatewayOptions& options, std::string_view path);

// kUnauthenticated unless the request may read them.
absl::Status AuthorizeMetrics(const GatewayOptions& options, const HttpRequest& head);

HttpResponse Metrics(const GatewayOptions& options, const ApiParts& parts,
                     const HttpRequest& request);

// The same for a request that may read them.
HttpResponse MetricsResponse(const ApiParts& parts, const HttpRequest& request);

}  // namespace convoy::http
