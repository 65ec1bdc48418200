// Handlers that run payload functions; see functions.h.
#include "lib/http/resource/functions.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"
#include "lib/intake/event_object.h"
#include "lib/json/raw.h"
#include "lib/json/writer.h"

namespace convoy::http {
namespace {

constexpr std::string_view kTooBusy = "too many payload functions are waiting, try again later";

// A trial's member of the request that is the payload, as the client wrote it.
std::string PayloadOf(const Context& context) {
  std::string payload = RawMember(context.request->body, "payload");
  return payload.empty() ? "null" : payload;
}

// A function for the bodies of a broker's messages has to return an event's object.
absl::Status CheckEnvelope(std::string_view payload) {
  intake::AddressedEvent event;
  std::vector<intake::EventFlaw> flaws;
  const absl::Status status =
      intake::ReadEventObject(payload, json::kPayloadLimits, &event, &flaws);
  if (!status.ok()) return FieldError("payload", "the function must return an object");
  if (flaws.empty()) return absl::OkStatus();
  const intake::EventFlaw& flaw = flaws.front();
  return FieldError("payload", absl::StrCat("the object that the function returns has ",
                                            flaw.kind == intake::EventFlaw::Kind::kUnknown
                                                ? "an unknown field: "
                                                : "a field of a wrong type: ",
                                            flaw.field));
}

HttpResponse AnswerTrial(const ScriptResult& result, bool is_envelope_wanted) {
  if (result.outcome == ScriptOutcome::kNotRun) return TryLater(kTooBusy);
  if (result.outcome != ScriptOutcome::kDone) {
    return FromStatus(FieldError("function", result.error));
  }
  if (is_envelope_wanted) {
    const absl::Status checked = CheckEnvelope(result.payload);
    if (!checked.ok()) return FromStatus(checked);
  }
  return Success(200, "Transformer function run successfully", ToJson([&](json::Writer& writer) {
                   writer.BeginObject().Key("payload").Raw(result.payload);
                   writer.Key("log").BeginArray();
                   for (const std::string& line : result.log) writer.String(line);
                   writer.EndArray().EndObject();
                 }));
}

// {"function", "payload", "type"} → {"payload", "log"}.
Reply TestFunction(const Context& context, bool has_types) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  json::ObjectReader reader(*document);
  std::string function, type;
  reader.Read("type", &type);
  reader.Object("payload");
  ReadFunction(reader, *document, "function", FunctionRemoval::kByEmptyText,
               context.parts->scripting, &function);
  if (reader.status().ok() && function.empty()) reader.FailField("function", "is missing");
  if (!reader.status().ok()) return FromStatus(reader.status());
  return PendingScript{
      .call = {.owner = context.project->project().id,  // trials of a project take turns
               .function = std::move(function),
               .payload = PayloadOf(context),
               .now = context.parts->clock->Now(),
               .output_bytes_max = context.options->body_bytes_max},
      .finish = [is_envelope_wanted = has_types && type == "body"](const ScriptResult& result)
          -> Reply { return AnswerTrial(result, is_envelope_wanted); }};
}

// The first of `functions` at or behind `index` that has a text is tried.
Reply CheckFrom(size_t index, absl::Time now,
                std::shared_ptr<const std::vector<NamedFunction>> functions,
                std::function<Reply()> go_on) {
  while (index < functions->size() && (*functions)[index].text.empty()) ++index;
  if (index == functions->size()) return go_on();
  const NamedFunction& function = (*functions)[index];
  return PendingScript{
      .call = {.function = function.text, .payload = "null", .now = now, .should_only_load = true},
      .finish = [index, now, functions,
                 go_on = std::move(go_on)](const ScriptResult& result) -> Reply {
        if (result.outcome == ScriptOutcome::kNotRun) return TryLater(kTooBusy);
        if (result.outcome != ScriptOutcome::kDone) {
          return FromStatus(FieldError((*functions)[index].field, result.error));
        }
        return CheckFrom(index + 1, now, functions, go_on);
      }};
}

}  // namespace

void ReadFunction(json::ObjectReader& reader, const json::Value& object, std::string_view field,
                  FunctionRemoval removal, const Scripting* scripting, std::string* out) {
  std::string text;
  if (!reader.Read(field, &text)) {
    const bool is_null = reader.Has(field) && AsksForNothing(object[std::string(field).c_str()]);
    if (is_null && removal == FunctionRemoval::kByNull) out->clear();
    return;
  }
  if (text.empty()) {
    if (removal == FunctionRemoval::kByEmptyText) out->clear();
    return;
  }
  reader.Fail(CheckText(field, text, kFunctionBytesMax));
  if (scripting == nullptr) reader.FailField(field, kNoScripting);
  *out = std::move(text);
}

Reply CheckFunctions(const ApiParts& parts, std::vector<NamedFunction> functions,
                     std::function<Reply()> go_on) {
  return CheckFrom(0, parts.clock->Now(),
                   std::make_shared<const std::vector<NamedFunction>>(std::move(functions)),
                   std::move(go_on));
}

Reply TestSourceFunction(const Context& context) {
  return TestFunction(context, /*has_types=*/true);
}

Reply TestSubscriptionFunction(const Context& context) {
  return TestFunction(context, /*has_types=*/false);
}

}  // namespace convoy::http
