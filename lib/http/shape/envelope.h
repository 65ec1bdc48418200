// Envelope of every response: {"status": bool, "message": text, "data": value}.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "convoy/http.h"

namespace convoy::http {

// `data_json` is a JSON value; empty means null.
HttpResponse Success(int status, std::string_view message, std::string_view data_json = "");
HttpResponse Failure(int status, std::string_view message);
// A refusal that has more to say.
HttpResponse FailureWithData(int status, std::string_view message, std::string_view data_json);

// 405; `allow` lists the methods that are served ("GET, PUT").
HttpResponse MethodNotAllowed(std::string_view allow,
                              std::string_view message = "method not allowed");

// 503 with Retry-After.
HttpResponse TryLater(std::string_view message);

// A refusal in the form that clients know. Internal details are not shown.
HttpResponse FromStatus(const absl::Status& status);

}  // namespace convoy::http
