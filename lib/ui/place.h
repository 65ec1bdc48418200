// Paths below the prefix of the pages, and what stands there.
#pragma once

#include <string_view>

namespace convoy::ui {

struct Place {
  enum class Kind {
    kElsewhere,   // not below the prefix: the gateway's, or the host's
    kPortalLink,  // "/portal", which the REST API names to owners: leads to the pages
    kBare,        // a folder without its slash: leads to the one with it
    kFile,        // `rest` names a file; empty: the page itself
    kSession,     // to log in and out
    kApi,         // `rest` is a path of the REST API: "/api/v1/projects"
  };

  Kind kind = Kind::kElsewhere;
  bool is_portal = false;  // of the owners' portal, which has a session of its own
  std::string_view rest;
};

// Reads `path` where the pages stand at `prefix`; views into `path`.
Place PlaceOf(std::string_view prefix, std::string_view path);

}  // namespace convoy::ui
