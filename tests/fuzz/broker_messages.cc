// A broker's message on its way into the store: an event, or a dead letter that keeps all of it.
//
// Input: a byte of flags, attributes as "name: value" lines, an empty line, the body. Promises that
// are checked: a message becomes the one or the other, never both; an event is well-formed and
// holds the bytes of "data", or of a raw body, as they came; a dead letter holds every byte, and
// its reason fits on a line; what was refused once is refused again for the same reason, also when
// it is re-driven.
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/intake/broker_intake.h"
#include "lib/json/raw.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"
#include "tests/support/sim_clock.h"

namespace convoy::fuzz {
namespace {

constexpr uint8_t kCut = 1;
constexpr uint8_t kHasId = 2;
constexpr uint8_t kForwardAll = 4;
constexpr uint8_t kRaw = 8;
constexpr size_t kAttributesMax = 200;

// A project with two endpoints of one owner, of which one has subscribed.
std::shared_ptr<const route::ProjectSnapshot> MakeProject() {
  ProjectConfiguration config{.revision = 1};
  config.project = {.id = "P", .type = ProjectType::kOutgoing};
  config.endpoints = {{.id = "E1", .project_id = "P", .owner_id = "ann", .name = "one"},
                      {.id = "E2", .project_id = "P", .owner_id = "ann", .name = "two"}};
  config.subscriptions = {
      {.id = "B1", .project_id = "P", .endpoint_id = "E1", .event_types = {"a.b"}}};
  auto snapshot = route::ProjectSnapshot::Build(config);
  Require(snapshot.ok(), "the project of the target is in order");
  return *snapshot;
}

struct World {
  testing::SimClock clock;
  testing::SeededRandom random;
  base::UlidGenerator ulids{&clock, &random};
  GatewayOptions options{.body_bytes_max = 4096};
  intake::Intake events{options, &clock, &ulids};
  intake::BrokerIntake messages{options, &events, &clock, &ulids};
  std::shared_ptr<const route::ProjectSnapshot> project = MakeProject();
  Source source{.id = "S",
                .project_id = "P",
                .type = SourceType::kPubSub,
                .broker = AmqpConfig{.host = "sim", .queue = "q"}};
};

BrokerMessage ReadInput(Input& input, uint8_t flags) {
  BrokerMessage message{.redelivery_id = "q/1", .is_cut = (flags & kCut) != 0};
  if ((flags & kHasId) != 0) message.id = input.TextUntil('\n');
  while (!input.empty() && message.attributes.size() < kAttributesMax) {
    const std::string_view line = input.TextUntil('\n');
    if (line.empty()) break;
    const size_t colon = std::min(line.find(": "), line.size());
    message.attributes.push_back({std::string(line.substr(0, colon)),
                                  std::string(line.substr(std::min(colon + 2, line.size())))});
  }
  message.body = input.Rest();
  return message;
}

void CheckBody(const Source& source, const Event& event, const BrokerMessage& message) {
  if (source.message_format == MessageFormat::kRaw) {
    Require(event.body == message.body, "a raw body is the event's");
    Require(event.event_type == source.raw_event_type, "of the type that the source says");
    Require(absl::StrContains(event.content_type, '/'), "a content type is one");
  } else {
    Require(absl::StrContains(message.body, event.body), "data goes along as it came");
    Require(json::Validate(event.body, {}).ok(), "data is JSON");
  }
}

void CheckEvent(const Source& source, const Submission& submission, const BrokerMessage& message) {
  const Event& event = submission.event;
  Require(!message.is_cut, "no event is made of a part");
  CheckBody(source, event, message);
  Require(base::IsHeaderValue(event.content_type), "a content type can be sent");
  Require(!event.event_type.empty() && base::IsValidUtf8(event.event_type), "a type is a text");
  Require(base::IsHeaderValue(event.idempotency_key), "an idempotency key can be sent");
  for (const Header& header : event.headers) {
    Require(base::IsHeaderName(header.name) && base::IsHeaderValue(header.value),
            "an event injects no header");
  }
  Require(submission.redelivery.has_value(), "a message with a redelivery id is known again");
  for (const Delivery& delivery : submission.deliveries) {
    Require(delivery.event_id == event.id, "deliveries are those of the event");
  }
}

void CheckDeadLetter(const World& world, const HeldInputWrite& hold, const intake::Refusal& refusal,
                     const BrokerMessage& message) {
  const HeldInput& input = hold.input;
  Require(input.body == message.body, "a dead letter keeps every byte");
  Require(input.headers.size() == message.attributes.size() + (message.id.empty() ? 0 : 1),
          "a dead letter keeps every attribute");
  Require(input.reason == refusal.reason && !input.reason.empty(), "a dead letter has its reason");
  Require(base::IsValidUtf8(input.detail) && base::IsHeaderValue(input.detail),
          "a detail is a line of text");
  Require(input.detail.size() < 1024, "a detail does not repeat the message");
  const auto redriven = world.messages.PrepareHeldMessage(*world.project, world.source, input);
  Require(!redriven.ok(), "what was refused is refused again as long as nothing has changed");
  Require(redriven.status().message() == absl::StrCat(refusal.reason, ": ", refusal.detail),
          "and for the same reason");
}

void Run(Input& input) {
  static World& world = *new World;
  const uint8_t flags = input.Byte();
  world.source.forward_headers.clear();
  if ((flags & kForwardAll) != 0) world.source.forward_headers = {"*"};
  const bool is_raw = (flags & kRaw) != 0;
  world.source.message_format = is_raw ? MessageFormat::kRaw : MessageFormat::kEnvelope;
  world.source.raw_event_type = is_raw ? "a.b" : "";
  const BrokerMessage message = ReadInput(input, flags);
  const intake::PreparedMessages prepared =
      world.messages.Prepare(*world.project, world.source, {&message, 1});
  const WriteBatch& batch = prepared.batch;
  Require(prepared.dispositions.size() == 1, "each message has a disposition");
  Require(batch.submissions.size() + batch.holds.size() == 1, "and one only");
  Require(prepared.dispositions[0].submission.has_value() == batch.holds.empty(), "which is told");
  if (batch.holds.empty()) {
    CheckEvent(world.source, batch.submissions[0], message);
  } else {
    Require(batch.config.empty(), "who is refused changes nothing");
    CheckDeadLetter(world, batch.holds[0], prepared.dispositions[0].refusal, message);
  }
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  convoy::fuzz::Input input(data, size);
  convoy::fuzz::Run(input);
  return 0;
}
