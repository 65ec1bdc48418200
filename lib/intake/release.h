// Release of a held input: the batch that makes its event and ends the holding, both or neither.
#pragma once

#include <string>

#include "convoy/model.h"
#include "convoy/storage.h"
#include "lib/config/config_cache.h"
#include "lib/intake/broker_intake.h"
#include "lib/intake/intake.h"
#include "lib/route/snapshot.h"

namespace convoy::intake {

struct ReleasePlan {
  WriteBatch batch;     // one submission and the release
  std::string refusal;  // not empty: there is no batch, for this reason (as HeldInput::reason)
};

// `source` is the input's, as it is configured now. While `runs` wants something, the plan means
// nothing; null: an input whose source has payload functions is refused.
ReleasePlan PlanRelease(const Intake& intake, const BrokerIntake& broker_intake,
                        const route::ProjectSnapshot& project, const config::SourceEntry& source,
                        const HeldInput& input, FunctionRuns* runs = nullptr);

}  // namespace convoy::intake
