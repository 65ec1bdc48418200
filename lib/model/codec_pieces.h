// Pieces that the stored forms of several objects share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "convoy/model.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"
#include "lib/model/names.h"

namespace convoy::model {

void WriteTime(json::Writer& writer, std::string_view key, absl::Time time);
void WriteDuration(json::Writer& writer, std::string_view key, absl::Duration duration);
void WriteTexts(json::Writer& writer, std::string_view key, const std::vector<std::string>& texts);
void ReadTime(json::ObjectReader& reader, std::string_view key, absl::Time* out);
void ReadDuration(json::ObjectReader& reader, std::string_view key, absl::Duration* out);

// A spelling that is not known fails the reader with kDataLoss.
template <typename Enum>
void ReadEnum(json::ObjectReader& reader, std::string_view key, Enum* out) {
  std::string name;
  if (!reader.Read(key, &name)) return;
  const std::optional<Enum> value = Parse<Enum>(name);
  if (value.has_value()) {
    *out = *value;
  } else {
    reader.Fail(absl::DataLossError(absl::StrCat("stored field ", key, " has an unknown value")));
  }
}

// The members "retry" and "rate_limit", of projects and of what has its own. ReadRetry returns
// false where there is none.
void WriteRetry(json::Writer& writer, const RetryPolicy& retry);
bool ReadRetry(json::ObjectReader& parent, RetryPolicy* out);
void WriteRateLimit(json::Writer& writer, const RateLimit& limit);
void ReadRateLimit(json::ObjectReader& parent, RateLimit* out);

// The members "auth" of endpoints and "verifier" of sources.
void WriteAuth(json::Writer& writer, const EndpointAuth& auth);
void ReadAuth(json::ObjectReader& parent, EndpointAuth* out);
void WriteVerifier(json::Writer& writer, const VerifierConfig& verifier);
void ReadVerifier(json::ObjectReader& parent, VerifierConfig* out);

// The member "type_filters" of subscriptions, and "meta_events" of projects.
void WriteTypeFilters(json::Writer& writer, const std::vector<TypeFilter>& filters);
void ReadTypeFilters(json::ObjectReader& parent, std::vector<TypeFilter>* out);
void WriteMetaEvents(json::Writer& writer, const MetaEventConfig& config);
void ReadMetaEvents(json::ObjectReader& parent, std::optional<MetaEventConfig>* out);

// Parses a stored text and hands its fields to `read`. Texts that this library wrote may come
// from a damaged file, so the limits apply.
template <typename Object, typename ReadFields>
absl::StatusOr<Object> DecodeStored(std::string_view text, ReadFields read) {
  constexpr json::Limits kStoredLimits = {.values_max = 5'000'000};
  absl::StatusOr<json::Document> document = json::Parse(text, kStoredLimits);
  if (!document.ok()) return document.status();
  json::ObjectReader reader(*document);
  Object object;
  read(reader, object);
  if (!reader.status().ok()) return absl::DataLossError(reader.status().message());
  return object;
}

// The member "broker" of sources.
void WriteBroker(json::Writer& writer, const BrokerConfig& broker);
void ReadBroker(json::ObjectReader& parent, BrokerConfig* out);

}  // namespace convoy::model
