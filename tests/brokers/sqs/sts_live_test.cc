// Sessions for web identity tokens, with boto3 as the judge of how their XML reads.
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <catch2/catch.hpp>

#include "lib/base/text.h"
#include "lib/base/time_text.h"
#include "lib/broker/sqs/sts_protocol.h"
#include "lib/json/writer.h"
#include "tests/brokers/server_process.h"
#include "tests/support/sim_clock.h"

namespace convoy::testing {
namespace {

ServerProcess& Server() {
  static const std::unique_ptr<ServerProcess> server = ServerProcess::Start("sqs_identity").value();
  return *server;
}

std::string TextAnswer(std::string_view call, std::string_view arguments) {
  return (*Server().Call(call, absl::StrCat("\"arguments\":[", arguments, "]")))["answer"]
      .GetString();
}

std::optional<broker::AwsSession> ReadByUs(std::string body) {
  const auto session = broker::ReadAssumedRole(
      {.outcome = TransportOutcome::kResponse, .http_status = 200, .body = std::move(body)});
  return session.ok() ? std::optional(*session) : std::nullopt;
}

// Whether `read`, what boto3 has made of an answer, is the same session.
bool IsSame(const broker::AwsSession& ours, const json::Value& read) {
  return read.IsArray() && ours.keys.access_key_id == read[0].GetString() &&
         ours.keys.secret_key == read[1].GetString() &&
         ours.keys.session_token == read[2].GetString() &&
         ours.expires_at == base::ParseTime(read[3].GetString());
}

// An answer spelt otherwise, with the same or another meaning; mostly still well-formed.
std::string Respell(std::string body, SeededRandom& random) {
  constexpr std::string_view kPieces[] = {
      "&amp;", "&lt;",  "&#65;",   "&#x2B;",     "&#x1F600;", "&nbsp;", "&#0;",       "&",
      "<x/>",  " ",     "\n",      "<!-- c -->", "<x>",       "</x>",   "<x y='>'/>", "é",
      "\x01",  "<?p?>", "<Other>", "<!",         "]]>",       "\"",     ">",          "<"};
  for (uint64_t changes = random.Next() % 3 + 1; changes > 0; --changes) {
    const size_t at = random.Next() % body.size();
    switch (random.Next() % 4) {
      case 0:
        body.erase(at, random.Next() % 12 + 1);
        break;
      case 1:
        body.insert(at, body.substr(random.Next() % body.size(), random.Next() % 40));
        break;
      default:
        body.insert(at, kPieces[random.Next() % std::size(kPieces)]);
    }
  }
  return body;
}

TEST_CASE("sts: an answer of the server's reads as boto3 reads it") {
  const std::string arguments = absl::StrCat("\"", TextAnswer("new_role", "\"sqs:*\""), "\",\"",
                                             TextAnswer("new_token", ""), "\"");
  const auto answer =
      Server().Call("assumed_by_boto3", absl::StrCat("\"arguments\":[", arguments, "]"));
  REQUIRE(answer.ok());
  const std::string body = (*answer)["answer"]["body"].GetString();
  const auto session = ReadByUs(body);
  REQUIRE(session.has_value());
  CHECK(IsSame(*session, (*answer)["answer"]["read"]));

  // Whatever else is read as an answer means the same to boto3.
  SeededRandom random(20260501);
  std::vector<std::string> bodies;
  json::Writer asked;
  asked.BeginArray().BeginArray();
  for (int i = 0; i < 3000; ++i) {
    std::string respelt = Respell(body, random);
    if (!base::IsValidUtf8(respelt)) continue;  // cannot be said in JSON
    asked.String(respelt);
    bodies.push_back(std::move(respelt));
  }
  asked.EndArray().EndArray();
  const auto all = Server().Call("read_by_boto3", absl::StrCat("\"arguments\":", asked.TakeText()));
  REQUIRE(all.ok());
  const json::Value& read = (*all)["answer"];
  REQUIRE(read.Size() == bodies.size());
  size_t ours_count = 0, both_count = 0;
  for (size_t i = 0; i < bodies.size(); ++i) {
    const auto ours = ReadByUs(bodies[i]);
    const json::Value& theirs = read[static_cast<unsigned>(i)];
    if (!ours.has_value()) continue;
    ++ours_count;
    if (!theirs.IsArray()) continue;  // boto3 is stricter in what does not matter here
    ++both_count;
    INFO(bodies[i]);
    CHECK(IsSame(*ours, theirs));
  }
  INFO(ours_count << " and " << both_count << " of " << bodies.size());
  CHECK(both_count > bodies.size() / 10);
  CHECK(both_count > ours_count * 9 / 10);
}

}  // namespace
}  // namespace convoy::testing
