// Reads and checks locations. They are short and few, so they are taken apart anew for each
// request; what costs is looking into the body, which happens in place.

#include "lib/intake/locations.h"

#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "lib/base/text.h"

namespace convoy::intake {
namespace {

enum class Part : uint8_t { kHeader, kBody, kQuery };

struct Location {
  Part part = Part::kBody;
  std::string_view selector;  // never empty
};

std::optional<Part> ParsePart(std::string_view name) {
  if (base::EqualsIgnoreCase(name, "header")) return Part::kHeader;
  if (base::EqualsIgnoreCase(name, "body")) return Part::kBody;
  if (base::EqualsIgnoreCase(name, "query") || base::EqualsIgnoreCase(name, "queryparam")) {
    return Part::kQuery;
  }
  return std::nullopt;
}

// "root.part" or "root.part.selector".
struct Pieces {
  std::string_view root;
  std::string_view part;
  std::string_view selector;  // empty: there is none
};

std::optional<Pieces> Split(std::string_view text) {
  const size_t root_end = text.find('.');
  if (root_end == std::string_view::npos) return std::nullopt;
  Pieces pieces{.root = text.substr(0, root_end), .part = text.substr(root_end + 1)};
  const size_t part_end = pieces.part.find('.');
  if (part_end == std::string_view::npos) return pieces;
  if (part_end + 1 == pieces.part.size()) return std::nullopt;
  pieces.selector = pieces.part.substr(part_end + 1);
  pieces.part = pieces.part.substr(0, part_end);
  return pieces;
}

std::optional<Location> ParseLocation(std::string_view text) {
  const std::optional<Pieces> pieces = Split(text);
  if (!pieces.has_value() || pieces->selector.empty()) return std::nullopt;
  if (pieces->root != "request" && pieces->root != "req") return std::nullopt;
  const std::optional<Part> part = ParsePart(pieces->part);
  if (!part.has_value()) return std::nullopt;
  return Location{.part = *part, .selector = pieces->selector};
}

bool IsReasonable(std::string_view text) {
  return text.size() <= kLocationBytesMax && base::IsValidUtf8(text);
}

// Signatures over the payload say nothing about headers and query.
bool SignsPayloadOnly(const Source& source) {
  return source.provider != Provider::kNone ||
         std::holds_alternative<HmacVerifierConfig>(source.verifier);
}

}  // namespace

absl::Status CheckIdempotencyLocation(std::string_view location) {
  if (!IsReasonable(location)) {
    return absl::InvalidArgumentError("idempotency key location is too long or not UTF-8");
  }
  const auto refuse = [location](std::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " for idempotency key location with value: ", location));
  };
  const std::vector<std::string_view> parts = absl::StrSplit(location, '.');
  if (parts.size() < 3) return refuse("not enough parts set");
  if (!ParseLocation(location).has_value()) return refuse("unsupported input format");
  return absl::OkStatus();
}

absl::Status CheckEventTypeLocation(const Source& source) {
  const std::string_view text = source.event_type_location;
  if (text.empty()) return absl::OkStatus();
  if (!IsReasonable(text)) {
    return absl::InvalidArgumentError("event type location is too long or not UTF-8");
  }
  const std::optional<Location> location = ParseLocation(text);
  if (!location.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("unsupported input format for event type location with value: ", text));
  }
  if (location->part == Part::kBody) return absl::OkStatus();
  if (location->selector.find('.') != std::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("event type location in headers or query cannot be nested: ", text));
  }
  if (SignsPayloadOnly(source)) {
    return absl::InvalidArgumentError(
        "event type location cannot use request headers or query parameters with payload signature "
        "verification");
  }
  return absl::OkStatus();
}

std::optional<std::string> FindAtLocation(std::string_view text, const HttpRequest& request,
                                          body::BodyView& body) {
  const std::optional<Location> location = ParseLocation(text);
  if (!location.has_value()) return std::nullopt;
  std::optional<std::string> value;
  switch (location->part) {
    case Part::kHeader:
      if (const auto header = base::FindHeader(request.headers, location->selector)) {
        value = std::string(*header);
      }
      break;
    case Part::kQuery:
      value = base::FindQueryParameter(request.query, location->selector);
      break;
    case Part::kBody:
      if (const json::Place place = body.Find(location->selector); place.is_found()) {
        value = place.value.AsScalarText();
      }
      break;
  }
  if (!value.has_value() || value->empty()) return std::nullopt;
  return value;
}

std::optional<MessageLocation> ParseMessageLocation(std::string_view text) {
  const std::optional<Pieces> pieces = Split(text);
  if (!pieces.has_value() || pieces->root != "message") return std::nullopt;
  const bool has_selector = !pieces->selector.empty();
  if (pieces->part == "header" && has_selector) {
    return MessageLocation{.part = MessagePart::kHeader, .selector = pieces->selector};
  }
  if (pieces->part == "body" && has_selector) {
    return MessageLocation{.part = MessagePart::kBody, .selector = pieces->selector};
  }
  if (pieces->part == "key" && !has_selector) return MessageLocation{.part = MessagePart::kKey};
  if (pieces->part == "id" && !has_selector) return MessageLocation{.part = MessagePart::kId};
  return std::nullopt;
}

absl::Status CheckMessageLocation(std::string_view location, std::string_view broker_type) {
  // Kafka's messages have positions, which no producer sees, and keys, which repeat.
  const bool has_id = broker_type != "kafka";
  const std::string_view allowed =
      has_id ? "must be message.header.NAME, message.body.PATH, message.key or message.id"
             : "must be message.header.NAME, message.body.PATH or message.key";
  if (!IsReasonable(location)) {
    return absl::InvalidArgumentError(
        absl::StrCat("must be UTF-8 of at most ", kLocationBytesMax, " bytes"));
  }
  const std::optional<MessageLocation> parsed = ParseMessageLocation(location);
  if (!parsed.has_value() || (parsed->part == MessagePart::kId && !has_id)) {
    return absl::InvalidArgumentError(allowed);
  }
  return absl::OkStatus();
}

}  // namespace convoy::intake
