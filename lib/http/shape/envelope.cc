// Response envelopes of the REST API; see envelope.h.
#include "lib/http/shape/envelope.h"

#include "lib/base/text.h"
#include "lib/intake/job_room.h"
#include "lib/json/writer.h"

namespace convoy::http {
namespace {

HttpResponse Respond(int status, std::string body) {
  return {
      .status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

// Errors name what they complain of, and that may be as long as a request.
constexpr size_t kMessageBytesMax = 4096 + 64;

std::string_view Shorten(std::string_view message) {
  if (message.size() <= kMessageBytesMax) return message;
  message = message.substr(0, kMessageBytesMax);
  // Not within a character.
  while (!message.empty() && !base::IsValidUtf8(message)) message.remove_suffix(1);
  return message;
}

HttpResponse FailureWith(Header header, HttpResponse response) {
  response.headers.push_back(std::move(header));
  return response;
}

}  // namespace

HttpResponse Success(int status, std::string_view message, std::string_view data_json) {
  json::Writer writer;
  writer.BeginObject().Field("status", true).Field("message", message);
  writer.Key("data").Raw(data_json.empty() ? "null" : data_json).EndObject();
  return Respond(status, writer.TakeText());
}

HttpResponse Failure(int status, std::string_view message) {
  json::Writer writer;
  writer.BeginObject().Field("status", false).Field("message", Shorten(message)).EndObject();
  return Respond(status, writer.TakeText());
}

HttpResponse FailureWithData(int status, std::string_view message, std::string_view data_json) {
  json::Writer writer;
  writer.BeginObject().Field("status", false).Field("message", Shorten(message));
  writer.Key("data").Raw(data_json).EndObject();
  return Respond(status, writer.TakeText());
}

HttpResponse MethodNotAllowed(std::string_view allow, std::string_view message) {
  return FailureWith({"Allow", std::string(allow)}, Failure(405, message));
}

HttpResponse TryLater(std::string_view message) {
  return FailureWith({"Retry-After", "1"}, Failure(503, message));
}

HttpResponse FromStatus(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
      return Failure(400, status.message());
    case absl::StatusCode::kUnauthenticated:
      return FailureWith({"WWW-Authenticate", "Bearer"}, Failure(401, status.message()));
    case absl::StatusCode::kPermissionDenied:
      return Failure(403, status.message());
    case absl::StatusCode::kNotFound:
      return Failure(404, status.message());
    case absl::StatusCode::kAborted:
      return Failure(409, "the configuration is being changed by others, try again");
    case absl::StatusCode::kOutOfRange:
      return Failure(413, status.message());
    case absl::StatusCode::kDeadlineExceeded:
      return TryLater("this takes too long, ask for less or try again later");
    case absl::StatusCode::kResourceExhausted:
      if (intake::IsTooManyJobs(status)) {
        return FailureWith({"Retry-After", "5"}, Failure(429, status.message()));
      }
      [[fallthrough]];
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return TryLater("the store cannot take this now, try again later");
    default:
      return Failure(500, "internal error");
  }
}

}  // namespace convoy::http
