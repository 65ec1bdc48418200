// Scenario through the C++ interface: scenario SCENARIO FOLDER (scenario.py says more)
// Asynchronous calls are finished on this thread, by Gateway::Poll.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "scenario_settings.h"
#include "scenario_step.h"

#include "convoy/gateway.h"
#include "convoy/verifier.h"

namespace scenario {
namespace {

constexpr absl::Duration kFailed = absl::Seconds(30);  // for so long a step waits

// Refusals of the C interface that this one does not have, by a setting of the step.
constexpr std::pair<std::string_view, std::string_view> kSkippedRefusals[] = {
    {"outbox.shop", "Gateway::Open takes any broker with any storage: the host chooses both"},
};

// A source of a message broker whose adapter is no part of the gateways here.
constexpr std::string_view kSourceWithoutAdapter =
    R"({"name":"s","type":"pub_sub",)"
    R"("pub_sub":{"type":"kafka","kafka":{"brokers":["a:1"],"topic_name":"t"}}})";

// ---- Verification ----

std::shared_ptr<const convoy::Verifier> NewVerifier(const Json& step) {
  std::vector<std::string> secrets;
  for (const Json& secret : At(step, "secrets").GetArray()) secrets.emplace_back(View(secret));
  return ValueOf(convoy::CompilePreset(Text(step, "preset"), std::move(secrets)));
}

// ---- Deliveries ----

// A delivery in the hands of a handler. If the handler ends without finishing it, as by an
// exception, it is tried again, and need not wait for its deadline.
class Taken {
 public:
  Taken(convoy::Gateway& gateway, convoy::LocalDelivery delivery)
      : gateway_(gateway), delivery_(std::move(delivery)) {}
  Taken(const Taken&) = delete;
  ~Taken() {
    if (!is_finished_) Finish(convoy::LocalOutcome::Kind::kRetry, "the handler let go of it");
  }

  const convoy::LocalDelivery* operator->() const { return &delivery_; }

  void Finish(convoy::LocalOutcome::Kind kind, std::string_view detail) {
    is_finished_ = true;
    Expect(gateway_.FinishLocal(delivery_.ticket, {.kind = kind, .detail = std::string(detail)}));
  }

 private:
  convoy::Gateway& gateway_;
  convoy::LocalDelivery delivery_;
  bool is_finished_ = false;
};

void HandleOne(const Json& step, Taken& delivery) {
  using Kind = convoy::LocalOutcome::Kind;
  const Json& behaviours = At(At(step, "attempts"), delivery->event->event_type);
  const uint32_t number = delivery->attempt_number;
  Expect(!behaviours.IsArray() || number <= behaviours.Size(), step, "one attempt too many");
  const std::string_view behaviour = behaviours.IsArray() ? View(behaviours[number - 1]) : "done";
  Expect(delivery->deadline > absl::Now(), step, "a delivery without time");
  if (behaviour == "crash") throw std::runtime_error("crash");
  delivery.Finish(behaviour == "retry"    ? Kind::kRetry
                  : behaviour == "refuse" ? Kind::kFail
                                          : Kind::kDone,
                  behaviour);
}

void ExpectSame(const Json& step, std::vector<std::string> seen,
                std::vector<std::string> expected) {
  std::ranges::sort(seen);
  std::ranges::sort(expected);
  Expect(seen == expected, step, absl::StrJoin(seen, ", "));
}

// ---- Steps ----

class Scenario {
 public:
  Scenario(const Json& scenario, std::string_view folder) : scenario_(scenario) {
    saved_.Set("folder", folder);
  }

  void Run() {
    for (const Json& step : At(scenario_, "steps").GetArray()) Play(saved_.Fill(step));
  }

  // Opens and closes gateways: nothing of them may stay.
  void CheckLeftovers() {
    const int cycles = Number(scenario_, "cycles");
    Cycle();
    const auto threads = Count("/proc/self/task"), descriptors = Count("/proc/self/fd");
    for (int i = 0; i < cycles; ++i) Cycle();
    if (Count("/proc/self/task") != threads) Fail("threads are left");
    if (Count("/proc/self/fd") != descriptors) Fail("descriptors are left");
    std::printf("after %d gateways: 0 threads and 0 descriptors more\n", cycles);
  }

  void Measure() {
    const double rate = MeasureDelivery();
    std::printf("verify %.1f µs, local delivery %.0f/s\n", MeasureVerify(), rate);
  }

 private:
  using Seconds = std::chrono::duration<double>;
  using Stopwatch = std::chrono::steady_clock;

  void Play(const rapidjson::Document& step) {
    using Step = void (Scenario::*)(const Json&);
    static const std::map<std::string_view, Step> kSteps = {
        {"presets", &Scenario::Presets},    {"verify", &Scenario::Verify},
        {"answer", &Scenario::Answer},      {"open", &Scenario::Open},
        {"call", &Scenario::Call},          {"handle", &Scenario::Handle},
        {"ingest", &Scenario::Ingest},      {"deliver", &Scenario::Deliver},
        {"calls", &Scenario::Calls},        {"log_lines", &Scenario::FindLogLine},
        {"refuse", &Scenario::Refuse},      {"run", &Scenario::RunCommand},
        {"in_flight", &Scenario::InFlight}, {"close", &Scenario::Close},
    };
    const auto found = kSteps.find(Text(step, "do"));
    Expect(found != kSteps.end(), step, "unknown step");
    (this->*found->second)(step);
  }

  void Presets(const Json& step) {
    const auto presets = convoy::ListPresets();
    Expect(std::ranges::count(presets, Text(step, "includes"), &convoy::PresetInfo::name) == 1,
           step, "no such preset");
  }

  void Verify(const Json& step) {
    const auto verifier = NewVerifier(step);
    const Request request(step);
    const convoy::Verdict verdict = verifier->Verify(request.to_verify(), absl::Now());
    const bool is_accepted = verdict.accepted();
    const Json& expected = At(step, "expect");
    Expect(is_accepted == At(expected, "is_accepted").IsTrue(), step, "another verdict");
    Expect(convoy::VerifyReasonName(verdict.reason) == Text(expected, "reason"), step,
           convoy::VerifyReasonName(verdict.reason));
    Expect(verdict.secret_index == Number(expected, "secret_index"), step, "another secret");
    const std::string event_id = is_accepted ? verifier->EventId(request.to_verify()) : "";
    Expect(event_id == Text(expected, "event_id"), step, event_id);
    Expect((is_accepted ? 0 : verifier->refusal_status()) == Number(expected, "refusal_status"),
           step, "another status");
  }

  void Answer(const Json& step) {
    const auto answer = NewVerifier(step)->AnswerChallenge(Request(step).to_verify(), absl::Now());
    const Json& expected = At(step, "expect");
    Expect((answer ? answer->response.status : 0) == Number(expected, "status") &&
               (answer ? answer->response.body : "") == Text(expected, "body"),
           step, "another answer");
  }

  void FindLogLine(const Json& step) {
    const auto lines = std::make_shared<LogLines>();
    const auto other = ValueOf(OpenGateway(At(step, "settings"), lines));
    Expect(lines->Has(convoy::LogLevel::kDebug, Text(step, "line")), step, "no such line");
  }

  void Refuse(const Json& step) {
    const Json& settings = At(step, "settings");
    if (Has(settings, "broker.adapters")) return RefuseSource(step);
    const absl::Status status = OpenGateway(settings).status();
    for (const auto& [setting, reason] : kSkippedRefusals) {
      if (!Has(settings, setting)) continue;
      Expect(status.ok(), step, "refused here, too: it need not be skipped");
      std::printf("skipped: %s: %s\n", Print(step).c_str(), reason.data());
      return;
    }
    Expect(!status.ok() && absl::StrContains(status.message(), Text(step, "message")), step,
           status.message());
  }

  // In place of adapters by name: a source whose adapter is not among the parts.
  void RefuseSource(const Json& step) {
    const auto other = ValueOf(OpenGateway(Json(rapidjson::kObjectType)));
    const auto post = [&](std::string_view path, std::string_view body) {
      return other->Call({.method = "POST", .path = path, .body = body}).value();
    };
    const rapidjson::Document made =
        Parse(post("/api/v1/projects", R"({"name":"out","type":"outgoing"})").body);
    const auto refused =
        post(absl::StrCat("/api/v1/projects/", View(Follow(made, "data.project.uid")), "/sources"),
             kSourceWithoutAdapter);
    Expect(refused.status == 400 && absl::StrContains(refused.body, "has no adapter for kafka"),
           step, refused.body);
  }

  void RunCommand(const Json& step) {
    const std::string command(Text(step, "command"));
    Expect(std::system(command.c_str()) == 0, step, "the command fails");
  }

  void Open(const Json&) {
    gateway_ = ValueOf(OpenGateway(saved_.Fill(At(scenario_, "settings"))));
    Expect(gateway_->Start());
  }

  void Close(const Json&) {
    Expect(gateway_->Close(absl::Seconds(10)));
    gateway_.reset();
  }

  void Call(const Json& step) {
    const std::string body = Has(step, "body") ? Print(At(step, "body")) : "";
    const auto answer = gateway_->Call(
        {.method = Text(step, "method"), .path = Text(step, "target"), .body = body});
    Expect(answer.has_value(), step, "not a path of the API");
    const bool is_refused = answer->status >= 300;
    Expect(is_refused == Has(step, "refused"), step, answer->body);
    Expect(!is_refused || answer->status == Number(step, "refused"), step, answer->body);
    const rapidjson::Document document = Parse(answer->body);
    const Json& data = At(document, "data");
    if (Has(step, "save")) {
      for (const auto& each : At(step, "save").GetObject()) {
        saved_.Set(View(each.name), View(Follow(data, View(each.value))));
      }
    }
    if (!Has(step, "expect")) return;
    for (const auto& each : At(step, "expect").GetObject()) {
      Expect(At(data, View(each.name)) == each.value, step, answer->body);
    }
  }

  void Calls(const Json& step) {
    int left = 0;
    for (const Json& each : At(step, "calls").GetArray()) {
      ++left;
      const auto take = [&each, &left](const convoy::HttpResponse& answer) {
        Expect(answer.status == Number(each, "status"), each, answer.body);
        --left;
      };
      Expect(
          gateway_->CallAsync({.method = Text(each, "method"), .path = Text(each, "target")}, take),
          each, "not a path of the API");
    }
    PollUntilZero(left);
  }

  void Handle(const Json& step) {
    const Request request(step);
    int left = 1, status = 0;
    const auto take = [&](const convoy::HttpResponse& answer) {
      status = answer.status;
      left = 0;
    };
    if (gateway_->HandleAsync(request.to_handle(), take)) PollUntilZero(left);
    Expect(status == Number(step, "status"), step, absl::StrCat(status));
  }

  void Ingest(const Json& step) {
    const auto receipt = gateway_->Ingest(EventOf(step));
    Expect(receipt.ok() != Has(step, "refused"), step, receipt.status().message());
    Expect(!receipt.ok() || receipt->is_duplicate == At(step, "is_duplicate").IsTrue(), step,
           "another receipt");
  }

  // The completion counts down.
  void IngestAsync(convoy::HostEvent event, int* left) {
    gateway_->IngestAsync(std::move(event), [left](absl::StatusOr<convoy::Receipt> receipt) {
      if (ValueOf(std::move(receipt)).is_duplicate) Fail("a duplicate");
      --*left;
    });
  }

  void InFlight(const Json& step) {
    const int count = Number(step, "count");
    int left = count;
    for (int i = 0; i < count; ++i) {
      IngestAsync(EventOf(step), &left);
      Call(step);
    }
    PollUntilZero(left);
  }

  // Runs completions until `left` has come down to 0.
  void PollUntilZero(const int& left) {
    const absl::Time end = absl::Now() + kFailed;
    pollfd descriptor = {.fd = gateway_->wake_fd(), .events = POLLIN};
    while (left > 0 && absl::Now() < end) {
      poll(&descriptor, 1, 1000);
      gateway_->Poll(64);
    }
    if (left > 0) Fail("completions do not come");
  }

  void Deliver(const Json& step) {
    std::vector<std::string> bodies, outcomes, bodies_expected, outcomes_expected;
    for (const Json& each : At(step, "bodies").GetArray()) bodies_expected.emplace_back(View(each));
    for (const Json& each : At(step, "outcomes").GetArray()) {
      outcomes_expected.push_back(
          absl::StrCat(Text(each, "event_type"), " ", Text(each, "outcome")));
    }
    const absl::Time end = absl::Now() + kFailed;
    while (outcomes.size() < outcomes_expected.size() && absl::Now() < end) {
      for (convoy::LocalDelivery& each : TakeSome(Text(step, "name"), 8)) {
        bodies.push_back(each.event->body);
        try {
          Taken delivery(*gateway_, std::move(each));
          HandleOne(step, delivery);
        } catch (const std::runtime_error&) {
          continue;  // `delivery` has been let go of
        }
      }
      while (const auto outcome = gateway_->NextOutcome()) {
        if (outcome->kind != convoy::HostOutcome::Kind::kDelivery) continue;
        outcomes.push_back(absl::StrCat(outcome->event_type, " ", outcome->outcome));
      }
    }
    ExpectSame(step, outcomes, outcomes_expected);
    ExpectSame(step, bodies, bodies_expected);
  }

  std::vector<convoy::LocalDelivery> TakeSome(std::string_view name, size_t items_max) {
    return ValueOf(gateway_->TakeLocal(name, items_max, absl::Milliseconds(50)));
  }

  void Cycle() {
    Open(scenario_);
    Close(scenario_);
  }

  static ptrdiff_t Count(const char* folder) {
    return std::distance(std::filesystem::directory_iterator(folder), {});
  }

  double MeasureVerify() {
    const Json& step = At(scenario_, "steps")[1];
    const auto verifier = NewVerifier(step);
    const Request request(step);
    const convoy::VerifyRequest borrowed = request.to_verify();
    const int count = Number(scenario_, "verify_count");
    const absl::Time now = absl::Now();
    const Stopwatch::time_point begun = Stopwatch::now();
    for (int i = 0; i < count; ++i) {
      if (!verifier->Verify(borrowed, now).accepted()) Fail("a false verdict");
    }
    return Seconds(Stopwatch::now() - begun).count() * 1e6 / count;
  }

  double MeasureDelivery() {
    const int count = Number(scenario_, "deliver_count");
    const rapidjson::Document step =
        saved_.Fill(Parse(R"({"event":{"project_id":"{out}","type":"order.good","data":{}}})"));
    Open(step);
    int left = count;
    for (int i = 0; i < count; ++i) IngestAsync(EventOf(step), &left);
    PollUntilZero(left);
    const Stopwatch::time_point begun = Stopwatch::now();
    for (left = count; left > 0;) {
      for (const convoy::LocalDelivery& delivery : TakeSome("orders", 64)) {
        Expect(gateway_->FinishLocal(delivery.ticket, {}));
        --left;
      }
    }
    const double rate = count / Seconds(Stopwatch::now() - begun).count();
    Close(step);
    return rate;
  }

  const Json& scenario_;
  Saved saved_;
  std::unique_ptr<convoy::Gateway> gateway_;
};

}  // namespace
}  // namespace scenario

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream file(argv[1]);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const rapidjson::Document document = scenario::Parse(text);
  scenario::Scenario played(document, argv[2]);
  played.Run();
  played.CheckLeftovers();
  played.Measure();
  std::puts("scenario passed");
  return 0;
}
