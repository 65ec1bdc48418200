// Places of the pages; see place.h.
#include "lib/ui/place.h"

#include "absl/strings/strip.h"

namespace convoy::ui {

Place PlaceOf(std::string_view prefix, std::string_view path) {
  using Kind = Place::Kind;
  if (path == "/portal") return {.kind = Kind::kPortalLink};
  if (!absl::ConsumePrefix(&path, prefix)) return {};
  if (path.empty()) return {.kind = Kind::kBare};
  if (path == "/portal") return {.kind = Kind::kBare, .is_portal = true};
  const bool is_portal = path.starts_with("/portal/");
  if (is_portal) path.remove_prefix(std::string_view("/portal").size());
  if (!path.starts_with('/')) return {};
  if (path == "/session") return {.kind = Kind::kSession, .is_portal = is_portal};
  if (path.starts_with("/api/")) return {.kind = Kind::kApi, .is_portal = is_portal, .rest = path};
  return {.kind = Kind::kFile, .is_portal = is_portal, .rest = path.substr(1)};
}

}  // namespace convoy::ui
