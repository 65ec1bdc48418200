// Assembly of deliveries from frames. Memory is allocated as body bytes arrive, not as the header
// announces.
#include "lib/broker/amqp/assembler.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/broker/amqp/properties.h"
#include "lib/crypto/digest.h"

namespace convoy::broker::amqp {
namespace {

constexpr uint64_t kReservedBytesMax = 256 * 1024;
constexpr size_t kDigestBytes = 16;

absl::Status OutOfOrder() {
  return absl::UnavailableError("the broker sent frames in an order that is not AMQP 0-9-1");
}

// Headers that a broker sets anew each time it hands the message out.
bool IsOfTheDelivery(std::string_view name) {
  return name == "x-delivery-count" || name == "x-acquired-count";
}

// Tells contents apart. Sizes before the parts make the list of attributes unambiguous.
std::string DigestOf(const BrokerMessage& message) {
  std::string parts;
  for (const auto& [name, value] : message.attributes) {
    if (IsOfTheDelivery(name)) continue;
    absl::StrAppend(&parts, name.size(), ":", name, value.size(), ":", value);
  }
  absl::StrAppend(&parts, crypto::Hash(crypto::HashAlgorithm::kSha256, message.body).view());
  const crypto::Digest digest = crypto::Hash(crypto::HashAlgorithm::kSha256, parts);
  return base::HexEncode(digest.view().substr(0, kDigestBytes));
}

}  // namespace

absl::StatusOr<std::optional<Delivery>> Assembler::Add(const amqp_frame_t& frame) {
  if (frame.frame_type == AMQP_FRAME_METHOD) {
    CONVOY_RETURN_IF_ERROR(TakeMethod(frame.payload.method));
    return std::nullopt;
  }
  if (frame.frame_type == AMQP_FRAME_HEADER) {
    CONVOY_RETURN_IF_ERROR(TakeHeader(frame));
  } else if (frame.frame_type == AMQP_FRAME_BODY) {
    CONVOY_RETURN_IF_ERROR(TakeBody(View(frame.payload.body_fragment)));
  } else {
    return OutOfOrder();
  }
  if (bytes_left_ > 0) return std::nullopt;
  return Finish();
}

Delivery Assembler::Finish() {
  expects_ = Expects::kMethod;
  BrokerMessage& message = delivery_.message;
  if (!message.id.empty()) {
    message.redelivery_id = absl::StrCat(place_, "/", DigestOf(message), "/", message.id);
    message.former_redelivery_id = absl::StrCat("id/", message.id);
  }
  return std::exchange(delivery_, Delivery());
}

absl::Status Assembler::TakeMethod(const amqp_method_t& method) {
  if (expects_ != Expects::kMethod) return OutOfOrder();
  if (method.id == AMQP_BASIC_CANCEL_METHOD) {
    return absl::UnavailableError(
        "the broker ended the consumer: its queue was deleted or has moved");
  }
  if (method.id == AMQP_BASIC_DELIVER_METHOD) {
    Begin(*static_cast<const amqp_basic_deliver_t*>(method.decoded));
  } else if (method.id == AMQP_BASIC_GET_OK_METHOD) {
    Begin(*static_cast<const amqp_basic_get_ok_t*>(method.decoded));
  } else {
    return OutOfOrder();
  }
  return absl::OkStatus();
}

template <typename Method>
void Assembler::Begin(const Method& method) {
  delivery_.message.tag = method.delivery_tag;
  delivery_.message.may_be_redelivery = method.redelivered != 0;
  delivery_.message.key = View(method.routing_key);
  expects_ = Expects::kHeader;
}

absl::Status Assembler::TakeHeader(const amqp_frame_t& frame) {
  const auto& header = frame.payload.properties;
  if (expects_ != Expects::kHeader || header.class_id != AMQP_BASIC_CLASS) return OutOfOrder();
  const auto& properties = *static_cast<const amqp_basic_properties_t*>(header.decoded);
  BrokerMessage& message = delivery_.message;
  message.attributes = ToAttributes(properties);
  message.id = MessageId(properties);
  delivery_.properties = View(header.raw);
  bytes_left_ = header.body_size;
  message.is_cut = bytes_left_ > body_bytes_max_;
  message.body.reserve(std::min({bytes_left_, body_bytes_max_, kReservedBytesMax}));
  expects_ = Expects::kBody;
  return absl::OkStatus();
}

absl::Status Assembler::TakeBody(std::string_view part) {
  if (expects_ != Expects::kBody || part.size() > bytes_left_) return OutOfOrder();
  bytes_left_ -= part.size();
  std::string& body = delivery_.message.body;
  body.append(part.substr(0, body_bytes_max_ - body.size()));
  return absl::OkStatus();
}

}  // namespace convoy::broker::amqp
