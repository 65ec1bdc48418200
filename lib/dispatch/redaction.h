// Redaction of requests before they are stored: attempts are shown to every reader of the project.
#pragma once

#include "convoy/http.h"
#include "convoy/model.h"

namespace convoy::dispatch {

// The headers of a request as its attempt records them. The values of those that authenticate to
// the endpoint (by its configuration, or by their well-known names) are replaced; the names stay,
// so that one sees that they were sent.
Headers RedactHeaders(const Headers& headers, const EndpointAuth& auth);

}  // namespace convoy::dispatch
