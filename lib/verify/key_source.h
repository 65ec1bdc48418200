// Source of published keys. Fetching is done elsewhere (it needs a transport and a clock); a
// verifier only asks whether the document is there.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lib/verify/public_key_set.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

// Safe to use from any thread.
class KeySource {
 public:
  virtual ~KeySource() = default;
  // The keys of the document at `url`; null if it is not here (yet), or if it may have changed
  // since it was fetched and has no key called `key_id` (empty: any will do). Never blocks.
  virtual std::shared_ptr<const PublicKeySet> Find(const KeyLocation& location,
                                                   std::string_view url,
                                                   std::string_view key_id) = 0;

  // The same keys for the requests of one project: what is asked for there in vain counts against
  // `owner` alone. Null: this source makes no difference.
  virtual std::shared_ptr<KeySource> ForOwner(std::string_view owner) {
    (void)owner;
    return nullptr;
  }
};

}  // namespace convoy::verify
