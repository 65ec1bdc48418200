// Changes of the configuration of a project, or of the instance, that a request asks for.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"

#include "convoy/http.h"
#include "convoy/storage.h"
#include "lib/http/request/context.h"
#include "lib/http/request/reply.h"

namespace convoy::http {

// A change of one project. `build` makes the write from a current snapshot; if it
// is overtaken by another change, it is called again with the new snapshot, a few times. `answer`
// is called once the write is durable.
using BuildWrite = std::function<absl::StatusOr<ConfigWrite>(const Snapshot& project)>;
Reply ChangeProject(const Context& context, BuildWrite build, std::function<HttpResponse()> answer);

// The same for the instance: projects and API keys. `tell` may add what else goes into the
// transaction; it is called after each `build`.
using BuildInstanceWrite = std::function<absl::StatusOr<ConfigWrite>(uint64_t revision)>;
Reply ChangeInstance(const Context& context, BuildInstanceWrite build,
                     std::function<HttpResponse()> answer,
                     std::function<void(WriteBatch&)> tell = nullptr);

}  // namespace convoy::http
