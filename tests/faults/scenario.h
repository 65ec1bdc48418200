// A gateway's life in small, on a store that may fail at any point, and what its callers were told.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/storage.h"

namespace convoy::testing {

enum class Answer {
  kGiven,    // the results are the caller's to keep: all of it must be there
  kRefused,  // nothing of it may be there
  kNone,     // unknown: all or nothing of it may be there
};

// One commit: batches that become durable together, and what was said about them. Or one pruning.
struct Operation {
  std::vector<WriteBatch> batches;
  Answer answer = Answer::kNone;
  std::vector<CommitResult> results;  // of a given answer
  std::optional<PruneRequest> prune;
  std::optional<Pruned> pruned;  // the answer, also while it is unknown whether it lasts
};

struct History {
  std::vector<Operation> operations;
  std::vector<std::string> findings;  // what must not happen, whatever fails
};

// Runs on the database `path` in the faulty VFS: a process that sets up and takes events in and is
// killed, so that its log stays behind, and one that recovers, delivers and closes. Goes on after
// every failure as a gateway would. Ends early if the VFS dies.
History RunScenario(const std::string& path);

}  // namespace convoy::testing
