// A store that keeps the documents of configuration, and so every secret in them, encrypted: each
// under one data key, which the store holds wrapped by a key of the host's.
//
// Names, masks and owners, by which objects are found, stay readable, and so does what flows:
// bodies and headers of events. A document that was stored before is read as it is, and sealed when
// the store is opened.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/clock.h"
#include "convoy/storage.h"

namespace convoy::storage {

// Of 32 bytes each.
struct HostKeys {
  std::string current;
  std::string former;  // that `current` is to replace; empty: none
};

// Opens the data key of `target`, or makes one, and seals what is not sealed yet: that costs a pass
// over the configuration, once. A data key that only the former key opens is wrapped anew by the
// current one; nothing else is rewritten. kFailedPrecondition if neither key opens it.
// `random` must outlive the store.
absl::StatusOr<std::unique_ptr<Storage>> SealStorage(std::unique_ptr<Storage> target,
                                                     const HostKeys& keys, Random* random);

// kFailedPrecondition if the documents of `target` are sealed: it must be opened by SealStorage.
absl::Status CheckNotSealed(Storage& target);

// `target` for an opener without a key. kFailedPrecondition if it is sealed. Once another opener
// has sealed it, batches that would write a document in clear are refused with the same.
absl::StatusOr<std::unique_ptr<Storage>> KeepClear(std::unique_ptr<Storage> target);

}  // namespace convoy::storage
