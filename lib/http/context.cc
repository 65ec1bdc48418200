// Shared parts of handlers; see context.h.
#include "lib/http/context.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/http/meta_project.h"
#include "lib/http/prepared_write.h"

namespace convoy::http {
namespace {

PendingWrite PendingChange(WriteBatch batch, ConfigWrite write,
                           std::function<HttpResponse()> answer) {
  PendingWrite pending{.batch = std::move(batch)};
  pending.has_deliveries = !pending.batch.submissions.empty();
  pending.batch.config.push_back(std::move(write));
  pending.finish = [answer = std::move(answer)](const CommitResult&) -> Reply { return answer(); };
  return pending;
}

}  // namespace

std::optional<std::string_view> FindRepeatedKey(const json::Value& root) {
  std::vector<const json::Value*> open = {&root};
  while (!open.empty()) {
    const json::Value& value = *open.back();
    open.pop_back();
    if (value.IsArray()) {
      for (const json::Value& element : value.GetArray()) open.push_back(&element);
    }
    if (!value.IsObject()) continue;
    absl::flat_hash_set<std::string_view> keys;
    for (auto member = value.MemberBegin(); member != value.MemberEnd(); ++member) {
      const std::string_view key(member->name.GetString(), member->name.GetStringLength());
      if (!keys.insert(key).second) return key;
      open.push_back(&member->value);
    }
  }
  return std::nullopt;
}

absl::Status RepeatedKeyError(std::string_view key) {
  constexpr size_t kShownMax = 256;
  if (key.size() > kShownMax) {
    key = key.substr(0, kShownMax);
    // Not within a character.
    while (!base::IsValidUtf8(key)) key.remove_suffix(1);
  }
  return absl::InvalidArgumentError(absl::StrCat("body contains field \"", key, "\" twice"));
}

absl::StatusOr<json::Document> ParseBody(const Context& context, const json::Limits& limits) {
  CONVOY_ASSIGN_OR_RETURN(json::Document document, json::Parse(context.request->body, limits));
  if (!document.IsObject()) {
    return absl::InvalidArgumentError("body contains incorrect JSON type (at character 1)");
  }
  if (const auto key = FindRepeatedKey(document)) return RepeatedKeyError(*key);
  return document;
}

Reply ChangeProject(const Context& context, BuildWrite build,
                    std::function<HttpResponse()> answer) {
  return WritePrepared([&parts = *context.parts, project_id = context.project->project().id,
                        build = std::move(build),
                        answer = std::move(answer)]() -> absl::StatusOr<Reply> {
    CONVOY_ASSIGN_OR_RETURN(const Snapshot project, parts.configuration->FindProject(project_id));
    CONVOY_ASSIGN_OR_RETURN(ConfigWrite write, build(project));
    write.scope = project_id;
    write.expected_revision = project->revision();
    WriteBatch batch;
    CONVOY_RETURN_IF_ERROR(TellOfEndpoints(parts, *project, write, &batch));
    return PendingChange(std::move(batch), std::move(write), answer);
  });
}

Reply ChangeInstance(const Context& context, BuildInstanceWrite build,
                     std::function<HttpResponse()> answer, std::function<void(WriteBatch&)> tell) {
  return WritePrepared([storage = context.parts->storage, build = std::move(build),
                        answer = std::move(answer),
                        tell = std::move(tell)]() -> absl::StatusOr<Reply> {
    CONVOY_ASSIGN_OR_RETURN(const uint64_t revision, storage->ConfigRevision(""));
    CONVOY_ASSIGN_OR_RETURN(ConfigWrite write, build(revision));
    write.scope = "";
    write.expected_revision = revision;
    WriteBatch batch;
    if (tell) tell(batch);
    return PendingChange(std::move(batch), std::move(write), answer);
  });
}

}  // namespace convoy::http
