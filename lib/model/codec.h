// The stored form of configuration objects: JSON texts that a later version of the library still
// reads. A field that is missing takes its default; an unknown field is ignored. Durations are
// whole microseconds where a client may set any, so nothing is lost; instants are microseconds
// since 1970. Each object is coded in a file of its own, NOUN_codec.cc.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/model.h"

namespace convoy::model {

std::string Encode(const Project& project);
std::string Encode(const Endpoint& endpoint);
std::string Encode(const Source& source);
std::string Encode(const Subscription& subscription);
std::string Encode(const ApiKey& key);
std::string Encode(const EventType& type);
std::string Encode(const PortalLink& link);

absl::StatusOr<Project> DecodeProject(std::string_view text);
absl::StatusOr<Endpoint> DecodeEndpoint(std::string_view text);
absl::StatusOr<Source> DecodeSource(std::string_view text);
absl::StatusOr<Subscription> DecodeSubscription(std::string_view text);
absl::StatusOr<ApiKey> DecodeApiKey(std::string_view text);
absl::StatusOr<EventType> DecodeEventType(std::string_view text);
absl::StatusOr<PortalLink> DecodePortalLink(std::string_view text);

// The value of the unique field of event types, "key".
std::string EventTypeKey(std::string_view project_id, std::string_view name);

// Header lists as a compact, lossless JSON text [["name","value"],…]; bytes that are not UTF-8 are
// carried as Latin-1 code points, so that every header value survives.
std::string EncodeHeaders(const Headers& headers);
absl::StatusOr<Headers> DecodeHeaders(std::string_view text);

}  // namespace convoy::model
