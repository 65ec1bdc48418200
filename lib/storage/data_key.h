// The key that seals the documents of a store, and the record that holds it.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/clock.h"
#include "convoy/storage.h"
#include "lib/crypto/aead.h"
#include "lib/storage/sealed_storage.h"

namespace convoy::storage {

struct DataKey {
  crypto::Aead key;
  bool is_complete = false;  // every document of the store is sealed
};

// The data key of `storage`, which is made if there is none, and wrapped by the current key of the
// host if the former one opens it.
absl::StatusOr<DataKey> OpenDataKey(Storage& storage, const HostKeys& keys, Random& random);

// Notes that every document is sealed.
absl::Status MarkComplete(Storage& storage);

}  // namespace convoy::storage
