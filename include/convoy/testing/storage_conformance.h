// Conformance suite for Storage, run against an implementation: no test framework, no main.
//
//   class MyStores : public convoy::testing::StorageFactory { … };
//   MyStores stores;
//   for (const auto& failure : convoy::testing::CheckStorage(stores).failures) Print(failure);
//
// A store that passes may be given to a gateway. The suite cannot test durability: that a commit is
// on the disk when it returns.
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

  // A store that nothing was ever written to. The ones before are no longer in use.
  virtual absl::StatusOr<std::unique_ptr<Storage>> OpenEmpty() = 0;

  // The store that OpenEmpty made last, opened once more, as another process would; the first
  // object may be in use still or be gone. The default, kUnimplemented, says that a store does not
  // outlive its object; what concerns several openers is skipped then.
  virtual absl::StatusOr<std::unique_ptr<Storage>> OpenAgain();
};

// Runs the whole suite; takes a few seconds on a slow disk. Starts threads of its own.
ConformanceReport CheckStorage(StorageFactory& stores);

}  // namespace convoy::testing
