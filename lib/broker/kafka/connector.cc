// Guarded connections for librdkafka; see connector.h.
#include "lib/broker/kafka/connector.h"

#include <sys/socket.h>

#include <cerrno>

namespace convoy::kafka {

int Connector::Connect(int socket, const sockaddr* address, int address_bytes,
                       std::string_view broker) {
  const auto ip = transport::IpAddress::FromSocket(address, static_cast<size_t>(address_bytes));
  if (!ip.has_value() || !guard_.Allows(*ip)) {
    const absl::MutexLock lock(&mutex_);
    denied_broker_ = std::string(broker);
    return EACCES;
  }
  // The socket does not block: librdkafka waits for it to become writable.
  if (connect(socket, address, static_cast<socklen_t>(address_bytes)) == 0) return 0;
  return errno == EINPROGRESS ? 0 : errno;
}

std::optional<std::string> Connector::denied_broker() const {
  const absl::MutexLock lock(&mutex_);
  return denied_broker_;
}

}  // namespace convoy::kafka
