#include "lib/ui/place.h"

#include <catch2/catch.hpp>

namespace convoy::ui {
namespace {

using Kind = Place::Kind;

TEST_CASE("place: each path below the prefix is one thing") {
  struct Case {
    const char* path;
    Kind kind;
    bool is_portal;
    const char* rest;
  };
  for (const Case& each : {Case{"/ui", Kind::kBare, false, ""},
                           {"/ui/", Kind::kFile, false, ""},
                           {"/ui/app.js", Kind::kFile, false, "app.js"},
                           {"/ui/session", Kind::kSession, false, ""},
                           {"/ui/api/v1/projects", Kind::kApi, false, "/api/v1/projects"},
                           {"/ui/portal", Kind::kBare, true, ""},
                           {"/ui/portal/", Kind::kFile, true, ""},
                           {"/ui/portal/session", Kind::kSession, true, ""},
                           {"/ui/portal/api/v1/access", Kind::kApi, true, "/api/v1/access"},
                           {"/portal", Kind::kPortalLink, false, ""}}) {
    INFO(each.path);
    const Place place = PlaceOf("/ui", each.path);
    CHECK(place.kind == each.kind);
    CHECK(place.is_portal == each.is_portal);
    CHECK(place.rest == each.rest);
  }
}

TEST_CASE("place: what is not below the prefix is the gateway's") {
  for (const char* path :
       {"/", "/uix", "/uix/app.js", "/api/v1/projects", "/portal/x", "/ingest/ui/", "/x/ui/", ""}) {
    INFO(path);
    CHECK(PlaceOf("/ui", path).kind == Kind::kElsewhere);
  }
}

}  // namespace
}  // namespace convoy::ui
