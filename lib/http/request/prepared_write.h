// Writes that depend on the configuration as it is, and are prepared anew when another change
// overtakes them.
#pragma once

#include <functional>

#include "absl/status/statusor.h"

#include "lib/http/request/reply.h"

namespace convoy::http {

// Reads what is there now and says what to write, and how to answer once that is durable: `finish`
// is called only then. A status is the refusal; where there is nothing to write, the reply is
// final. It must be quick: after the first time it may run on the thread that syncs, and all
// acknowledgements wait for it.
using PrepareWrite = std::function<absl::StatusOr<Reply>()>;

Reply WritePrepared(PrepareWrite prepare);

}  // namespace convoy::http
