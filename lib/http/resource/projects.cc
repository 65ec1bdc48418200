// Projects. They belong to the instance, so their writes are guarded by the instance's revision.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/http/request/authentication.h"
#include "lib/http/request/viewer.h"
#include "lib/http/resource/config_change.h"
#include "lib/http/resource/config_fields.h"
#include "lib/http/resource/event_types.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/resource/meta_project.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"
#include "lib/model/meta_event.h"
#include "lib/sign/standard_webhooks.h"
#include "lib/trace/context.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr size_t kSignatureVersionsMax = 8;
constexpr size_t kPolicyBytesMax = 64;
constexpr absl::Duration kRetentionMax = absl::Hours(24 * 365 * 100);

// Context of reading a request.
struct Reading {
  const GatewayOptions& options;
  const ApiParts& parts;
};

absl::Status ReadRateLimit(ObjectReader& config, RateLimit* out) {
  const json::Value* object = config.Object("ratelimit");
  if (object == nullptr) return absl::OkStatus();
  ObjectReader reader(*object, "config.ratelimit");
  reader.Read("count", &out->count);
  uint32_t seconds = 0;
  if (reader.Read("duration", &seconds)) out->window = absl::Seconds(seconds);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (out->count > 0 && out->window <= absl::ZeroDuration()) {
    return FieldError("config.ratelimit.duration", "must be at least one second");
  }
  return absl::OkStatus();
}

absl::StatusOr<SignatureVersion> ReadVersion(const json::Value& object, const ApiParts& parts) {
  ObjectReader reader(object, "config.signature.versions");
  SignatureVersion version{.created_at = parts.clock->Now()};
  reader.Read("uid", &version.id);
  ReadEnum(reader, "hash", "must be SHA256 or SHA512", &version.hash);
  ReadEnum(reader, "encoding", "must be hex or base64", &version.encoding);
  CONVOY_RETURN_IF_ERROR(reader.status());
  CONVOY_RETURN_IF_ERROR(CheckText("config.signature.versions.uid", version.id));
  if (version.id.empty()) version.id = parts.ulids->Next();
  return version;
}

absl::Status ReadSignature(ObjectReader& config, const ApiParts& parts, SignatureConfig* out) {
  const json::Value* object = config.Object("signature");
  if (object == nullptr) return absl::OkStatus();
  ObjectReader reader(*object, "config.signature");
  std::string header;
  if (reader.Read("header", &header) && !header.empty()) {
    CONVOY_RETURN_IF_ERROR(CheckHeaderToSend("config.signature.header", header));
    out->header = header;
  }
  if (const json::Value* versions = reader.Array("versions")) {
    if (versions->Empty() || versions->Size() > kSignatureVersionsMax) {
      return FieldError("config.signature.versions", "must have 1 to 8 entries");
    }
    const std::vector<SignatureVersion> known = std::exchange(out->versions, {});
    for (const json::Value& entry : versions->GetArray()) {
      CONVOY_ASSIGN_OR_RETURN(SignatureVersion version, ReadVersion(entry, parts));
      const auto same = std::find_if(known.begin(), known.end(), [&](const SignatureVersion& each) {
        return each.id == version.id;
      });
      if (same != known.end()) version.created_at = same->created_at;
      out->versions.push_back(std::move(version));
    }
  }
  ReadEnum(reader, "standard_webhooks", "must be none, v1 or v1a", &out->standard);
  if (out->standard == StandardSignature::kV1a && out->signing_key.empty()) {
    out->signing_key = sign::MakeKey(StandardSignature::kV1a, *parts.random);
  }
  return reader.status();
}

// Refuses the settings that this version does not support, so that none is accepted without effect.
absl::Status RefuseUnsupported(const json::Value& object) {
  ObjectReader reader(object, "config");
  for (const char* field : {"allow_unmatched_dynamic_urls", "sync_dynamic_event_ack"}) {
    reader.Fail(RefuseIfSet(object, field, "config"));
  }
  return reader.status();
}

// A duration that is kept as the text that it was given as.
absl::Status ReadSearchPolicy(ObjectReader& reader, std::string* out) {
  std::string text;
  if (!reader.Read("search_policy", &text)) return absl::OkStatus();
  absl::Duration lookback;
  const bool is_wrong = !absl::ParseDuration(text, &lookback) || lookback <= absl::ZeroDuration();
  if (!text.empty() && (is_wrong || text.size() > kPolicyBytesMax)) {
    return FieldError(reader.PathOf("search_policy"), "must be a duration such as 720h");
  }
  *out = text;
  return absl::OkStatus();
}

// {"policy": "720h"} says how long, the flag, which has two names, whether.
absl::Status ReadRetention(ObjectReader& config, ProjectConfig* out) {
  for (const char* field : {"retention_policy_enabled", "is_retention_policy_enabled"}) {
    config.Read(field, &out->is_retention_enabled);
  }
  const json::Value* object = config.Object("retention_policy");
  CONVOY_RETURN_IF_ERROR(config.status());
  if (object != nullptr && !AsksForNothing(*object)) {
    ObjectReader reader(*object, "config.retention_policy");
    std::string text;
    absl::Duration retention;
    if (reader.Read("policy", &text) && !text.empty()) {
      if (!absl::ParseDuration(text, &retention) || retention < absl::Seconds(1) ||
          retention > kRetentionMax) {
        reader.FailField("policy", "must be a duration such as 720h, at least a second");
      }
      out->retention = retention;
    }
    reader.Fail(ReadSearchPolicy(reader, &out->search_policy));  // its place until 2024
    CONVOY_RETURN_IF_ERROR(reader.status());
  }
  // Convoy's default.
  if (out->is_retention_enabled && !out->retention.has_value()) out->retention = absl::Hours(720);
  return absl::OkStatus();
}

// Convoy reads this one name without case, and its clients use both spellings.
absl::Status ReadSsl(ObjectReader& config, bool* out) {
  for (const char* name : {"SSL", "ssl"}) {
    const json::Value* object = config.Object(name);
    if (object == nullptr) continue;
    ObjectReader reader(*object, config.PathOf(name));
    reader.Read("enforce_secure_endpoints", out);
    CONVOY_RETURN_IF_ERROR(reader.status());
  }
  return absl::OkStatus();
}

// Zero means the default, as Convoy has it. Percentages are at most 100.
absl::Status ReadBreaker(ObjectReader& config, std::optional<CircuitBreaker>* out) {
  const json::Value* object = config.Object("circuit_breaker");
  if (object == nullptr || AsksForNothing(*object)) return absl::OkStatus();
  ObjectReader reader(*object, "config.circuit_breaker");
  CircuitBreaker breaker = out->value_or(CircuitBreaker());
  uint32_t sample_s = 0, error_s = 0, window_min = 0;
  const auto read = [&reader](std::string_view field, uint32_t* target) {
    uint32_t value = 0;
    if (reader.Read(field, &value) && value > 0) *target = value;
  };
  read("sample_rate", &sample_s);
  read("error_timeout", &error_s);
  read("observability_window", &window_min);
  read("failure_threshold", &breaker.failure_threshold);
  read("success_threshold", &breaker.success_threshold);
  read("minimum_request_count", &breaker.requests_min);
  read("consecutive_failure_threshold", &breaker.consecutive_failures_max);
  CONVOY_RETURN_IF_ERROR(reader.status());
  for (const auto& [field, value] : {std::pair("failure_threshold", breaker.failure_threshold),
                                     std::pair("success_threshold", breaker.success_threshold)}) {
    if (value > 100) return FieldError(reader.PathOf(field), "must be a percentage, 1 to 100");
  }
  constexpr uint32_t kSecondsMax = 24 * 60 * 60;
  if (sample_s > kSecondsMax || error_s > kSecondsMax || window_min > kSecondsMax / 60) {
    return FieldError("config.circuit_breaker", "durations must be at most a day");
  }
  if (sample_s > 0) breaker.sample_interval = absl::Seconds(sample_s);
  if (error_s > 0) breaker.error_timeout = absl::Seconds(error_s);
  if (window_min > 0) breaker.window = absl::Minutes(window_min);
  *out = breaker;
  return absl::OkStatus();
}

absl::Status ReadRequestIdHeader(ObjectReader& config, ProjectType type, std::string* out) {
  std::string header;
  if (!config.Read("request_id_header", &header) || header.empty()) return absl::OkStatus();
  if (type == ProjectType::kIncoming && header != ProjectConfig().request_id_header) {
    return absl::InvalidArgumentError(
        "request_id_header can only be customized on outgoing projects");
  }
  CONVOY_RETURN_IF_ERROR(CheckHeaderToSend("config.request_id_header", header));
  *out = header;
  return absl::OkStatus();
}

// Empty again: the host's.
absl::Status ReadTraceHeader(ObjectReader& config, std::string* out) {
  std::string header;
  if (!config.Read("trace_header", &header)) return absl::OkStatus();
  if (!header.empty() && !trace::CheckTraceHeader(header).ok()) {
    return FieldError(config.PathOf("trace_header"), trace::kTraceHeaderRule);
  }
  *out = header;
  return absl::OkStatus();
}

absl::Status ReadConfig(const json::Value& object, ProjectType type, const Reading& reading,
                        ProjectConfig* out) {
  ObjectReader reader(object, "config");
  reader.Fail(RefuseUnsupported(object));
  uint64_t body_bytes_max = 0;
  if (reader.Read("max_payload_read_size", &body_bytes_max) && body_bytes_max > 0) {
    const uint64_t bound = reading.options.body_bytes_max;
    if (body_bytes_max > bound && body_bytes_max != out->body_bytes_max) {
      reader.FailField(
          "max_payload_read_size",
          absl::StrCat("must be at most ", bound, ", which is the limit of this server"));
    }
    out->body_bytes_max = body_bytes_max;
  }
  reader.Fail(ReadRateLimit(reader, &out->rate_limit));
  // Convoy stores the whole with zeros where nothing was set.
  const json::Value* strategy = reader.Object("strategy");
  if (strategy != nullptr && !(strategy->HasMember("type") && AsksForNothing(*strategy))) {
    reader.Fail(ReadRetry(*strategy, "config.strategy", &out->retry));
  }
  reader.Fail(ReadSignature(reader, reading.parts, &out->signature));
  reader.Fail(ReadSsl(reader, &out->is_https_required));
  reader.Fail(ReadBreaker(reader, &out->circuit_breaker));
  reader.Fail(ReadRequestIdHeader(reader, type, &out->request_id_header));
  reader.Read("add_event_id_trace_headers", &out->has_trace_headers);
  reader.Fail(ReadTraceHeader(reader, &out->trace_header));
  reader.Read("disable_endpoint", &out->should_disable_endpoint);
  reader.Read("multiple_endpoint_subscriptions", &out->has_multiple_endpoint_subscriptions);
  reader.Read("verify_dynamic_events", &out->has_verified_dynamic_events);
  reader.Read("replay_attacks_prevention_enabled", &out->has_replay_prevention);
  reader.Fail(ReadRetention(reader, out));
  reader.Fail(ReadSearchPolicy(reader, &out->search_policy));
  reader.Fail(ReadMetaEvents(object, reading.parts, out->is_https_required, &out->meta_events));
  // One would replace the other in every delivery.
  if (base::EqualsIgnoreCase(out->signature.header, out->request_id_header)) {
    reader.FailField("signature.header", "must differ from config.request_id_header");
  }
  for (const std::string& other : {out->signature.header, out->request_id_header}) {
    if (base::EqualsIgnoreCase(out->trace_header, other)) {
      reader.FailField("trace_header",
                       "must differ from config.signature.header and config.request_id_header");
    }
  }
  return reader.status();
}

bool IsWebUrl(std::string_view url) {
  return url.starts_with("https://") || url.starts_with("http://");
}

}  // namespace

absl::Status ReadProject(const json::Value& object, const GatewayOptions& options,
                         const ApiParts& parts, Project* out) {
  ObjectReader reader(object);
  reader.Read("name", &out->name);
  reader.Read("logo_url", &out->logo_url);
  if (out->name.empty()) reader.FailField("name", "please provide a valid name");
  reader.Fail(CheckText("name", out->name));
  reader.Fail(CheckText("logo_url", out->logo_url));
  if (!out->logo_url.empty() && !IsWebUrl(out->logo_url)) {
    reader.FailField("logo_url", "must be an http or https URL");
  }
  if (const json::Value* config = reader.Object("config")) {
    reader.Fail(ReadConfig(*config, out->type, {options, parts}, &out->config));
  }
  return reader.status();
}

namespace {

absl::StatusOr<Project> MakeProject(const Context& context) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, ParseBody(context));
  const ApiParts& parts = *context.parts;
  ObjectReader reader(document);
  std::string type;
  reader.Read("type", &type);
  Project project{.id = parts.ulids->Next(), .created_at = parts.clock->Now()};
  project.updated_at = project.created_at;
  const auto parsed = model::Parse<ProjectType>(type);
  if (parsed.has_value()) {
    project.type = *parsed;
  } else {
    reader.FailField("type", "please provide a valid type, must be incoming or outgoing");
  }
  project.config.signature.versions.push_back(
      {.id = parts.ulids->Next(), .created_at = project.created_at});
  reader.Fail(ReadProject(document, *context.options, parts, &project));
  CONVOY_RETURN_IF_ERROR(reader.status());
  return project;
}

}  // namespace

Reply CreateProject(const Context& context) {
  absl::StatusOr<Project> project = MakeProject(context);
  if (!project.ok()) return FromStatus(project.status());
  ConfigWrite write;
  const absl::Status planned = PlanMetaProject(*context.parts, &*project, &write);
  if (!planned.ok()) return FromStatus(planned);
  const NewApiKey key = MakeApiKey(Role::kProjectAdmin, project->id,
                                   absl::StrCat(project->name, "'s default key"), *context.parts);
  const std::string data = ToJson([&](json::Writer& writer) {
    writer.BeginObject().Key("api_key");
    WriteApiKey(writer, key.stored, key.text);
    writer.Key("project");
    WriteProject(writer, *project);
    writer.EndObject();
  });
  write.puts.insert(write.puts.end(),
                    {*project, key.stored, MakeEventType(*context.parts, project->id, "*")});
  return ChangeInstance(
      context, [write = std::move(write)](uint64_t) { return write; },
      [data] { return Success(201, "Project created successfully", data); });
}

Reply ListProjects(const Context& context) {
  const absl::StatusOr<std::vector<Project>> projects =
      ListAllConfig<Project>(*context.parts->storage, {.project_id = ""});
  if (!projects.ok()) return FromStatus(projects.status());
  return Success(200, "Projects fetched successfully", ToJson([&](json::Writer& writer) {
                   writer.BeginArray();
                   for (const Project& project : *projects) {
                     if (project.parent_id.empty()) WriteProject(writer, project);
                   }
                   writer.EndArray();
                 }));
}

Reply GetProject(const Context& context) {
  return Success(200, "Project fetched successfully", ToJson([&](json::Writer& writer) {
                   WriteProject(writer, Shown(context, context.project->project()));
                 }));
}

Reply UpdateProject(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  auto updated = std::make_shared<Project>();
  return ChangeInstance(
      context,
      [updated, options = context.options, parts = context.parts,
       id = context.project->project().id,
       body = std::string(context.request->body)](uint64_t) -> absl::StatusOr<ConfigWrite> {
        CONVOY_ASSIGN_OR_RETURN(const Snapshot current, parts->configuration->FindProject(id));
        CONVOY_ASSIGN_OR_RETURN(const json::Document fields, json::Parse(body, {}));
        *updated = current->project();
        updated->updated_at = parts->clock->Now();
        CONVOY_RETURN_IF_ERROR(RefuseChange(fields, "type", model::Name(updated->type)));
        CONVOY_RETURN_IF_ERROR(ReadProject(fields, *options, *parts, updated.get()));
        ConfigWrite write;
        CONVOY_RETURN_IF_ERROR(PlanMetaProject(*parts, updated.get(), &write));
        write.puts.push_back(*updated);
        return write;
      },
      [updated] {
        return Success(202, "Project updated successfully",
                       ToJson([&](json::Writer& writer) { WriteProject(writer, *updated); }));
      },
      [updated, parts = context.parts](WriteBatch& batch) {
        model::AddMetaEvent(updated->config, "project.updated", model::MetaDataOf(*updated),
                            updated->updated_at, *parts->ulids, &batch);
      });
}

Reply DeleteProject(const Context& context) {
  return ChangeInstance(
      context,
      [parts = context.parts,
       id = context.project->project().id](uint64_t) -> absl::StatusOr<ConfigWrite> {
        // As it is now: an update since the request came may have made the meta project.
        CONVOY_ASSIGN_OR_RETURN(const Snapshot current, parts->configuration->FindProject(id));
        ConfigWrite write{.removes = {{.kind = ConfigKind::kProject, .id = id}}};
        const auto& meta = current->project().config.meta_events;
        if (meta.has_value() && !meta->project_id.empty()) {
          write.removes.push_back({.kind = ConfigKind::kProject, .id = meta->project_id});
        }
        return write;
      },
      [] { return Success(200, "Project deleted successfully"); });
}

}  // namespace convoy::http
