// Pages of the gateway, served from inside the host: a dashboard for operators and a portal for the
// owners of endpoints. A component of its own (find_package(Convoy COMPONENTS ui), convoy::ui); a
// host that does not mount it serves none. The pages are part of the library and load nothing from
// elsewhere; what they show and do goes through the REST API, with the rights of the key that was
// logged in with (docs/ui.md).
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
  // Path of the pages at this server. Begins with a slash, does not end with one; letters, digits,
  // '-', '_', '.' and '/'. A proxy may show the pages under another one: they refer to each other
  // by relative paths alone.
  std::string prefix = "/ui";

  // Origins of pages that may show the owners' portal in a frame ("https://app.example.com"). The
  // dashboard itself is never framed.
  std::vector<std::string> portal_frame_origins;

  // Whether browsers may send the session's cookie over HTTPS alone. False only where people reach
  // the pages over plain HTTP, as in a trial.
  bool has_secure_cookies = true;

  // A session ends when it has not been used for so long.
  absl::Duration session_idle_max = absl::Hours(12);

  // Sessions that are kept, in memory; beyond it the one that was not used for longest goes.
  uint32_t sessions_max = 10'000;
};

// A gateway that serves the pages and passes all else on to `next`, which is borrowed and must
// outlive it. Calls that ask for nothing but pages do not reach `next`. Safe for any thread, as
// Gateway is. Sessions are this object's: they end with it, and another process does not know them.
// Null members of the two last get the system's. kInvalidArgument names the option.
absl::StatusOr<std::unique_ptr<Gateway>> NewUiGateway(Gateway* next, UiOptions options,
                                                      std::shared_ptr<Clock> clock = nullptr,
                                                      std::shared_ptr<Random> random = nullptr);

}  // namespace convoy
