// Signing secrets of endpoints, and endpoints that are made of no more than a name and a URL.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/http/request/api_parts.h"

namespace convoy::http {

// Of the kind that `standard` signs with, unless the value is given.
Secret MakeSecret(const ApiParts& parts, std::string value, StandardSignature standard);

// A given secret must be one that its endpoint can sign with.
absl::Status CheckSecret(std::string_view secret, StandardSignature standard);

// An endpoint that is to be signed for with v1a has a key of its own, or its project has one; and
// each has a secret for Convoy's own signature or a key in its place.
void AddMissingKey(const ApiParts& parts, const SignatureConfig& config, Endpoint& endpoint);

// Gives a new endpoint its first secret, made if `secret` is empty, and what else it signs with.
absl::Status AddFirstSecret(const ApiParts& parts, const SignatureConfig& config,
                            std::string secret, Endpoint& endpoint);

// A new endpoint with the defaults of the API.
absl::StatusOr<Endpoint> MakeEndpoint(const ApiParts& parts, const Project& project,
                                      std::string name, std::string url, std::string secret);

}  // namespace convoy::http
