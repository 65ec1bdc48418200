// Maps a message's AMQP properties and headers to the gateway's text pairs.
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include "convoy/http.h"

namespace convoy::broker::amqp {

inline std::string_view View(const amqp_bytes_t& bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}
// Borrowed: valid as long as `text` is.
inline amqp_bytes_t Bytes(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

// The headers in their order: text as it is, numbers in decimal (floating-point ones in their
// shortest form), booleans as true and false, instants in seconds since 1970. Arrays, tables,
// binary and void values have no text and are left out. Then the properties x-amqp-content-type,
// x-amqp-content-encoding, x-amqp-correlation-id and x-amqp-type, unless a header already has the
// name. They do not have AMQP's own names, because attributes are forwarded to endpoints as HTTP
// headers.
Headers ToAttributes(const amqp_basic_properties_t& properties);

// message_id, or nothing.
std::string_view MessageId(const amqp_basic_properties_t& properties);

}  // namespace convoy::broker::amqp
