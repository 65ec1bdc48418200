// Keys that identify a submission when it is repeated.
//
// The idempotency key is what clients see and ask for; the dedupe key is what the store compares.
// They differ where the key that clients know is ambiguous: a digest of concatenated values is the
// same for ("ab", "c") and ("a", "bc"), so the dedupe key of an ingest request is a digest of its
// own. Keys of the REST API and of ingest never collide.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/http.h"
#include "convoy/model.h"
#include "convoy/storage.h"
#include "lib/intake/json_view.h"

namespace convoy::intake {

struct IngestKeys {
  std::string idempotency_key;  // hexadecimal SHA-256 of the source's name and the values
  DedupeKey dedupe;
};

// The keys of a request to a source that has idempotency locations. kInvalidArgument if a location
// has no value.
absl::StatusOr<IngestKeys> MakeIngestKeys(const Source& source, const HttpRequest& request,
                                          const JsonView& body, absl::Time expires_at);

// The dedupe key of a REST event that names an idempotency key.
DedupeKey MakeRestDedupeKey(std::string project_id, std::string_view idempotency_key,
                            absl::Time expires_at);

// Dedupe key of a broker's message: `position` is its place in the broker.
DedupeKey MakeRedeliveryKey(const Source& source, std::string_view position, absl::Time expires_at);

}  // namespace convoy::intake
