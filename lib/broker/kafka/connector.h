// Opens librdkafka's connections, none of them to an address that the guard denies. Brokers
// advertise the addresses of other brokers, so every connection is checked, not only the first
// ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "lib/transport/guard.h"

namespace convoy::kafka {

// Safe to use from any thread.
class Connector {
 public:
  explicit Connector(transport::Guard guard) : guard_(std::move(guard)) {}

  // As librdkafka's connect callback: 0, or an error number. `broker` is its name for the other
  // end.
  int Connect(int socket, const sockaddr* address, int address_bytes, std::string_view broker);

  // The broker that the guard denied last, if it denied any.
  std::optional<std::string> denied_broker() const;

 private:
  const transport::Guard guard_;
  mutable absl::Mutex mutex_;
  std::optional<std::string> denied_broker_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::kafka
