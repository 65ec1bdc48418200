// Start of an opener; see opener.h.
#include "lib/storage/postgres/opener.h"

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/postgres/schema.h"

namespace convoy::storage::postgres {

absl::StatusOr<std::unique_ptr<Opener>> Opener::Open(const ConnectionOptions& options,
                                                     Clock* clock) {
  auto opener = absl::WrapUnique(new Opener(options, clock));
  CONVOY_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, Connection::Open(options));
  CONVOY_RETURN_IF_ERROR(PrepareSchema(*connection, options.schema));
  CONVOY_ASSIGN_OR_RETURN(const bool is_unfinished, IsUnfinishedCopy(*connection));
  if (is_unfinished) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the tables in \"", options.schema, "\" are a copy that is not finished; copy again"));
  }
  // A server that will not tell may have been.
  opener->may_be_early_ = WasStandby(*connection).value_or(true);
  CONVOY_ASSIGN_OR_RETURN(opener->presence_, Presence::Open(options, clock));
  opener->next_lease_ = FirstLeaseOf(opener->number()) + 1;
  return opener;
}

absl::Status Opener::CheckHealth() const {
  if (!is_poisoned_) return absl::OkStatus();
  return absl::DataLossError(
      "the connection was lost during a commit, and PostgreSQL cannot be asked what became of it");
}

}  // namespace convoy::storage::postgres
