#include "lib/http/envelope.h"

#include "lib/json/writer.h"

namespace convoy::http {
namespace {

HttpResponse Respond(int status, std::string body) {
  return {
      .status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
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
  writer.BeginObject().Field("status", false).Field("message", message).EndObject();
  return Respond(status, writer.TakeText());
}

HttpResponse FromStatus(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
      return Failure(400, status.message());
    case absl::StatusCode::kUnauthenticated:
      return Failure(401, status.message());
    case absl::StatusCode::kPermissionDenied:
      return Failure(403, status.message());
    case absl::StatusCode::kNotFound:
      return Failure(404, status.message());
    case absl::StatusCode::kAborted:
      return Failure(409, "the configuration is being changed by others, try again");
    case absl::StatusCode::kOutOfRange:
      return Failure(413, status.message());
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return Failure(503, "the store cannot take this now, try again later");
    default:
      return Failure(500, "internal error");
  }
}

}  // namespace convoy::http
