// Copies of requests.
#include "capi/owned_request.h"

#include <algorithm>

namespace convoy::capi {

bool OwnedRequest::Count(uint64_t size) {
  const uint64_t before = buffered_bytes->fetch_add(size);
  counted += size;
  return before + size <= buffered_bytes_max;
}

bool OwnedRequest::Grow(size_t size, uint64_t bytes_max) {
  constexpr uint64_t kLeast = 4 * 1024;
  const uint64_t needed = body.size() + size;
  if (needed <= body.capacity()) return true;
  const uint64_t wanted =
      std::min(bytes_max, std::max<uint64_t>({needed, kLeast, 2 * body.capacity()}));
  if (!Count(wanted - body.capacity())) return false;
  body.reserve(wanted);
  return true;
}

OwnedRequest::OwnedRequest(const HttpRequest& head, const Engine& engine)
    : buffered_bytes(engine.buffered_bytes), buffered_bytes_max(engine.buffered_bytes_max) {
  size_t size = head.method.size() + head.path.size() + head.query.size() + head.remote_ip.size();
  for (const HeaderView& header : head.headers) size += header.name.size() + header.value.size();
  text.reserve(size);
  const auto keep = [this](std::string_view part) {
    const size_t begin = text.size();
    text.append(part);
    return std::string_view(text.data() + begin, part.size());
  };
  http.method = keep(head.method);
  http.path = keep(head.path);
  http.query = keep(head.query);
  http.remote_ip = keep(head.remote_ip);
  headers.reserve(head.headers.size());
  for (const HeaderView& header : head.headers) {
    headers.push_back({keep(header.name), keep(header.value)});
  }
  http.headers = headers;
}

}  // namespace convoy::capi
