// Handlers of event types, the catalogue of what a project sends. They describe: an event of a type
// that is not listed, or that is deprecated, is accepted like any other.
#include "lib/http/resource/event_types.h"

#include <memory>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "lib/base/read_limit.h"
#include "lib/base/status_macros.h"
#include "lib/http/resource/config_change.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"
#include "lib/intake/event_checks.h"
#include "lib/model/codec.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr size_t kSchemaBytesMax = 256 * 1024;
// Of one import, which is one transaction.
constexpr size_t kImportedMax = 1000;
constexpr size_t kImportedSchemaBytesMax = 4 * 1024 * 1024;
constexpr uint32_t kTypesOfPage = 64;  // in memory at a time
// Of a list, which has no pages; the types beyond are listed without their schemas.
constexpr size_t kListedSchemaBytesMax = 16 * 1024 * 1024;

void WriteEventType(json::Writer& writer, const EventType& type, bool has_schema = true) {
  writer.BeginObject()
      .Field("uid", type.id)
      .Field("name", type.name)
      .Field("category", type.category)
      .Field("description", type.description);
  if (has_schema) {
    writer.Key("json_schema").Raw(type.json_schema.empty() ? "null" : type.json_schema);
  }
  if (type.deprecated_at.has_value()) {
    WriteTimeField(writer, "deprecated_at", *type.deprecated_at);
  } else {
    WriteNullField(writer, "deprecated_at");
  }
  writer.EndObject();
}

HttpResponse Answer(int code, std::string_view message, const EventType& type) {
  return Success(code, message,
                 ToJson([&](json::Writer& writer) { WriteEventType(writer, type); }));
}

// Reads all but the name over what `out` holds; blank texts keep it.
absl::Status ReadDescription(const json::Value& document, std::string_view body, EventType* out) {
  ObjectReader reader(document);
  std::string category, description;
  if (reader.Read("category", &category) && !category.empty()) out->category = category;
  if (reader.Read("description", &description) && !description.empty()) {
    out->description = description;
  }
  if (reader.Object("json_schema") != nullptr) out->json_schema = RawMember(body, "json_schema");
  reader.Fail(CheckText("category", out->category));
  reader.Fail(CheckText("description", out->description, 4 * kFieldBytesMax));
  reader.Fail(CheckText("json_schema", out->json_schema, kSchemaBytesMax));
  return reader.status();
}

absl::StatusOr<EventType> GetEventType(const ApiParts& parts, const Snapshot& project,
                                       const std::string& id) {
  absl::StatusOr<EventType> type = GetConfig<EventType>(*parts.storage, project->project().id, id);
  if (absl::IsNotFound(type.status())) return absl::NotFoundError("event type not found");
  return type;
}

// Changes one event type: `change` is given the current one, each time anew.
Reply ChangeEventType(const Context& context, std::string message,
                      std::function<absl::Status(EventType&)> change) {
  auto changed = std::make_shared<EventType>();
  return ChangeProject(
      context,
      [changed, change = std::move(change), id = context.capture(1),
       parts = context.parts](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        CONVOY_ASSIGN_OR_RETURN(*changed, GetEventType(*parts, project, id));
        CONVOY_RETURN_IF_ERROR(change(*changed));
        changed->updated_at = parts->clock->Now();
        return ConfigWrite{.puts = {*changed}};
      },
      [changed, message = std::move(message)] { return Answer(201, message, *changed); });
}

// The part of an OpenAPI document that is about one webhook.
struct ImportedType {
  std::string name;
  std::string description;
  std::string json_schema;
};

// The value that a local reference leads to, and any other value as it is.
const json::Value* Resolve(const json::Value& document, const json::Value* value) {
  constexpr std::string_view kPrefix = "#/components/schemas/";
  if (value == nullptr || !value->IsObject() || !value->HasMember("$ref")) return value;
  const json::Value& reference = (*value)["$ref"];
  if (!reference.IsString() || !absl::StartsWith(reference.GetString(), kPrefix)) return value;
  ObjectReader root(document);
  const json::Value* components = root.Object("components");
  if (components == nullptr) return value;
  const json::Value* schemas = ObjectReader(*components).Object("schemas");
  if (schemas == nullptr) return value;
  const json::Value* found =
      ObjectReader(*schemas).Object(std::string_view(reference.GetString()).substr(kPrefix.size()));
  return found == nullptr ? value : found;
}

const json::Value* Below(const json::Value* value, std::initializer_list<std::string_view> path) {
  for (const std::string_view key : path) {
    if (value == nullptr) return nullptr;
    value = ObjectReader(*value).Object(key);
  }
  return value;
}

ImportedType ReadWebhook(const json::Value& document, std::string name, const json::Value& item) {
  ImportedType type{.name = std::move(name)};
  const json::Value* operation = nullptr;
  for (const char* method : {"post", "put", "patch"}) {
    if (operation == nullptr) operation = ObjectReader(item).Object(method);
  }
  if (operation == nullptr) return type;
  ObjectReader reader(*operation);
  if (!reader.HasText("description") || !reader.Read("description", &type.description)) {
    if (reader.HasText("summary")) reader.Read("summary", &type.description);
  }
  const json::Value* schema =
      Resolve(document, Below(operation, {"requestBody", "content", "application/json", "schema"}));
  if (schema != nullptr) type.json_schema = json::ToText(*schema);
  return type;
}

absl::StatusOr<std::vector<ImportedType>> ReadOpenApi(const Context& context) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document request, ParseBody(context));
  ObjectReader fields(request);
  std::string spec;
  fields.Read("spec", &spec);
  CONVOY_RETURN_IF_ERROR(fields.status());
  if (spec.empty()) return FieldError("spec", "please provide an OpenAPI document");
  const absl::StatusOr<json::Document> document = json::Parse(spec, {});
  if (!document.ok() || !document->IsObject()) {
    return FieldError("spec", "must be the JSON text of an OpenAPI document; YAML is not built in");
  }
  std::string version;
  ObjectReader reader(*document);
  reader.Read("openapi", &version);
  if (!version.starts_with("3.")) return FieldError("spec", "must be of OpenAPI 3");
  if (const auto key = FindRepeatedKey(*document)) return RepeatedKeyError(*key);
  std::vector<ImportedType> types;
  const json::Value* const webhooks = reader.Object("webhooks");
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (webhooks == nullptr) return types;
  if (webhooks->MemberCount() > kImportedMax) {
    return FieldError("spec", absl::StrCat("must have at most ", kImportedMax, " webhooks"));
  }
  size_t schema_bytes = 0;
  for (const auto& member : webhooks->GetObject()) {
    std::string name(member.name.GetString(), member.name.GetStringLength());
    if (name.empty()) return FieldError("spec.webhooks", "must hold webhooks that have a name");
    CONVOY_RETURN_IF_ERROR(CheckText("spec.webhooks", name, intake::kEventTypeBytesMax));
    if (!member.value.IsObject()) return FieldError("spec.webhooks", "must hold objects");
    types.push_back(ReadWebhook(*document, std::move(name), member.value));
    CONVOY_RETURN_IF_ERROR(CheckText("spec.webhooks", types.back().json_schema, kSchemaBytesMax));
    schema_bytes += types.back().json_schema.size();
    if (schema_bytes > kImportedSchemaBytesMax) {
      return FieldError("spec.webhooks", absl::StrCat("must not have schemas of more than ",
                                                      kImportedSchemaBytesMax, " bytes in all"));
    }
    CONVOY_RETURN_IF_ERROR(
        CheckText("spec.webhooks", types.back().description, 4 * kFieldBytesMax));
  }
  return types;
}

absl::StatusOr<EventType> FindByName(Storage& storage, std::string_view project_id,
                                     std::string_view name) {
  return FindConfig<EventType>(storage, "key", model::EventTypeKey(project_id, name));
}

}  // namespace

EventType MakeEventType(const ApiParts& parts, std::string_view project_id, std::string_view name) {
  const absl::Time now = parts.clock->Now();
  return {.id = parts.ulids->Next(),
          .project_id = std::string(project_id),
          .name = std::string(name),
          .created_at = now,
          .updated_at = now};
}

absl::Status FindEventType(Storage& storage, std::string_view project_id, std::string_view name) {
  if (name == "*") return absl::OkStatus();
  return FindByName(storage, project_id, name).status();
}

absl::Status AddEventTypes(const ApiParts& parts, std::string_view project_id,
                           const std::vector<std::string>& names, ConfigWrite* write) {
  absl::flat_hash_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second) continue;
    const absl::Status found = FindEventType(*parts.storage, project_id, name);
    if (found.ok()) continue;
    if (!absl::IsNotFound(found)) return found;
    write->puts.push_back(MakeEventType(parts, project_id, name));
  }
  return absl::OkStatus();
}

Reply CreateEventType(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  EventType type = MakeEventType(*context.parts, context.project->project().id, "");
  ObjectReader reader(*document);
  reader.Read("name", &type.name);
  if (type.name.empty()) reader.FailField("name", "please provide a valid name");
  reader.Fail(CheckText("name", type.name, intake::kEventTypeBytesMax));
  reader.Fail(ReadDescription(*document, context.request->body, &type));
  if (!reader.status().ok()) return FromStatus(reader.status());
  return ChangeProject(
      context, [type](const Snapshot&) { return ConfigWrite{.puts = {type}}; },
      [type] { return Answer(201, "Event type created successfully", type); });
}

// The contract has no pages here.
Reply ListEventTypes(const Context& context) {
  PageRequest request{.items_max = kTypesOfPage};
  size_t schema_bytes = 0;
  json::Writer writer;
  writer.BeginArray();
  while (true) {
    if (base::ReadLimit::IsOver()) {
      return FromStatus(absl::DeadlineExceededError("the list takes too long"));
    }
    const auto page = ListConfig<EventType>(*context.parts->storage,
                                            {.project_id = context.project->project().id}, request);
    if (!page.ok()) return FromStatus(page.status());
    for (const EventType& type : page->items) {
      schema_bytes += type.json_schema.size();
      WriteEventType(writer, type, schema_bytes <= kListedSchemaBytesMax);
    }
    if (!page->has_next) break;
    request.cursor = page->next_cursor;
  }
  writer.EndArray();
  return Success(200, "Event types fetched successfully", writer.TakeText());
}

// The message is Convoy's, whose clients want 201 here.
Reply UpdateEventType(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  return ChangeEventType(
      context, "Event type created successfully",
      [body = std::string(context.request->body)](EventType& type) -> absl::Status {
        CONVOY_ASSIGN_OR_RETURN(const json::Document fields, json::Parse(body, {}));
        CONVOY_RETURN_IF_ERROR(RefuseChange(fields, "name", type.name));
        return ReadDescription(fields, body, &type);
      });
}

Reply DeprecateEventType(const Context& context) {
  return ChangeEventType(context, "Event type deprecated successfully",
                         [clock = context.parts->clock](EventType& type) {
                           if (!type.deprecated_at.has_value()) type.deprecated_at = clock->Now();
                           return absl::OkStatus();
                         });
}

// {"spec": text of an OpenAPI document}: each of its webhooks makes an event type, or describes the
// one of its name.
Reply ImportEventTypes(const Context& context) {
  absl::StatusOr<std::vector<ImportedType>> imported = ReadOpenApi(context);
  if (!imported.ok()) return FromStatus(imported.status());
  auto types = std::make_shared<std::vector<EventType>>();
  return ChangeProject(
      context,
      [types, imported = *std::move(imported),
       parts = context.parts](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        types->clear();
        ConfigWrite write;
        for (const ImportedType& each : imported) {
          const std::string& project_id = project->project().id;
          auto known = FindByName(*parts->storage, project_id, each.name);
          if (!known.ok() && !absl::IsNotFound(known.status())) return known.status();
          EventType type =
              known.ok() ? *std::move(known) : MakeEventType(*parts, project_id, each.name);
          if (!each.description.empty()) type.description = each.description;
          if (!each.json_schema.empty()) type.json_schema = each.json_schema;
          type.updated_at = parts->clock->Now();
          write.puts.push_back(type);
          types->push_back(std::move(type));
        }
        return write;
      },
      [types] {
        return Success(200, "Event types imported successfully", ToJson([&](json::Writer& writer) {
                         writer.BeginArray();
                         for (const EventType& type : *types) WriteEventType(writer, type);
                         writer.EndArray();
                       }));
      });
}

}  // namespace convoy::http
