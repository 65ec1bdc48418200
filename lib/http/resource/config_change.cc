// Each change is a prepared write, guarded by the revision of what it was built from.
#include "lib/http/resource/config_change.h"

#include <utility>

#include "lib/base/status_macros.h"
#include "lib/http/request/prepared_write.h"
#include "lib/http/resource/meta_project.h"

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
