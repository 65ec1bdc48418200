// Checks of tables, and the mapping between status codes of C and of the library.
#include "capi/parts/part.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace convoy::capi {
namespace {

constexpr std::pair<convoy_status, absl::StatusCode> kCodes[] = {
    {CONVOY_E_DENIED_CREDENTIALS, absl::StatusCode::kUnauthenticated},
    {CONVOY_E_INVALID, absl::StatusCode::kInvalidArgument},
    {CONVOY_E_NOT_FOUND, absl::StatusCode::kNotFound},
    {CONVOY_E_ALREADY_EXISTS, absl::StatusCode::kAlreadyExists},
    {CONVOY_E_STATE, absl::StatusCode::kFailedPrecondition},
    {CONVOY_E_DENIED, absl::StatusCode::kPermissionDenied},
    {CONVOY_E_TOO_LARGE, absl::StatusCode::kOutOfRange},
    {CONVOY_E_BUSY, absl::StatusCode::kUnavailable},
    {CONVOY_E_TIMEOUT, absl::StatusCode::kDeadlineExceeded},
    {CONVOY_E_CORRUPT, absl::StatusCode::kDataLoss},
    {CONVOY_E_NO_MEMORY, absl::StatusCode::kResourceExhausted},
    {CONVOY_E_UNSUPPORTED, absl::StatusCode::kUnimplemented},
};

absl::StatusCode CodeOf(convoy_status code) {
  // Details that are not known count as their class.
  for (const convoy_status known : {code, CONVOY_STATUS_CLASS(code)}) {
    for (const auto& [each, status] : kCodes) {
      if (each == known) return status;
    }
  }
  return absl::StatusCode::kInternal;
}

absl::Status Require(bool is_there, std::string_view name) {
  return is_there ? absl::OkStatus()
                  : absl::InvalidArgumentError(absl::StrCat(name, ": must not be NULL"));
}

// One line, whatever the host has written.
std::string OneLine(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line;
}

}  // namespace

absl::Status CheckTable(const void* given, std::string_view name, size_t size_known) {
  constexpr size_t kSizeMax = 4096;  // far beyond any table: this one was not initialised
  if (given == nullptr) return Require(false, name);
  size_t size = 0;
  std::memcpy(&size, given, sizeof size);
  if (size <= sizeof size || size > kSizeMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ".struct_size: must be the size of the struct"));
  }
  const auto* bytes = static_cast<const char*>(given);
  if (size > size_known &&
      !std::all_of(bytes + size_known, bytes + size, [](char byte) { return byte == 0; })) {
    return absl::UnimplementedError(
        absl::StrCat(name, ": has members that this version does not know"));
  }
  return absl::OkStatus();
}

absl::Status CheckComplete(const convoy_clock& clock) {
  return Require(clock.now_us != nullptr, "clock.now_us");
}

absl::Status CheckComplete(const convoy_transport& transport) {
  const std::pair<bool, std::string_view> needed[] = {
      {transport.name != nullptr, "transport.name"},
      {transport.send != nullptr, "transport.send"},
      {transport.step != nullptr, "transport.step"},
      {transport.wake_fd != nullptr, "transport.wake_fd"},
      {transport.cancel != nullptr, "transport.cancel"}};
  for (const auto& [is_there, name] : needed) {
    if (!is_there) return Require(false, name);
  }
  return absl::OkStatus();
}

absl::Status CheckComplete(const convoy_storage& storage) {
  if (storage.name == nullptr) return Require(false, "storage.name");
  if (storage.scan == nullptr) return Require(false, "storage.scan");
  return Require(storage.write != nullptr, "storage.write");
}

absl::Status CheckComplete(const convoy_broker& broker) {
  if (broker.type == nullptr) return Require(false, "broker.type");
  return Require(broker.open != nullptr, "broker.open");
}

absl::Status CheckComplete(const convoy_consumer& consumer) {
  const std::pair<bool, std::string_view> needed[] = {
      {consumer.close != nullptr, "consumer.close"},
      {consumer.poll != nullptr, "consumer.poll"},
      {consumer.acknowledge != nullptr, "consumer.acknowledge"},
      {consumer.interrupt != nullptr, "consumer.interrupt"}};
  for (const auto& [is_there, name] : needed) {
    if (!is_there) return Require(false, name);
  }
  return absl::OkStatus();
}

absl::Status FailureRoom::StatusOf(convoy_status code) const {
  if (code == CONVOY_OK) return absl::OkStatus();
  const std::string_view text(text_, strnlen(text_, kBytes));
  if (text.empty()) return absl::Status(CodeOf(code), absl::StrCat("failed with status ", code));
  return absl::Status(CodeOf(code), OneLine(text));
}

convoy_status Report(const absl::Status& status, convoy_failure* failure) noexcept {
  if (status.ok()) return CONVOY_OK;
  if (failure != nullptr && failure->text_size > 0) {
    const size_t size = std::min(status.message().size(), failure->text_size - 1);
    std::memcpy(failure->text, status.message().data(), size);
    failure->text[size] = '\0';
  }
  for (const auto& [code, each] : kCodes) {
    if (each == status.code()) return code;
  }
  return status.code() == absl::StatusCode::kAborted ? CONVOY_E_BUSY : CONVOY_E_INTERNAL;
}

std::vector<convoy_header> BorrowHeaders(const Headers& headers) {
  std::vector<convoy_header> borrowed;
  borrowed.reserve(headers.size());
  for (const Header& header : headers) {
    borrowed.push_back({SliceOf(header.name), SliceOf(header.value)});
  }
  return borrowed;
}

Headers CopyHeaders(const convoy_header* headers, size_t count) {
  Headers copy;
  if (headers == nullptr) return copy;
  copy.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    copy.push_back({std::string(TextOf(headers[i].name)), std::string(TextOf(headers[i].value))});
  }
  return copy;
}

std::vector<convoy_slice> BorrowTexts(const std::vector<std::string>& texts) {
  std::vector<convoy_slice> borrowed;
  borrowed.reserve(texts.size());
  for (const std::string& text : texts) borrowed.push_back(SliceOf(text));
  return borrowed;
}

}  // namespace convoy::capi
