// Canonical forms that some providers sign instead of the bytes as they came. Each feeds a sink;
// kAmbiguous means that the request cannot be brought into the form.
#pragma once

#include <string_view>

#include "absl/functional/function_ref.h"

#include "lib/verify/evidence.h"

namespace convoy::verify {

using Sink = absl::FunctionRef<void(std::string_view)>;

// Twilio, Mandrill: the fields of a form, decoded and sorted by name, name and value without
// anything between them; of equal fields one.
Finding FeedSortedForm(body::BodyView& form, Sink sink);

// MessageBird's legacy signatures: the query's parameters sorted by name, as they are written.
Finding FeedSortedQuery(std::string_view query, Sink sink);

// Plivo V3: scheme, host and path of the URL, its parameters decoded and sorted, then the sorted
// fields of a form.
Finding FeedPlivoV3Url(const VerifyRequest& request, body::BodyView& form, Sink sink);

// Contentful: path and query, escaped as its own package does it.
Finding FeedContentfulTarget(const VerifyRequest& request, Sink sink);

// Contentful: the headers that the header `list` names, "name:value" in order of name, joined by
// ';'.
Finding FeedSignedHeaders(const VerifyRequest& request, std::string_view list, Sink sink);

// Atlassian Connect's query string hash: SHA-256 of method, path and sorted parameters, as hex.
Finding FeedQueryStringHash(const VerifyRequest& request, Sink sink);

// Unisender Go: the body with the value that `place` finds replaced by the secret.
Finding FeedBodyWithSecret(const Evidence& evidence, const Locator& place, Sink sink);

// Box: the body as its own encoder of JSON writes it, with '/' as "\/" and what is not ASCII, and
// DEL, as \uXXXX for each UTF-16 unit, whatever the spelling in which it was sent.
Finding FeedEscapedBody(std::string_view body, Sink sink);

// The URL with its scheme's default port written out if it has no port, or without that port if it
// has it: some senders sign the one and post to the other. kMissing if it has another port.
Finding FeedOtherPortForm(std::string_view url, Sink sink);

}  // namespace convoy::verify
