// Mounting of the pages, if they are part of this library.
#include "capi/pages.h"

#include "absl/status/status.h"

#include "convoy/ui.h"

namespace convoy::capi {

#ifdef CONVOY_CAPI_UI

bool HasPages() { return true; }

absl::StatusOr<std::unique_ptr<Gateway>> NewPages(const convoy_config& config, Gateway* next) {
  if (config.ui_prefix.empty()) return nullptr;
  return NewUiGateway(next,
                      {.prefix = config.ui_prefix,
                       .portal_frame_origins = config.ui_frame_origins,
                       .has_secure_cookies = config.options.public_url.starts_with("https://")});
}

#else

bool HasPages() { return false; }

absl::StatusOr<std::unique_ptr<Gateway>> NewPages(const convoy_config&, Gateway*) {
  return nullptr;
}

#endif

}  // namespace convoy::capi
