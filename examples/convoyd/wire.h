// The text of HTTP/1.1 as convoyd reads and writes it: request targets in, response heads out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "convoy/http.h"

namespace convoyd {

struct Target {
  std::string_view path;   // "/ingest/abc"
  std::string_view query;  // without '?'
};

// Splits a request target in origin form ("/a?b") or absolute form ("http://host/a?b"). nullopt for
// anything else.
std::optional<Target> SplitTarget(std::string_view target);

// The status line and the headers up to the empty line. `Content-Length` is the size of the body,
// `Connection` follows `is_kept`; what the response says of the two is ignored, and so are headers
// that could not stand on one line.
std::string ResponseHead(const convoy::HttpResponse& response, bool is_kept);

// Whether a response to `method` with `status` has a body on the wire.
bool HasBody(std::string_view method, int status);

// A plain-text response of the server itself.
convoy::HttpResponse TextResponse(int status, std::string_view text);

}  // namespace convoyd
