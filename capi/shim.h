// Shared parts of all entry points: error mapping, structs of other versions, and the exception
// barrier.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "capi/convoy.h"
#include "convoy/http.h"

struct convoy_error {
  convoy_status code;
  bool is_retriable;
  std::string message;
};

namespace convoy::capi {

// Reports a failure: stores an error object if the caller wants one, and returns its code.
convoy_status Fail(convoy_error** error, convoy_status code, std::string_view message);
convoy_status Fail(convoy_error** error, const absl::Status& status);
// CONVOY_E_INVALID for a missing pointer.
convoy_status FailNull(convoy_error** error, std::string_view name);

// Exception barrier: runs the body of an entry point and turns an exception into a status.
template <typename Body>
convoy_status Guard(convoy_error** error, Body body) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return Fail(error, CONVOY_E_NO_MEMORY, "out of memory");
  } catch (...) {
    return Fail(error, CONVOY_E_INTERNAL, "an unexpected exception was stopped at the interface");
  }
}

inline std::string_view View(const char* data, size_t size) {
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}
inline std::string_view View(const convoy_slice& slice) { return View(slice.data, slice.size); }
inline bool IsReadable(const void* data, size_t size) { return data != nullptr || size == 0; }
inline convoy_slice Slice(std::string_view text) { return {text.data(), text.size()}; }

// Text for the caller, from malloc because C frees it, in two steps: the allocation, which can
// fail, comes before the work whose result it will hold. False if there is no memory.
bool ReserveBuf(size_t bytes_max, convoy_buf* out);
// `text` has at most the bytes that were reserved.
void FillBuf(std::string_view text, convoy_buf* buf);

// Checks the size that a struct declares: a smaller one is of a program built for an older header,
// a larger one of a newer header, whose unknown fields must be zero.
convoy_status CheckStruct(const void* given, std::string_view name, size_t size_known,
                          convoy_error** error);

// A struct that passed CheckStruct, with what it does not have zeroed.
template <typename Struct>
Struct CopyStruct(const Struct& given) {
  Struct copy = {};
  std::memcpy(&copy, &given, std::min(given.struct_size, sizeof(Struct)));
  return copy;
}

// A request of the library that borrows from one of the interface, which must outlive its use and
// have passed CheckRequest.
struct BorrowedRequest {
  explicit BorrowedRequest(const convoy_request& given);

  std::vector<HeaderView> headers;
  HttpRequest http;
};

// Whether `request` can be read: CONVOY_OK, or the failure that was reported.
convoy_status CheckRequest(const convoy_request* request, convoy_error** error);

}  // namespace convoy::capi
