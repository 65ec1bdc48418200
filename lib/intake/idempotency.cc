// Idempotency keys and dedupe keys. The first byte of a dedupe key tells its origin; these bytes
// are stored and therefore permanent.

#include "lib/intake/idempotency.h"

#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"
#include "lib/intake/locations.h"

namespace convoy::intake {
namespace {

constexpr char kFromIngest = 'i';
constexpr char kFromRest = 'r';
constexpr char kFromBroker = 'b';
constexpr char kFromProvider = 'p';

}  // namespace

std::variant<IngestKeys, MissingKey> MakeIngestKeys(const Source& source,
                                                    const HttpRequest& request,
                                                    body::BodyView& body, absl::Time expires_at) {
  std::string shown = source.name;
  std::string compared = source.id;
  for (const std::string& location : source.idempotency_keys) {
    const std::optional<std::string> value = FindAtLocation(location, request, body);
    if (!value.has_value()) return MissingKey{.location = location, .opacity = body.opacity()};
    absl::StrAppend(&shown, *value);
    // The size before the value makes the list of values unambiguous.
    absl::StrAppend(&compared, ";", value->size(), ":", *value);
  }
  const crypto::Digest shown_digest = crypto::Hash(crypto::HashAlgorithm::kSha256, shown);
  const crypto::Digest compared_digest = crypto::Hash(crypto::HashAlgorithm::kSha256, compared);
  return IngestKeys{
      .idempotency_key = base::HexEncode(shown_digest.view()),
      .dedupe = {.scope = source.project_id,
                 .key = absl::StrCat(std::string(1, kFromIngest), compared_digest.view()),
                 .expires_at = expires_at}};
}

DedupeKey MakeReplayKey(const Source& source, std::string_view event_id, absl::Time expires_at) {
  const crypto::Digest digest =
      crypto::Hash(crypto::HashAlgorithm::kSha256, absl::StrCat(source.id, ";", event_id));
  return {.scope = source.project_id,
          .key = absl::StrCat(std::string(1, kFromProvider), digest.view()),
          .expires_at = expires_at};
}

DedupeKey MakeRestDedupeKey(std::string project_id, std::string_view idempotency_key,
                            absl::Time expires_at) {
  return {.scope = std::move(project_id),
          .key = absl::StrCat(std::string(1, kFromRest), idempotency_key),
          .expires_at = expires_at};
}

DedupeKey MakeRedeliveryKey(const Source& source, std::string_view redelivery_id,
                            absl::Time expires_at) {
  // A row of an outbox is one event, whichever source reads it: one that was made anew, or a second
  // one of the same name. Its redelivery id is of this row alone.
  const bool is_outbox = std::holds_alternative<OutboxConfig>(source.broker);
  // Ids have no ';', so that source and redelivery id cannot run into each other.
  return {.scope = source.project_id,
          .key = absl::StrCat(std::string(1, kFromBroker), is_outbox ? "" : source.id, ";",
                              redelivery_id),
          .expires_at = expires_at};
}

}  // namespace convoy::intake
