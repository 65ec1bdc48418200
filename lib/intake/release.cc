// One branch for each kind of input; what they have in common is that the event and the end of the
// holding stand in one batch, so that a crash or a second call cannot accept an input twice.
#include "lib/intake/release.h"

#include <utility>

namespace convoy::intake {
namespace {

absl::StatusOr<WriteBatch> MakeBatch(const Intake& intake, const route::ProjectSnapshot& project,
                                     const config::SourceEntry& source, const HeldInput& input,
                                     std::string* out_reason) {
  switch (input.kind) {
    case HeldKind::kQuarantine:
      return intake.PrepareHeldRequest(project, source, input, out_reason);
    case HeldKind::kDeadLetter:
      break;
  }
  *out_reason = "unsupported";
  return absl::UnimplementedError("this kind of input cannot be tried again");
}

}  // namespace

ReleasePlan PlanRelease(const Intake& intake, const route::ProjectSnapshot& project,
                        const config::SourceEntry& source, const HeldInput& input) {
  ReleasePlan plan;
  absl::StatusOr<WriteBatch> batch = MakeBatch(intake, project, source, input, &plan.refusal);
  if (!batch.ok()) return plan;
  plan.batch = *std::move(batch);
  // The input itself holds its place in the broker: here that is no sign of having come again.
  for (Submission& submission : plan.batch.submissions) submission.redelivery.reset();
  plan.batch.releases.push_back({.project_id = input.project_id, .held_id = input.id});
  plan.refusal.clear();
  return plan;
}

}  // namespace convoy::intake
