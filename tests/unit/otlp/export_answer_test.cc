#include "lib/otlp/export_answer.h"

#include <catch2/catch.hpp>

namespace convoy::otlp {
namespace {

using Kind = ExportAnswer::Kind;

ExportAnswer OfStatus(int status, std::string body = "", Headers headers = {}) {
  return ReadAnswer({.outcome = TransportOutcome::kResponse,
                     .http_status = status,
                     .headers = std::move(headers),
                     .body = std::move(body)},
                    absl::FromUnixSeconds(1777629600));
}

TEST_CASE("export_answer: only what the protocol names is tried again") {
  for (const int status : {429, 502, 503, 504}) CHECK(OfStatus(status).kind == Kind::kTryAgain);
  for (const int status : {301, 400, 401, 403, 404, 413, 500, 501}) {
    INFO(status);
    CHECK(OfStatus(status).kind == Kind::kRefused);
    CHECK_FALSE(OfStatus(status).error.empty());
  }
}

TEST_CASE("export_answer: a collector says how long to wait") {
  CHECK(OfStatus(503, "", {{"Retry-After", "7"}}).wait_min == absl::Seconds(7));
  CHECK(OfStatus(429, "", {{"retry-after", "Fri, 01 May 2026 10:00:09 GMT"}}).wait_min ==
        absl::Seconds(9));
  CHECK(OfStatus(503).wait_min == absl::ZeroDuration());
}

TEST_CASE("export_answer: rejected spans are told, and not sent again") {
  ExportAnswer answer =
      OfStatus(200, R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}})");
  CHECK(answer.kind == Kind::kTaken);
  CHECK(answer.rejected_count == 3);
  CHECK(answer.error.find("too old") != std::string::npos);
  CHECK(OfStatus(200, R"({"partialSuccess":{"rejectedSpans":2}})").rejected_count == 2);
  for (const char* body : {"", "{}", R"({"partialSuccess":{}})", "<html>",
                           R"({"partialSuccess":{"rejectedSpans":"-1"}})",
                           R"({"partialSuccess":{"rejectedSpans":"0","errorMessage":"hint"}})"}) {
    INFO(body);
    answer = OfStatus(200, body);
    CHECK(answer.kind == Kind::kTaken);
    CHECK(answer.rejected_count == 0);
    CHECK(answer.error.empty());
  }
}

TEST_CASE("export_answer: without an answer the spans may arrive later, unless the URL is no use") {
  const auto of_outcome = [](TransportOutcome outcome) {
    return ReadAnswer({.outcome = outcome, .error = "why"}, absl::UnixEpoch());
  };
  CHECK(of_outcome(TransportOutcome::kConnectFailed).kind == Kind::kTryAgain);
  CHECK(of_outcome(TransportOutcome::kTimedOut).kind == Kind::kTryAgain);
  CHECK(of_outcome(TransportOutcome::kTlsFailed).kind == Kind::kTryAgain);
  CHECK(of_outcome(TransportOutcome::kInvalidUrl).kind == Kind::kRefused);
  CHECK(of_outcome(TransportOutcome::kConnectFailed).error == "why");
}

}  // namespace
}  // namespace convoy::otlp
