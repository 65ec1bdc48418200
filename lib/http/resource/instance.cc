// Handlers of what is no project's: the caller's own rights, the catalogue of presets, and the
// metrics for the instance's administrator. Additions to Convoy's contract.
#include <string>

#include "convoy/verifier.h"
#include "convoy/version.h"
#include "lib/http/metrics/metrics.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/wire.h"
#include "lib/model/names.h"

namespace convoy::http {
namespace {

using json::Writer;

// The project of the caller's credential; null where it is the instance's, or the project is gone.
void WriteOwnProject(Writer& writer, const Context& context, const std::string& project_id) {
  writer.Key("project");
  const auto project = context.parts->configuration->FindProject(project_id);
  if (project_id.empty() || !project.ok()) {
    writer.Null();
    return;
  }
  writer.BeginObject()
      .Field("uid", (*project)->project().id)
      .Field("name", (*project)->project().name)
      .Field("type", model::Name((*project)->project().type))
      .EndObject();
}

void WritePreset(Writer& writer, const PresetInfo& preset) {
  writer.BeginObject().Field("name", preset.name).Field("title", preset.title);
  WriteTextsField(writer, "schemes", preset.schemes);
  WriteTextsField(writer, "parameters_needed", preset.parameters_needed);
  WriteTextsField(writer, "parameters_used", preset.parameters_used);
  writer.Field("handshake", preset.handshake)
      .Field("evidence", preset.evidence)
      .Field("tenant", preset.tenant)
      .Field("integrity", IntegrityName(preset.integrity));
  WriteTextsField(writer, "sources", preset.sources);
  if (preset.replay_window.has_value()) {
    writer.Field("replay_window", absl::ToInt64Seconds(*preset.replay_window));
  } else {
    WriteNullField(writer, "replay_window");
  }
  writer.EndObject();
}

}  // namespace

Reply GetAccess(const Context& context) {
  return Success(
      200, "Access fetched successfully", ToJson([&](Writer& writer) {
        writer.BeginObject();
        if (context.portal != nullptr) {
          writer.Field("role", "portal")
              .Field("name", context.portal->name)
              .Field("owner_id", context.portal->owner_id)
              .Field("can_manage_endpoint", context.portal->may_manage_endpoints);
          WriteOwnProject(writer, context, context.portal->project_id);
        } else {
          writer.Field("role", model::Name(context.key->role)).Field("name", context.key->name);
          WriteOwnProject(writer, context, context.key->project_id);
        }
        writer.Field("public_url", context.options->public_url)
            .Field("version", kVersion)
            .EndObject();
      }));
}

Reply ListPresetCatalogue(const Context&) {
  return Success(200, "Presets fetched successfully", ToJson([&](Writer& writer) {
                   writer.BeginArray();
                   const std::vector<PresetInfo> presets = ListPresets();
                   for (const PresetInfo& preset : presets) WritePreset(writer, preset);
                   writer.EndArray();
                 }));
}

Reply ReadMetrics(const Context& context) {
  return MetricsResponse(*context.parts, *context.request);
}

}  // namespace convoy::http
