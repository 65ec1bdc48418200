// Maps AMQP errors to the codes of broker.h, each with one line for an operator. The text never
// holds a secret, whatever the peer sends.
#pragma once

#include <amqp.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace convoy::broker::amqp {

// Reply codes of AMQP 0-9-1, section 1.2; the login is told apart.
enum class Phase : uint8_t { kLogin, kOpen };

// Error for a `status` of librabbitmq while `doing` ("cannot log in to rabbit.example:5672").
absl::Status LibraryError(int status, std::string_view doing);

// Error for a channel or connection that the broker closed. Its text is quoted, as one line of
// bounded length, unless `password` is in it.
absl::Status ServerError(int code, std::string_view text, std::string_view doing, Phase phase,
                         std::string_view password);

// At most 200 bytes of `text`, without unprintable characters.
std::string OneLine(std::string_view text);

}  // namespace convoy::broker::amqp
