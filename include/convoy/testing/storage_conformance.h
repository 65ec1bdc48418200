// Conformance suite for Storage, run against an implementation: no test framework, no main.
//
//   class MyStores : public convoy::testing::StorageFactory { … };
//   MyStores stores;
//   for (const auto& failure : convoy::testing::CheckStorage(stores).failures) Print(failure);
//
// A store that passes may be used in a gateway. The suite cannot test durability, that is, that a
// commit is on the disk when it returns.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "convoy/testing/conformance.h"

namespace convoy::testing {

// Makes the stores under test. Used from one thread.
class StorageFactory {
 public:
  virtual ~StorageFactory();

  // Opens a new, empty store. Earlier stores are no longer in use.
  virtual absl::StatusOr<std::unique_ptr<Storage>> OpenEmpty() = 0;

  // Opens the store of the last OpenEmpty again, as another process would. The first object may
  // still be in use, or be destroyed. The default, kUnimplemented, says that a store ends with its
  // object; requirements about several openers are skipped then. kFailedPrecondition, while the
  // first is in use, says that a store has one opener at a time; requirements about several at once
  // are skipped then.
  virtual absl::StatusOr<std::unique_ptr<Storage>> OpenAgain();
};

// Runs the whole suite; takes a few seconds on a slow disk. Starts threads of its own.
ConformanceReport CheckStorage(StorageFactory& stores);

}  // namespace convoy::testing
