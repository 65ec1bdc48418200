// Helpers for calls of BoringSSL: owning handles, byte views and the error queue. For this folder's
// .cc files only.
//
// Handles name the function that frees, so that they need no C++ of BoringSSL's.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <openssl/bytestring.h>
#include <openssl/err.h>

namespace convoy::crypto {

template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <typename T, auto kFree>
using Handle = std::unique_ptr<T, FreeWith<kFree>>;

// Failures leave entries in a queue of the thread, which no code here reads. The queue is private
// to our copy of BoringSSL, so emptying it disturbs no host.
class ErrorQueueCleaner {
 public:
  ErrorQueueCleaner() = default;
  ~ErrorQueueCleaner() { ERR_clear_error(); }
  ErrorQueueCleaner(const ErrorQueueCleaner&) = delete;
  ErrorQueueCleaner& operator=(const ErrorQueueCleaner&) = delete;
};

inline const uint8_t* BytesOf(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

inline CBS ReaderOf(std::string_view der) {
  CBS reader;
  CBS_init(&reader, BytesOf(der), der.size());
  return reader;
}

inline std::string_view ViewOf(const CBS& reader) {
  return {reinterpret_cast<const char*>(CBS_data(&reader)), CBS_len(&reader)};
}

}  // namespace convoy::crypto
