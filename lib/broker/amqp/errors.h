// Maps AMQP errors to the codes of broker.h, each with one line for an operator. The text never
// holds a secret, whatever the peer sends.
#pragma once

#include <amqp.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace convoy::broker::amqp {

// Reply codes of AMQP 0-9-1, section 1.2, and whether they came as the answer to a login.
enum class Phase : uint8_t { kLogin, kOpen };

// librabbitmq gave up with `status` while `doing` ("cannot log in to rabbit.example:5672").
absl::Status LibraryError(int status, std::string_view doing);

// The broker closed the channel or the connection with these. Its text is quoted, as one line of
// bounded length, unless `password` is in it.
absl::Status ServerError(int code, std::string_view text, std::string_view doing, Phase phase,
                         std::string_view password);

// At most 200 bytes of `text`, without what is not printable.
std::string OneLine(std::string_view text);

}  // namespace convoy::broker::amqp
