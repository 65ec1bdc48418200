// Messages of brokers in the form of C, and back.
#pragma once

#include <vector>

#include "capi/parts/part.h"
#include "convoy/broker.h"

namespace convoy::capi {

// A message as C sees it, borrowed. Does not move.
class LentMessage {
 public:
  explicit LentMessage(const BrokerMessage& message)
      : attributes_(BorrowHeaders(message.attributes)),
        view_{.struct_size = sizeof(convoy_message),
              .body = SliceOf(message.body),
              .attributes = attributes_.data(),
              .attributes_count = attributes_.size(),
              .id = SliceOf(message.id),
              .key = SliceOf(message.key),
              .position = SliceOf(message.redelivery_id),
              .former_position = SliceOf(message.former_redelivery_id),
              .tag = message.tag,
              .is_first_delivery = !message.may_be_redelivery,
              .is_cut = message.is_cut} {}
  LentMessage(const LentMessage&) = delete;
  LentMessage& operator=(const LentMessage&) = delete;

  const convoy_message* view() const { return &view_; }

 private:
  const std::vector<convoy_header> attributes_;
  const convoy_message view_;
};

// A copy of one that passed CheckTable.
inline BrokerMessage CopyMessage(const convoy_message& message) {
  const convoy_message given = CopyTable(message);
  return {.body = std::string(TextOf(given.body)),
          .attributes = CopyHeaders(given.attributes, given.attributes_count),
          .id = std::string(TextOf(given.id)),
          .key = std::string(TextOf(given.key)),
          .redelivery_id = std::string(TextOf(given.position)),
          .former_redelivery_id = std::string(TextOf(given.former_position)),
          .may_be_redelivery = given.is_first_delivery == 0,
          .is_cut = given.is_cut != 0,
          .tag = given.tag};
}

}  // namespace convoy::capi
