// Mounting of the pages; see ui.h.
#include "examples/convoyd/ui.h"

#include <string_view>

#include "absl/status/status.h"

#include "convoy/ui.h"

namespace convoyd {

absl::StatusOr<std::unique_ptr<convoy::Gateway>> NewUi(const Settings& settings,
                                                       const std::string& public_url,
                                                       convoy::Gateway* gateway) {
  if (!settings.has_ui) return nullptr;
#ifdef CONVOYD_UI
  return convoy::NewUiGateway(gateway, {.prefix = settings.ui_prefix,
                                        .portal_frame_origins = settings.ui_frame_origins,
                                        .has_secure_cookies = public_url.starts_with("https://")});
#else
  (void)public_url, (void)gateway;
  return absl::UnimplementedError("this convoyd was built without its pages (CONVOY_UI)");
#endif
}

void SpellOutUi(std::vector<char*>& words) {
  static char spelling[] = "--ui=on";
  for (size_t i = 0; i < words.size(); ++i) {
    const bool has_value =
        i + 1 < words.size() && !std::string_view(words[i + 1]).starts_with("--");
    if (std::string_view(words[i]) == "--ui" && !has_value) words[i] = spelling;
  }
}

}  // namespace convoyd
