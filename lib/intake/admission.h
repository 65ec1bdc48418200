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
#include "lib/intake/ingest_report.h"

namespace convoy::intake {

// Whether the source takes requests at all.
absl::Status CheckSource(const config::SourceEntry& entry);

// Verdict of the source's verifier on a request that was received at `received_at`.
Verdict RunVerifier(const config::SourceEntry& entry, const HttpRequest& request,
                    std::string_view public_url, absl::Time received_at);

// Applies the source's mode to a verdict; reports a refusal that is only observed. The status
// carries the verdict's reason; its message is for the sender, who is not told why. `report` may be
// null.
absl::Status ApplyVerifyMode(const config::SourceEntry& entry, const Verdict& verdict,
                             IngestReport* report);

// Tells of a refusal. `scheme` is that of the verdict, if there was one.
void ReportRefusal(const Source& source, const absl::Status& refusal, std::string_view scheme,
                   IngestReport* report);

// Whether a request that was refused is to be kept: one whose function failed in any case, others
// by the source's mode: what could become an event later, once a secret, a setting or a place is
// put right. One that waits for a published key is not: its sender
// is asked to come again. Nor is one that is too large or has more headers than an event may have,
// one that carries no event by its method, or one to a source that is switched off.
bool IsKept(const config::SourceEntry& entry, const HttpRequest& request,
            const absl::Status& refusal);

// The request as it is kept, with the refusal's reason and never what was expected instead. A
// request whose payload function failed is stored as a dead letter, as a broker's message is.
HeldInputWrite MakeHeldInputWrite(const GatewayOptions& options, const config::SourceEntry& entry,
                                  const HttpRequest& request, const absl::Status& refusal,
                                  absl::Time now, std::string id);

// POST, PUT and PATCH.
bool CarriesEvent(std::string_view method);

// How many inputs a quarantine keeps once one with `body_bytes` has been added: as many as would
// fit if all were as large, so that their bytes are bounded without being counted in the store.
uint32_t QuarantineItemsMax(const GatewayOptions& options, uint64_t body_bytes);

}  // namespace convoy::intake
