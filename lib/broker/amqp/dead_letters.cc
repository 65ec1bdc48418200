// Publisher of dead letters, one message at a time, each confirmed before the next. Dead letters
// are rare; where they are not, certainty matters more than speed.
#include "lib/broker/amqp/dead_letters.h"

#include <amqp_framing.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/broker/amqp/properties.h"

namespace convoy::broker::amqp {
namespace {

constexpr std::string_view kReasonHeader = "x-convoy-reason";
constexpr size_t kReasonBytesMax = 1024;
constexpr absl::Duration kConfirmPatience = absl::Seconds(5);

amqp_table_entry_t ReasonEntry(std::string_view reason) {
  amqp_table_entry_t entry = {};
  entry.key = Bytes(kReasonHeader);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = Bytes(reason.substr(0, kReasonBytesMax));
  return entry;
}

bool IsKept(const amqp_table_entry_t& entry) {
  const std::string_view key = View(entry.key);
  return key != "CC" && key != "BCC" && key != kReasonHeader;
}

}  // namespace

absl::Status DeadLetters::Publish(const Ledger::Entry& entry, std::string_view body,
                                  std::string_view reason) {
  if (!has_exchange()) return absl::OkStatus();
  CONVOY_RETURN_IF_ERROR(failure_);
  const absl::StatusOr<bool> is_taken = TryPublish(entry, body, reason);
  if (!is_taken.ok()) {
    connection_.reset();
    failure_ = is_taken.status();
    return failure_;
  }
  if (*is_taken) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("no queue is bound to exchange ",
                                          config_.dead_letter_exchange, " for dead letters"));
}

absl::Status DeadLetters::Connect() {
  CONVOY_ASSIGN_OR_RETURN(connection_,
                          Connection::Open(config_, guard_, "convoy dead letters", clock_));
  amqp_confirm_select_t select = {};
  return connection_->Call(AMQP_CONFIRM_SELECT_METHOD, &select, AMQP_CONFIRM_SELECT_OK_METHOD,
                           "cannot publish dead letters");
}

absl::StatusOr<bool> DeadLetters::TryPublish(const Ledger::Entry& entry, std::string_view body,
                                             std::string_view reason) {
  if (connection_ == nullptr) CONVOY_RETURN_IF_ERROR(Connect());
  amqp_pool_t pool;
  init_amqp_pool(&pool, 4096);
  const auto release = absl::MakeCleanup([&pool] { empty_amqp_pool(&pool); });
  void* decoded = nullptr;
  if (amqp_decode_properties(AMQP_BASIC_CLASS, &pool, Bytes(entry.properties), &decoded) !=
      AMQP_STATUS_OK) {
    return absl::InternalError("the properties of a message cannot be read again");
  }
  amqp_basic_properties_t properties = *static_cast<amqp_basic_properties_t*>(decoded);
  std::vector<amqp_table_entry_t> headers;
  // With the reason added they may exceed one frame, which AMQP does not allow.
  const bool is_fitting =
      entry.properties.size() + 2 * kReasonBytesMax < connection_->frame_bytes_max();
  if (is_fitting && (properties._flags & AMQP_BASIC_HEADERS_FLAG) != 0) {
    const amqp_table_t& all = properties.headers;
    std::copy_if(all.entries, all.entries + all.num_entries, std::back_inserter(headers), IsKept);
  }
  headers.push_back(ReasonEntry(reason));
  properties.headers = {static_cast<int>(headers.size()), headers.data()};
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties._flags |= AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties._flags &=
      ~static_cast<amqp_flags_t>(AMQP_BASIC_EXPIRATION_FLAG | AMQP_BASIC_USER_ID_FLAG);
  CONVOY_RETURN_IF_ERROR(
      connection_->Publish(config_.dead_letter_exchange, entry.routing_key, properties, body));
  return AwaitConfirmation();
}

absl::StatusOr<bool> DeadLetters::AwaitConfirmation() {
  const absl::Time deadline = clock_->Now() + kConfirmPatience;
  bool is_returned = false;
  while (true) {
    const amqp_frame_t* frame = nullptr;
    CONVOY_ASSIGN_OR_RETURN(frame, connection_->Next());
    if (frame == nullptr) {
      const absl::Duration left = deadline - clock_->Now();
      if (left <= absl::ZeroDuration()) {
        return absl::UnavailableError("the broker does not confirm a dead letter");
      }
      CONVOY_RETURN_IF_ERROR(connection_->Wait(-1, left));
      continue;
    }
    // A message that no queue took is first returned, with header and body, and then confirmed.
    if (frame->frame_type != AMQP_FRAME_METHOD) continue;
    const amqp_method_number_t method = frame->payload.method.id;
    if (method == AMQP_BASIC_RETURN_METHOD) is_returned = true;
    if (method == AMQP_BASIC_NACK_METHOD) {
      return absl::UnavailableError("the broker could not take a dead letter");
    }
    if (method == AMQP_BASIC_ACK_METHOD) return !is_returned;
  }
}

}  // namespace convoy::broker::amqp
