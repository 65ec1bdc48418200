// Guarded resolution of a host. The guard's verdict is on an address, so connections go to the
// numeric address and nothing is resolved a second time.
#include "lib/broker/amqp/address.h"

#include <netdb.h>
#include <sys/socket.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace convoy::broker::amqp {

absl::StatusOr<std::vector<std::string>> ResolveAllowed(const std::string& host,
                                                        const transport::Guard& guard) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat("cannot resolve ", host, ": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  std::vector<std::string> allowed;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    const auto address = transport::IpAddress::FromSocket(entry->ai_addr, entry->ai_addrlen);
    char text[NI_MAXHOST];
    if (address.has_value() && guard.Allows(*address) &&
        getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      allowed.emplace_back(text);
    }
  }
  if (allowed.empty()) {
    return absl::PermissionDeniedError(
        absl::StrCat(host, " is at an address that may not be connected to"));
  }
  return allowed;
}

}  // namespace convoy::broker::amqp
