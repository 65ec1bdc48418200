// Web pages of the gateway, served by the host: a dashboard for operators and a portal for the
// owners of endpoints. They are the component ui (find_package(Convoy COMPONENTS ui), convoy::ui).
// The pages are part of the library and load nothing from elsewhere. They use the REST API, with
// the rights of the key that a user logged in with (docs/ui.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/gateway.h"

namespace convoy {

struct UiOptions {
  // Path of the pages at this server. It begins with a slash and does not end with one, and has
  // only letters, digits, '-', '_', '.' and '/'. A proxy may serve the pages under another path,
  // because their links are relative.
  std::string prefix = "/ui";

  // Origins of pages that may show the owners' portal in a frame ("https://app.example.com"). The
  // dashboard itself is never framed.
  std::vector<std::string> portal_frame_origins;

  // Whether browsers send the session's cookie only over HTTPS. Set it to false only if people
  // reach the pages over plain HTTP, as in a trial.
  bool has_secure_cookies = true;

  // A session ends when it has not been used for this long.
  absl::Duration session_idle_max = absl::Hours(12);

  // Sessions kept in memory; beyond it, the least recently used one ends.
  uint32_t sessions_max = 10'000;
};

// A gateway that serves the pages and passes all other requests to `next`, which is borrowed and
// must outlive it. Requests for pages do not reach `next`. Safe to call from any thread, as Gateway
// is. Sessions belong to this object: they end with it, and other processes do not know them. A
// null clock or random means the system's. kInvalidArgument names the option.
absl::StatusOr<std::unique_ptr<Gateway>> NewUiGateway(Gateway* next, UiOptions options,
                                                      std::shared_ptr<Clock> clock = nullptr,
                                                      std::shared_ptr<Random> random = nullptr);

}  // namespace convoy
