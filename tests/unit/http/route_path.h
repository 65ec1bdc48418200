// Concrete requests for the routes of the table.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "lib/http/router.h"

namespace convoy::testing {

inline constexpr std::string_view kNobody = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

// The path of a route with its project, and `id` for every other id.
inline std::string PathOf(const http::Route& route, std::string_view project_id,
                          std::string_view id = kNobody) {
  std::string path;
  std::string_view pattern = route.path;
  while (!pattern.empty()) {
    const size_t open = std::min(pattern.find('{'), pattern.size());
    path += pattern.substr(0, open);
    pattern.remove_prefix(open);
    if (pattern.empty()) break;
    const size_t close = pattern.find('}');
    path += pattern.substr(1, close - 1) == "projectID" ? project_id : id;
    pattern.remove_prefix(close + 1);
  }
  return path;
}

inline std::string MethodOf(const http::Route& route) {
  return std::string(route.methods.substr(0, route.methods.find(' ')));
}

// How many ids the path of a route holds beside the project's.
inline size_t CountIds(const http::Route& route) {
  const size_t all = static_cast<size_t>(std::count(route.path.begin(), route.path.end(), '{'));
  return all - (route.path.find("{projectID}") == std::string_view::npos ? 0 : 1);
}

}  // namespace convoy::testing
