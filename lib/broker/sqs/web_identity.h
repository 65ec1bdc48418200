// Session of a role assumed with a web identity token: one for all consumers of a broker.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "convoy/sqs.h"
#include "lib/broker/sqs/credentials.h"

namespace convoy::broker {

// A new session is fetched some minutes before the old one ends, by one thread, while the others
// use the old one; and so does that thread where fetching fails, until the old one has ended. A
// session that the service does not accept is dropped. kInvalidArgument names the option that can
// never work.
absl::StatusOr<std::shared_ptr<Credentials>> NewWebIdentity(const AwsWebIdentity& identity);

}  // namespace convoy::broker
