// First API key of an instance that has none.
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "convoy/config_read.h"
#include "lib/gateway/embedded_gateway.h"
#include "lib/http/request/authentication.h"

namespace convoy::gateway {

absl::StatusOr<std::string> EmbeddedGateway::Bootstrap() {
  const absl::StatusOr<uint64_t> revision = parts_.storage->ConfigRevision("");
  if (!revision.ok()) return revision.status();
  const absl::StatusOr<std::vector<ApiKey>> keys =
      ListAllConfig<ApiKey>(*parts_.storage, {.project_id = ""});
  if (!keys.ok()) return keys.status();
  if (!keys->empty()) {
    return absl::AlreadyExistsError("this instance has its first API key already");
  }
  http::NewApiKey key = http::MakeApiKey(Role::kInstanceAdmin, "", "bootstrap key", api_parts());
  WriteBatch batch;
  batch.config.push_back({.scope = "", .expected_revision = *revision, .puts = {key.stored}});
  const CommitResult result = commits_.Commit(std::move(batch));
  if (absl::IsAborted(result.status)) {
    return absl::AlreadyExistsError("another process is bootstrapping this instance");
  }
  if (!result.status.ok()) return result.status;
  return key.text;
}

}  // namespace convoy::gateway
