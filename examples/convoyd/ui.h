// The dashboard and the owners' portal, if the settings ask for them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/gateway.h"
#include "examples/convoyd/settings.h"

namespace convoyd {

// Null: they are off. `gateway` is borrowed and must outlive the result. kUnimplemented if this
// convoyd was built without them.
absl::StatusOr<std::unique_ptr<convoy::Gateway>> NewUi(const Settings& settings,
                                                       const std::string& public_url,
                                                       convoy::Gateway* gateway);

// `words` with a bare --ui as "--ui=on".
void SpellOutUi(std::vector<char*>& words);

}  // namespace convoyd
