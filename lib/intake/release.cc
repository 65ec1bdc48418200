// Release of held inputs, with one branch for each kind. In all of them the event and the release
// are one batch, so that neither a crash nor a second call can accept an input twice.
#include "lib/intake/release.h"

#include <utility>

namespace convoy::intake {
namespace {

ReleasePlan PlanRequest(const Intake& intake, const route::ProjectSnapshot& project,
                        const config::SourceEntry& source, const HeldInput& input,
                        FunctionRuns* runs) {
  std::string reason;
  absl::StatusOr<WriteBatch> batch =
      intake.PrepareHeldRequest(project, source, input, &reason, runs);
  if (!batch.ok()) return {.refusal = std::move(reason)};
  batch->releases.push_back({.project_id = input.project_id, .held_id = input.id});
  return {.batch = *std::move(batch)};
}

ReleasePlan PlanMessage(const BrokerIntake& intake, const route::ProjectSnapshot& project,
                        const config::SourceEntry& source, const HeldInput& input,
                        FunctionRuns* runs) {
  absl::StatusOr<WriteBatch> batch = intake.PrepareHeldMessage(project, source.source, input, runs);
  if (batch.ok()) return {.batch = *std::move(batch)};
  // "reason: detail"
  const std::string_view message = batch.status().message();
  return {.refusal = std::string(message.substr(0, message.find(':')))};
}

}  // namespace

ReleasePlan PlanRelease(const Intake& intake, const BrokerIntake& broker_intake,
                        const route::ProjectSnapshot& project, const config::SourceEntry& source,
                        const HeldInput& input, FunctionRuns* runs) {
  switch (input.kind) {
    case HeldKind::kQuarantine:
      return PlanRequest(intake, project, source, input, runs);
    case HeldKind::kDeadLetter:
      // Of a request whose function failed.
      if (!input.method.empty()) return PlanRequest(intake, project, source, input, runs);
      return PlanMessage(broker_intake, project, source, input, runs);
  }
  return {.refusal = "unusable"};
}

}  // namespace convoy::intake
