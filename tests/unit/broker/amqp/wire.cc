// Frames of a scripted AMQP broker.
#include "tests/unit/broker/amqp/wire.h"

#include <amqp.h>
#include <amqp_framing.h>

#include "absl/strings/str_cat.h"

namespace convoy::testing {

std::string Integer(uint64_t value, int bytes_count) {
  std::string bytes;
  for (int i = bytes_count - 1; i >= 0; --i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string ShortText(std::string_view text) { return absl::StrCat(Integer(text.size(), 1), text); }
std::string LongText(std::string_view text) { return absl::StrCat(Integer(text.size(), 4), text); }

std::string Frame(uint8_t type, uint16_t channel, std::string_view payload) {
  return absl::StrCat(Integer(type, 1), Integer(channel, 2), LongText(payload), "\xCE");
}

std::string MethodFrame(uint16_t channel, uint32_t id, std::string_view arguments) {
  return Frame(AMQP_FRAME_METHOD, channel, absl::StrCat(Integer(id, 4), arguments));
}

std::string DeliverFrame(uint64_t tag, std::string_view routing_key, bool is_redelivered) {
  return MethodFrame(
      1, AMQP_BASIC_DELIVER_METHOD,
      absl::StrCat(ShortText("consumer"), Integer(tag, 8), Integer(is_redelivered ? 1 : 0, 1),
                   ShortText("exchange"), ShortText(routing_key)));
}

std::string GetOkFrame(uint64_t tag) {
  return MethodFrame(1, AMQP_BASIC_GET_OK_METHOD,
                     absl::StrCat(Integer(tag, 8), Integer(0, 1), ShortText("exchange"),
                                  ShortText("key"), Integer(0, 4)));
}

std::string HeaderFrame(uint64_t body_size, std::string_view properties) {
  return Frame(
      AMQP_FRAME_HEADER, 1,
      absl::StrCat(Integer(AMQP_BASIC_CLASS, 2), Integer(0, 2), Integer(body_size, 8), properties));
}

std::string BodyFrame(std::string_view body) { return Frame(AMQP_FRAME_BODY, 1, body); }

std::string Close(uint32_t id, uint16_t code, std::string_view text) {
  return MethodFrame(id == AMQP_CHANNEL_CLOSE_METHOD ? 1 : 0, id,
                     absl::StrCat(Integer(code, 2), ShortText(text), Integer(0, 4)));
}

std::string Start() {
  return MethodFrame(0, AMQP_CONNECTION_START_METHOD,
                     absl::StrCat(Integer(0, 1), Integer(9, 1), LongText(""), LongText("PLAIN"),
                                  LongText("en_US")));
}

std::string Tune() {
  return MethodFrame(0, AMQP_CONNECTION_TUNE_METHOD,
                     absl::StrCat(Integer(2047, 2), Integer(131'072, 4), Integer(60, 2)));
}

std::string OpenOk() { return MethodFrame(0, AMQP_CONNECTION_OPEN_OK_METHOD, ShortText("")); }

std::string Greeting() {
  return absl::StrCat(Start(), Tune(), OpenOk(),
                      MethodFrame(1, AMQP_CHANNEL_OPEN_OK_METHOD, LongText("")));
}

std::string DeclareOk() {
  return MethodFrame(1, AMQP_QUEUE_DECLARE_OK_METHOD,
                     absl::StrCat(ShortText("queue"), Integer(0, 4), Integer(0, 4)));
}

std::string ConsumeAnswers(std::string_view first) {
  return absl::StrCat(DeclareOk(),
                      first.empty() ? MethodFrame(1, AMQP_BASIC_GET_EMPTY_METHOD, ShortText(""))
                                    : std::string(first),
                      MethodFrame(1, AMQP_BASIC_QOS_OK_METHOD),
                      MethodFrame(1, AMQP_BASIC_CONSUME_OK_METHOD, ShortText("consumer")));
}

}  // namespace convoy::testing
