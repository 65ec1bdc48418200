// Errors, buffers, versions and the reading of structs: the entry points that need no gateway.
#include <cstddef>

#include "absl/strings/str_cat.h"

#include "capi/shim.h"
#include "convoy/version.h"

namespace convoy::capi {
namespace {

// Reporting a lack of memory must not need any.
convoy_error* OutOfMemoryError() {
  static convoy_error error = {CONVOY_E_NO_MEMORY, true, std::string()};
  return &error;
}

convoy_status CodeOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
      return CONVOY_E_INVALID;
    case absl::StatusCode::kNotFound:
      return CONVOY_E_NOT_FOUND;
    case absl::StatusCode::kAlreadyExists:
      return CONVOY_E_ALREADY_EXISTS;
    case absl::StatusCode::kFailedPrecondition:
      return CONVOY_E_STATE;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return CONVOY_E_DENIED;
    case absl::StatusCode::kOutOfRange:
      return CONVOY_E_TOO_LARGE;
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return CONVOY_E_BUSY;
    case absl::StatusCode::kDeadlineExceeded:
      return CONVOY_E_TIMEOUT;
    case absl::StatusCode::kDataLoss:
      return CONVOY_E_CORRUPT;
    default:
      return CONVOY_E_INTERNAL;
  }
}

}  // namespace

convoy_status Fail(convoy_error** error, convoy_status code, std::string_view message) {
  if (error == nullptr) return code;
  try {
    const bool is_retriable =
        code == CONVOY_E_BUSY || code == CONVOY_E_TIMEOUT || code == CONVOY_E_NO_MEMORY;
    *error = new convoy_error{code, is_retriable, std::string(message)};
  } catch (...) {
    *error = OutOfMemoryError();
  }
  return code;
}

convoy_status Fail(convoy_error** error, const absl::Status& status) {
  return Fail(error, CodeOf(status.code()), status.message());
}

convoy_status FailNull(convoy_error** error, std::string_view name) {
  return Fail(error, CONVOY_E_INVALID, absl::StrCat(name, ": must not be NULL"));
}

bool ReserveBuf(size_t bytes_max, convoy_buf* out) {
  *out = {static_cast<char*>(std::malloc(bytes_max + 1)), 0};
  return out->data != nullptr;
}

void FillBuf(std::string_view text, convoy_buf* buf) {
  std::copy(text.begin(), text.end(), buf->data);
  buf->data[text.size()] = '\0';
  buf->size = text.size();
}

convoy_status CheckStruct(const void* given, std::string_view name, size_t size_known,
                          convoy_error** error) {
  constexpr size_t kSizeMax = 4096;  // far beyond any struct: this one was not initialised
  if (given == nullptr) return FailNull(error, name);
  size_t size = 0;
  std::memcpy(&size, given, sizeof size);
  if (size <= sizeof size || size > kSizeMax) {
    return Fail(error, CONVOY_E_INVALID,
                absl::StrCat(name, ".struct_size: must be the size of the struct"));
  }
  const auto* bytes = static_cast<const char*>(given);
  if (size > size_known &&
      !std::all_of(bytes + size_known, bytes + size, [](char byte) { return byte == 0; })) {
    return Fail(error, CONVOY_E_UNSUPPORTED,
                absl::StrCat(name, ": has members that this version does not know"));
  }
  return CONVOY_OK;
}

BorrowedRequest::BorrowedRequest(const convoy_request& given) {
  const convoy_request request = CopyStruct(given);
  headers.reserve(request.headers_count);
  for (size_t i = 0; i < request.headers_count; ++i) {
    headers.push_back({View(request.headers[i].name), View(request.headers[i].value)});
  }
  http = {.method = View(request.method),
          .path = View(request.path),
          .query = View(request.query),
          .headers = headers,
          .body = View(request.body),
          .remote_ip = View(request.remote_ip)};
}

convoy_status CheckRequest(const convoy_request* given, convoy_error** error) {
  const convoy_status checked = CheckStruct(given, "request", sizeof(convoy_request), error);
  if (checked != CONVOY_OK) return checked;
  const convoy_request request = CopyStruct(*given);
  const std::pair<const char*, convoy_slice> texts[] = {
      {"request.method", request.method},       {"request.path", request.path},
      {"request.query", request.query},         {"request.body", request.body},
      {"request.remote_ip", request.remote_ip}, {"request.url", request.url}};
  for (const auto& [name, text] : texts) {
    if (!IsReadable(text.data, text.size)) return FailNull(error, name);
  }
  if (!IsReadable(request.headers, request.headers_count)) {
    return FailNull(error, "request.headers");
  }
  for (size_t i = 0; i < request.headers_count; ++i) {
    const convoy_header& header = request.headers[i];
    if (!IsReadable(header.name.data, header.name.size) ||
        !IsReadable(header.value.data, header.value.size)) {
      return FailNull(error, absl::StrCat("request.headers[", i, "]"));
    }
  }
  return CONVOY_OK;
}

}  // namespace convoy::capi

using convoy::capi::OutOfMemoryError;

convoy_status convoy_error_code(const convoy_error* error) {
  return error == nullptr ? CONVOY_OK : error->code;
}

const char* convoy_error_message(const convoy_error* error) {
  if (error == nullptr) return "";
  return error == OutOfMemoryError() ? "out of memory" : error->message.c_str();
}

int32_t convoy_error_is_retriable(const convoy_error* error) {
  return error != nullptr && error->is_retriable;
}

void convoy_error_free(convoy_error* error) {
  if (error != OutOfMemoryError()) delete error;
}

void convoy_buf_free(convoy_buf* buf) {
  if (buf == nullptr) return;
  std::free(buf->data);
  *buf = {};
}

const char* convoy_version_string(void) { return convoy::kVersion.data(); }

uint32_t convoy_version_number(void) {
  uint32_t number = 0, part = 0;
  for (const char c : convoy::kVersion) {
    if (c == '.') {
      number = (number + part) * 1000;
      part = 0;
    } else {
      part = part * 10 + static_cast<uint32_t>(c - '0');
    }
  }
  return number + part;
}
