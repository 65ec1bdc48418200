// Keys that identify a submission when it is repeated.
//
// The idempotency key is what clients see and ask for; the dedupe key is what the store compares.
// They differ where the key that clients know is ambiguous: a digest of concatenated values is the
// same for ("ab", "c") and ("a", "bc"), so the dedupe key of an ingest request is a digest of its
// own. Keys of the REST API and of ingest never collide.
#pragma once

#include <string>
#include <variant>

#include "absl/time/time.h"

#include "convoy/http.h"
#include "convoy/model.h"
#include "convoy/storage.h"
#include "lib/body/body_view.h"

namespace convoy::intake {

struct IngestKeys {
  std::string idempotency_key;  // hexadecimal SHA-256 of the source's name and the values
  DedupeKey dedupe;
};

// Where a request has no value that its source asks for.
struct MissingKey {
  std::string location;
  body::Opacity opacity = body::Opacity::kNone;  // why the body could not be read for it
};

// The keys of a request to a source that has idempotency locations, or the first of them that has
// no value. One is enough to leave the request without a key: a key made of the others would be
// shared by events that have nothing in common but that.
std::variant<IngestKeys, MissingKey> MakeIngestKeys(const Source& source,
                                                    const HttpRequest& request,
                                                    body::BodyView& body, absl::Time expires_at);

// The dedupe key of a request that its provider has given an id, for as long as the request could
// be replayed.
DedupeKey MakeReplayKey(const Source& source, std::string_view event_id, absl::Time expires_at);

// The dedupe key of a REST event that names an idempotency key.
DedupeKey MakeRestDedupeKey(std::string project_id, std::string_view idempotency_key,
                            absl::Time expires_at);

// Dedupe key of a broker's message with this redelivery id (broker.h). That of an outbox's row is
// the same for every source of the project.
DedupeKey MakeRedeliveryKey(const Source& source, std::string_view redelivery_id,
                            absl::Time expires_at);

}  // namespace convoy::intake
