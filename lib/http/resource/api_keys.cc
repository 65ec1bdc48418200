// API keys of a project: an addition to Convoy's contract, which manages keys in its dashboard
// only.
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/http/request/authentication.h"
#include "lib/http/resource/config_change.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"

namespace convoy::http {
namespace {

absl::StatusOr<NewApiKey> MakeKey(const Context& context) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, ParseBody(context));
  json::ObjectReader reader(document);
  std::string name, expires_at;
  Role role = Role::kProjectAdmin;
  reader.Read("name", &name);
  ReadEnum(reader, "role", "must be project_admin or project_viewer", &role);
  reader.Read("expires_at", &expires_at);
  if (name.empty()) reader.FailField("name", "please provide a valid name");
  reader.Fail(CheckText("name", name));
  if (role == Role::kInstanceAdmin) {
    reader.FailField("role", "must be project_admin or project_viewer");
  }
  const std::optional<absl::Time> end = base::ParseTime(expires_at);
  if (!expires_at.empty() && (!end.has_value() || *end <= context.parts->clock->Now())) {
    reader.FailField("expires_at", "must be an instant to come, such as 2030-01-02T15:04:05Z");
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  NewApiKey key = MakeApiKey(role, context.project->project().id, name, *context.parts);
  key.stored.expires_at = end;
  return key;
}

}  // namespace

Reply CreateApiKey(const Context& context) {
  const absl::StatusOr<NewApiKey> key = MakeKey(context);
  if (!key.ok()) return FromStatus(key.status());
  const std::string data =
      ToJson([&](json::Writer& writer) { WriteApiKey(writer, key->stored, key->text); });
  return ChangeInstance(
      context, [stored = key->stored](uint64_t) { return ConfigWrite{.puts = {stored}}; },
      [data] { return Success(201, "API key created successfully", data); });
}

Reply ListApiKeys(const Context& context) {
  const auto keys =
      ListAllConfig<ApiKey>(*context.parts->storage, {.project_id = context.project->project().id});
  if (!keys.ok()) return FromStatus(keys.status());
  return Success(200, "API keys fetched successfully", ToJson([&](json::Writer& writer) {
                   writer.BeginArray();
                   for (const ApiKey& key : *keys) WriteApiKey(writer, key, "");
                   writer.EndArray();
                 }));
}

Reply DeleteApiKey(const Context& context) {
  const std::string project_id = context.project->project().id;
  return ChangeInstance(
      context,
      [storage = context.parts->storage, project_id,
       id = context.capture(1)](uint64_t) -> absl::StatusOr<ConfigWrite> {
        CONVOY_RETURN_IF_ERROR(GetConfig<ApiKey>(*storage, project_id, id).status());
        return ConfigWrite{.removes = {{.kind = ConfigKind::kApiKey, .id = id}}};
      },
      [] { return Success(200, "API key revoked successfully"); });
}

}  // namespace convoy::http
