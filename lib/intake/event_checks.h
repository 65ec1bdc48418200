// Checks that an event must pass before it is accepted. Refusals are worded for the caller; texts
// that clients know are kept.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

#include "convoy/model.h"
#include "convoy/options.h"
#include "lib/intake/intake.h"

namespace convoy::intake {

inline constexpr size_t kEventTypeBytesMax = 512;
inline constexpr size_t kIdempotencyKeyBytesMax = 1024;
inline constexpr size_t kOwnerIdBytesMax = 512;
inline constexpr size_t kUrlBytesMax = 16 * 1024;  // path and query of an ingest request

// How large a body may be, and what says so.
struct BodyLimit {
  uint64_t bytes_max = 0;
  std::string_view setting;
};

// The smaller of the host's limit and the project's. A project that has left max_payload_read_size
// at its default has no limit of its own: the default is made for stored responses, and providers
// send more (GitHub: 25 MB).
BodyLimit LimitOf(const GatewayOptions& options, const ProjectConfig& config);

// kOutOfRange with the reason too_large beyond LimitOf.
absl::Status CheckBodySize(const GatewayOptions& options, const ProjectConfig& config,
                           uint64_t body_bytes);
// The refusal of a larger body.
absl::Status TooLarge(const BodyLimit& limit);

// Present, UTF-8, not too long: "event_type: …".
absl::Status CheckText(std::string_view field, std::string_view text, size_t bytes_max);

// Path and query, which go into the URL of deliveries: no space, control or non-ASCII character.
absl::Status CheckUrlText(std::string_view path, std::string_view query);

// All of a REST event but what it is addressed to.
absl::Status CheckRestEvent(const GatewayOptions& options, const Project& project,
                            const RestEvent& event);

}  // namespace convoy::intake
