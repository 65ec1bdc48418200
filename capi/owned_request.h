// A request that owns its bytes, for calls that return before it has been answered.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "capi/gateway.h"

namespace convoy::capi {

// Does not move: `http` points into it.
struct OwnedRequest {
  // Copies everything but the body. Its bytes are counted in `engine` as long as it lives.
  OwnedRequest(const HttpRequest& head, const Engine& engine);
  ~OwnedRequest() { *buffered_bytes -= counted; }

  // Makes room for `size` more bytes of the body, of which there will be `bytes_max` at most.
  // False: the requests of the gateway hold all that they may.
  bool Grow(size_t size, uint64_t bytes_max);
  bool Count(uint64_t size);
  void Append(const char* data, size_t size) {
    if (size != 0) body.insert(body.end(), data, data + size);
  }
  // The request with all of its body.
  const HttpRequest& Whole() {
    http.body = std::string_view(body.data(), body.size());
    return http;
  }

  const std::shared_ptr<std::atomic<uint64_t>> buffered_bytes;
  const uint64_t buffered_bytes_max;
  uint64_t counted = 0;
  std::string text;  // of the head; complete before anything points into it
  std::vector<HeaderView> headers;
  std::vector<char> body;  // reserves what it is asked for, which a string does not
  HttpRequest http;
};

}  // namespace convoy::capi
