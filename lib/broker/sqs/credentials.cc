// Static credentials, and the checks of a key's form.
#include "lib/broker/sqs/credentials.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace convoy::broker {
namespace {

class FixedCredentials final : public Credentials {
 public:
  explicit FixedCredentials(AwsKeys keys) : keys_(std::move(keys)) {}

  absl::StatusOr<AwsKeys> Keys(HttpCaller&, Clock&) override { return keys_; }

 private:
  const AwsKeys keys_;
};

// Header values have to be printable.
bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isgraph);
}

}  // namespace

std::shared_ptr<Credentials> NewFixedCredentials(AwsKeys keys) {
  return std::make_shared<FixedCredentials>(std::move(keys));
}

absl::Status CheckKeys(const AwsKeys& keys, std::string_view place) {
  const auto refuse = [place](std::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(place, why));
  };
  if (keys.access_key_id.empty() || !IsPrintable(keys.access_key_id)) {
    return refuse("access_key_id is not a key's id");
  }
  if (keys.secret_key.empty()) return refuse("secret_key must not be empty");
  if (!IsPrintable(keys.session_token)) return refuse("session_token is not a token");
  return absl::OkStatus();
}

}  // namespace convoy::broker
