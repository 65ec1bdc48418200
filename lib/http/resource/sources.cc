// Handlers of sources, the origins of events.
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/http/request/pagination.h"
#include "lib/http/request/viewer.h"
#include "lib/http/resource/config_change.h"
#include "lib/http/resource/config_fields.h"
#include "lib/http/resource/functions.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/pub_sub.h"
#include "lib/http/shape/wire.h"
#include "lib/intake/locations.h"
#include "lib/verify/source_verifier.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr size_t kMaskSize = 16;
constexpr size_t kResponseBytesMax = 50 * 1024;
constexpr size_t kForwardHeadersMax = 64;

absl::Status ReadCustomResponse(ObjectReader& parent, CustomResponse* out) {
  const json::Value* object = parent.Object("custom_response");
  if (object == nullptr) return absl::OkStatus();
  ObjectReader reader(*object, "custom_response");
  reader.Read("body", &out->body);
  reader.Read("content_type", &out->content_type);
  if (out->body.size() > kResponseBytesMax) {
    reader.Fail(absl::InvalidArgumentError(
        absl::StrCat("source custom response too large: at most ", kResponseBytesMax, " bytes")));
  }
  if (!base::IsHeaderValue(out->content_type)) {
    reader.FailField("content_type", "must be a header value");
  }
  reader.Fail(CheckText("custom_response.content_type", out->content_type));
  return reader.status();
}

void ReadLists(ObjectReader& reader, Source* out) {
  reader.Read("idempotency_keys", &out->idempotency_keys);
  reader.Read("event_type_location", &out->event_type_location);
  reader.Read("forward_headers", &out->forward_headers);
  if (out->idempotency_keys.size() > intake::kLocationsMax) {
    reader.FailField("idempotency_keys",
                     absl::StrCat("must have at most ", intake::kLocationsMax, " entries"));
    out->idempotency_keys.clear();
  }
  for (const std::string& location : out->idempotency_keys) {
    reader.Fail(CheckText("idempotency_keys", location));
    reader.Fail(intake::CheckIdempotencyLocation(location));
  }
  if (out->forward_headers.size() > kForwardHeadersMax) {
    reader.FailField("forward_headers",
                     absl::StrCat("must have at most ", kForwardHeadersMax, " entries"));
    out->forward_headers.clear();
  }
  for (const std::string& name : out->forward_headers) {
    reader.Fail(CheckText("forward_headers", name));
    if (!base::IsHeaderName(name)) reader.FailField("forward_headers", "must be header names");
  }
}

void ReadType(ObjectReader& reader, const SourceReading& reading, Source* source) {
  std::string type;
  reader.Read("type", &type);
  const auto parsed = model::Parse<SourceType>(type);
  if (!parsed.has_value() || *parsed == SourceType::kDbChangeStream) {
    return reader.FailField(
        "type", absl::StrCat("unsupported source type, must be http, rest_api or pub_sub",
                             parsed.has_value() ? " in this version" : ""));
  }
  const bool is_pub_sub = *parsed == SourceType::kPubSub;
  if (is_pub_sub && reading.project_type != ProjectType::kOutgoing) {
    return reader.FailField("type", "pub_sub sources belong to outgoing projects");
  }
  if (!reading.is_new && is_pub_sub != (source->type == SourceType::kPubSub)) {
    return reader.FailField("type", "cannot be changed to or from pub_sub, make a new source");
  }
  source->type = *parsed;
}

absl::Status ReadBroker(ObjectReader& reader, const SourceReading& reading, Source* source) {
  const json::Value* object = reader.Object("pub_sub");
  const bool is_set = object != nullptr && !AsksForNothing(*object);
  if (source->type != SourceType::kPubSub) {
    return is_set ? FieldError("pub_sub", "goes with the type pub_sub") : absl::OkStatus();
  }
  if (!is_set) {
    return reading.is_new ? FieldError("pub_sub", "is missing") : absl::OkStatus();
  }
  CONVOY_RETURN_IF_ERROR(ReadPubSub(*object, source));
  const auto* consumers = reading.parts.consumers;
  if (consumers == nullptr || !consumers->Supports(source->broker)) {
    return FieldError("pub_sub.type", absl::StrCat("this gateway has no adapter for ",
                                                   model::BrokerTypeOf(source->broker)));
  }
  return absl::OkStatus();
}

// Refuses fields that only sources of requests have: a setting without effect is an error.
absl::Status CheckBrokerSource(const Source& source) {
  const std::string_view field = source.provider != Provider::kNone           ? "provider"
                                 : source.verifier != VerifierConfig()        ? "verifier"
                                 : source.verify_mode != VerifyMode::kEnforce ? "verify_mode"
                                 : source.custom_response != CustomResponse() ? "custom_response"
                                 : !source.idempotency_keys.empty()           ? "idempotency_keys"
                                 : !source.event_type_location.empty() ? "event_type_location"
                                                                       : "";
  if (field.empty()) return absl::OkStatus();
  return FieldError(field, field == "event_type_location"
                               ? "goes with sources that take requests; of messages it is "
                                 "pub_sub.event_type_location"
                           : field == "idempotency_keys"
                               ? "goes with sources that take requests; of messages it is "
                                 "pub_sub.idempotency_key_location"
                               : "goes with sources that take requests, leave it out");
}

void ReadName(ObjectReader& reader, Source* source) {
  std::string name;
  reader.Read("name", &name);
  if (name.empty()) reader.FailField("name", "please provide a source name");
  reader.Fail(CheckText("name", name));
  source->name = name;
}

}  // namespace

absl::Status ReadSource(const json::Value& document, const SourceReading& reading, Source* source) {
  ObjectReader reader(document);
  const Scripting* const scripting = reading.parts.scripting;
  ReadFunction(reader, document, "body_function", FunctionRemoval::kByEmptyText, scripting,
               &source->body_function);
  ReadFunction(reader, document, "header_function", FunctionRemoval::kByEmptyText, scripting,
               &source->header_function);
  reader.Read("is_disabled", &source->is_disabled);
  ReadEnum(reader, "verify_mode", "must be enforce, observe or quarantine", &source->verify_mode);
  if (reading.is_new) {
    ReadEnum(reader, "provider", "unsupported provider, must be github, shopify or twitter",
             &source->provider);
  } else {
    reader.Fail(RefuseChange(document, "provider", model::Name(source->provider)));
  }
  ReadName(reader, source);
  ReadType(reader, reading, source);
  if (const json::Value* verifier = reader.Object("verifier")) {
    absl::StatusOr<VerifierConfig> read = ReadVerifier(*verifier, source->provider);
    reader.Fail(read.status());
    if (read.ok()) source->verifier = *std::move(read);
  }
  reader.Fail(ReadCustomResponse(reader, &source->custom_response));
  ReadLists(reader, source);
  reader.Fail(ReadBroker(reader, reading, source));
  CONVOY_RETURN_IF_ERROR(reader.status());
  // The whole is judged once its parts are right.
  if (source->type == SourceType::kPubSub) return CheckBrokerSource(*source);
  if (!source->event_type_location.empty()) {
    CONVOY_RETURN_IF_ERROR(intake::CheckEventTypeLocation(*source));
  }
  return verify::CompileForSource(*source, reading.parts.fetcher).status();
}

namespace {

// Asks the broker of `source` first. Only a clear no is one: a broker that is away may come back,
// and until then the consumer's state tells.
Reply CheckThen(const Source& source, std::function<Reply()> go_on) {
  return PendingCheck{
      .source = source,
      .finish = [broker = source.broker, go_on = std::move(go_on)](const absl::Status& answer) {
        if (consume::StateOf(answer) == consume::ConsumerState::kMisconfigured) {
          return Reply(FromStatus(PubSubError(broker, answer)));
        }
        if (absl::IsCancelled(answer)) return Reply(TryLater(answer.message()));
        return go_on();
      }};
}

// Consumers follow at once what was written here.
void ReconcileNow(const ApiParts& parts) {
  if (parts.consumers != nullptr) parts.consumers->ReconcileNow();
}

// An outbox is the host's, and whose events its rows are is for the instance to say: a project's
// key must not point a source at another's outbox, nor change what a source makes of the rows.
absl::Status CheckMayChange(const Context& context, const BrokerConfig& broker) {
  if (context.role == Role::kInstanceAdmin || !std::holds_alternative<OutboxConfig>(broker)) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      "sources of the type outbox are made and changed with the instance's key");
}

std::string SourceJson(const GatewayOptions& options, const Source& source) {
  return ToJson([&](json::Writer& writer) { WriteSource(writer, source, options.public_url); });
}

std::vector<NamedFunction> FunctionsOf(const Source& source) {
  return {{"body_function", source.body_function}, {"header_function", source.header_function}};
}

// `type` and `provider` of a list: a spelling that no source has is an error rather than ignored.
absl::Status ReadSourceQuery(std::string_view query, ConfigQuery* out) {
  const std::string type = ParameterOf(query, "type");
  const std::string provider = ParameterOf(query, "provider");
  if (!type.empty()) {
    if (!model::Parse<SourceType>(type).has_value()) {
      return FieldError("type", "is not a type of sources");
    }
    out->conditions.push_back({.field = "type", .values = {type}});
  }
  if (!provider.empty()) {
    if (!model::Parse<Provider>(provider).has_value()) {
      return FieldError("provider", "is not a provider of sources");
    }
    out->conditions.push_back({.field = "provider", .values = {provider}});
  }
  return absl::OkStatus();
}

}  // namespace

Reply CreateSource(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  const ApiParts& parts = *context.parts;
  Source source{.id = parts.ulids->Next(),
                .project_id = context.project->project().id,
                .mask_id = base::RandomAlphanumeric(*parts.random, kMaskSize),
                .created_at = parts.clock->Now()};
  source.updated_at = source.created_at;
  const absl::Status status =
      ReadSource(*document, {true, context.project->project().type, parts}, &source);
  if (!status.ok()) return FromStatus(status);
  if (const absl::Status may = CheckMayChange(context, source.broker); !may.ok()) {
    return FromStatus(may);
  }
  const auto store = [context, source] {
    return ChangeProject(
        context, [source](const Snapshot&) { return ConfigWrite{.puts = {source}}; },
        [source, options = context.options, &parts = *context.parts] {
          ReconcileNow(parts);
          return Success(201, "Source created successfully", SourceJson(*options, source));
        });
  };
  return CheckFunctions(parts, FunctionsOf(source), [source, store] {
    return source.type == SourceType::kPubSub ? CheckThen(source, store) : store();
  });
}

Reply ListSources(const Context& context) {
  const std::string_view query = context.request->query;
  ConfigQuery wanted{.project_id = context.project->project().id,
                     .name_contains = ParameterOf(query, "q")};
  if (const absl::Status status = ReadSourceQuery(query, &wanted); !status.ok()) {
    return FromStatus(status);
  }
  const PageRequest page = ParsePage(query);
  const auto sources = ListConfig<Source>(*context.parts->storage, wanted, page);
  if (!sources.ok()) return FromStatus(sources.status());
  return Success(200, "Sources fetched successfully",
                 PageToJson(*sources, page, [&](json::Writer& writer, const Source& source) {
                   WriteSource(writer, Shown(context, source), context.options->public_url);
                 }));
}

Reply GetSource(const Context& context) {
  const auto source =
      GetConfig<Source>(*context.parts->storage, context.project->project().id, context.capture(1));
  if (!source.ok()) return FromStatus(source.status());
  return Success(200, "Source fetched successfully",
                 SourceJson(*context.options, Shown(context, *source)));
}

Reply UpdateSource(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  const ApiParts& parts = *context.parts;
  const auto current =
      GetConfig<Source>(*parts.storage, context.project->project().id, context.capture(1));
  if (!current.ok()) return FromStatus(current.status());
  const SourceReading reading{false, context.project->project().type, parts};
  Source wanted = *current;
  if (const absl::Status status = ReadSource(*document, reading, &wanted); !status.ok()) {
    return FromStatus(status);
  }
  for (const Source* const each : std::initializer_list<const Source*>{&*current, &wanted}) {
    if (const absl::Status may = CheckMayChange(context, each->broker); !may.ok()) {
      return FromStatus(may);
    }
  }
  const auto store = [context, reading, body = std::string(context.request->body)] {
    auto updated = std::make_shared<Source>();
    return ChangeProject(
        context,
        [context, updated, reading, id = context.capture(1),
         body](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
          CONVOY_ASSIGN_OR_RETURN(const json::Document fields, json::Parse(body, {}));
          CONVOY_ASSIGN_OR_RETURN(
              *updated, GetConfig<Source>(*reading.parts.storage, project->project().id, id));
          CONVOY_RETURN_IF_ERROR(CheckMayChange(context, updated->broker));
          updated->updated_at = reading.parts.clock->Now();
          CONVOY_RETURN_IF_ERROR(ReadSource(fields, reading, updated.get()));
          return ConfigWrite{.puts = {*updated}};
        },
        [updated, options = context.options, &parts = reading.parts] {
          ReconcileNow(parts);
          return Success(202, "Source updated successfully", SourceJson(*options, *updated));
        });
  };
  return CheckFunctions(parts, FunctionsOf(wanted),
                        [wanted, store, has_new_broker = wanted.broker != current->broker] {
                          return has_new_broker ? CheckThen(wanted, store) : store();
                        });
}

Reply DeleteSource(const Context& context) {
  return ChangeProject(
      context,
      [storage = context.parts->storage,
       id = context.capture(1)](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        CONVOY_RETURN_IF_ERROR(GetConfig<Source>(*storage, project->project().id, id).status());
        return ConfigWrite{.removes = {{.kind = ConfigKind::kSource, .id = id}}};
      },
      [&parts = *context.parts] {
        ReconcileNow(parts);
        return Success(200, "Source deleted successfully");
      });
}

}  // namespace convoy::http
