// Tries of a prepared write; see prepared_write.h.
#include "lib/http/request/prepared_write.h"

#include <utility>
#include <variant>

#include "lib/http/shape/envelope.h"
#include "lib/storage/write_tries.h"

namespace convoy::http {
namespace {

Reply Try(PrepareWrite prepare, storage::WriteTries tries) {
  absl::StatusOr<Reply> reply = prepare();
  if (!reply.ok()) return FromStatus(reply.status());
  auto* const pending = std::get_if<PendingWrite>(&*reply);
  if (pending == nullptr) return *std::move(reply);
  pending->finish = [prepare = std::move(prepare), answer = std::move(pending->finish),
                     tries](const CommitResult& result) mutable -> Reply {
    if (result.status.ok()) return answer(result);
    if (tries.ShouldPrepareAnew(result.status)) return Try(std::move(prepare), tries);
    return FromStatus(result.status);
  };
  return std::move(*pending);
}

}  // namespace

Reply WritePrepared(PrepareWrite prepare) { return Try(std::move(prepare), {}); }

}  // namespace convoy::http
