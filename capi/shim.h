// What all entry points share: errors, and the wall that exceptions do not pass.
#pragma once

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

// Says what failed: stores an error object if the caller wants one, and returns its code.
convoy_status Fail(convoy_error** error, convoy_status code, std::string_view message);
convoy_status Fail(convoy_error** error, const absl::Status& status);

// Runs the body of an entry point. Whatever is thrown inside becomes a status.
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

inline std::string_view View(const convoy_slice& slice) {
  return slice.size == 0 ? std::string_view() : std::string_view(slice.data, slice.size);
}
inline std::string_view View(const char* data, size_t size) {
  return size == 0 ? std::string_view() : std::string_view(data, size);
}
inline convoy_slice Slice(std::string_view text) { return {text.data(), text.size()}; }

// A request of the library that borrows from one of the interface; both must outlive its use.
struct BorrowedRequest {
  explicit BorrowedRequest(const convoy_request& request);

  std::vector<HeaderView> headers;
  HttpRequest http;
};

// Whether `request` can be read: CONVOY_OK, or the failure that was reported.
convoy_status CheckRequest(const convoy_request* request, convoy_error** error);

}  // namespace convoy::capi
