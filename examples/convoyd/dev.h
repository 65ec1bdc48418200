// The additions of `convoyd serve --dev` for a trial on one machine: settings that are safe there
// only, a receiver within the process, and a project for each direction with all that it needs.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/gateway.h"
#include "examples/convoyd/settings.h"

namespace convoyd {

// The folder of a trial without a database of its own; removed with all that is in it.
class TrialFolder {
 public:
  TrialFolder() = default;
  ~TrialFolder();
  TrialFolder(const TrialFolder&) = delete;
  TrialFolder& operator=(const TrialFolder&) = delete;

  absl::Status Make();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Lets deliveries reach this machine, and puts the database into `folder` unless one is set.
// kInvalidArgument if the server would listen beyond this machine.
absl::Status PrepareTrial(Settings& settings, TrialFolder& folder);

// `gateway` with a receiver of deliveries at /dev/receiver: POST takes one, GET shows the latest.
// `gateway` must outlive it.
std::unique_ptr<convoy::Gateway> NewTrialGateway(convoy::Gateway* gateway);

// Makes what is not there yet: the instance's key, which is kept in a file beside the database, and
// in a project for each direction a source, an endpoint and a subscription. Returns shell commands
// that try both directions. `url` is where the server listens.
absl::StatusOr<std::string> MakeTrial(convoy::Gateway& gateway, const Settings& settings,
                                      const std::string& url);

}  // namespace convoyd
