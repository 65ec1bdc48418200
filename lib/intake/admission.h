// Admission of requests to their source, and the quarantine of refused ones.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "convoy/http.h"
#include "convoy/observer.h"
#include "convoy/options.h"
#include "convoy/storage.h"
#include "convoy/verifier.h"
#include "lib/config/config_cache.h"

namespace convoy::intake {

// Whether the source takes requests at all.
absl::Status CheckSource(const config::SourceEntry& entry);

// Verdict of the source's verifier on a request that was received at `received_at`.
Verdict Judge(const config::SourceEntry& entry, const HttpRequest& request,
              std::string_view public_url, absl::Time received_at);

// What follows from a verdict in the source's mode; reports what is refused, or would be. The
// status is for the sender, who is not told why. `observer` may be null.
absl::Status Admit(const config::SourceEntry& entry, const Verdict& verdict, Observer* observer);

// Whether a request that Admit refused is to be kept. One that waits for a published key is not:
// its sender is asked to come again. Nor is one with more headers than an event may have.
bool IsKept(const config::SourceEntry& entry, const HttpRequest& request, const Verdict& verdict);

// The request as it is kept, with the verdict's reason and never what was expected instead.
Hold MakeHold(const GatewayOptions& options, const config::SourceEntry& entry,
              const HttpRequest& request, const Verdict& verdict, absl::Time now, std::string id);

// How many inputs a quarantine keeps once one with `body_bytes` has been added: as many as would
// fit if all were as large, so that their bytes are bounded without being counted in the store.
uint32_t QuarantineItemsMax(const GatewayOptions& options, uint64_t body_bytes);

}  // namespace convoy::intake
