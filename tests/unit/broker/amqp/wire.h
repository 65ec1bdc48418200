// AMQP 0-9-1 as a broker writes it, for peers that a test scripts byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace convoy::testing {

std::string Integer(uint64_t value, int bytes_count);  // big-endian
std::string ShortText(std::string_view text);
std::string LongText(std::string_view text);

std::string Frame(uint8_t type, uint16_t channel, std::string_view payload);
// `id` is class and method as librabbitmq's AMQP_…_METHOD has them.
std::string MethodFrame(uint16_t channel, uint32_t id, std::string_view arguments = "");

// Of a channel, with properties as encoded: flags and values.
std::string DeliverFrame(uint64_t tag, std::string_view routing_key = "key",
                         bool is_redelivered = false);
std::string GetOkFrame(uint64_t tag);
std::string HeaderFrame(uint64_t body_size, std::string_view properties = {"\0\0", 2});
std::string BodyFrame(std::string_view body);

std::string Close(uint32_t id, uint16_t code, std::string_view text);

// Frames of a broker from the beginning until the channel is open: start, tune, open-ok and
// channel.open-ok. Parts of it are for scripts that fail in the middle.
std::string Start();
std::string Tune();
std::string OpenOk();
std::string Greeting();
std::string DeclareOk();
// And until a queue is consumed. `first` is the answer to basic.get: empty, the queue is.
std::string ConsumeAnswers(std::string_view first = "");

}  // namespace convoy::testing
