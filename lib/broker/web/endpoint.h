// Address of a web service, taken from a configuration.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace convoy::broker {

struct Endpoint {
  std::string scheme;     // "http" or "https"
  std::string authority;  // host and, where it was given, port: the value of Host
  std::string path;       // as written, without a slash at its end; mostly empty

  // `suffix` is absolute: "/v1/projects".
  std::string UrlOf(std::string_view suffix) const;
};

// kInvalidArgument names `field`.
absl::StatusOr<Endpoint> ParseEndpoint(std::string_view url, std::string_view field);

// Whether the host is this machine by its very name, so that nothing leaves it.
bool IsLoopback(const Endpoint& endpoint);

}  // namespace convoy::broker
