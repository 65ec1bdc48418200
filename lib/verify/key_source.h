// Keys that providers publish. Fetching is somebody else's business (it needs a transport and a
// clock); a verifier only asks whether the document is here.
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
  // The keys of the document at `url`; null if it is not here (yet). Never blocks.
  virtual std::shared_ptr<const PublicKeySet> Find(const KeyLocation& location,
                                                   std::string_view url) = 0;
};

}  // namespace convoy::verify
