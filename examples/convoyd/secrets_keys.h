// The keys of --secrets-key-file and --former-secrets-key-file.
#pragma once

#include "absl/status/status.h"

#include "convoy/options.h"
#include "examples/convoyd/settings.h"

namespace convoyd {

// Reads them into `options`.
absl::Status ReadSecretsKeys(const Settings& settings, convoy::GatewayOptions& options);

}  // namespace convoyd
