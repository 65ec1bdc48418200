// Description of what is served, as an OpenAPI 3.0 document: made from the table of routes
// (router.h) and the declarations of fields (docs/fields.json).
#pragma once

#include <string_view>

#include "convoy/http.h"

namespace convoy::http {

inline constexpr std::string_view kOpenApiPath = "/openapi.json";

// The document; the same for every gateway of this version. Thread-safe.
std::string_view OpenApiText();

// GET and HEAD of the document, which needs no key: it tells nothing of an installation.
HttpResponse DescribeApi(const HttpRequest& request);

// The text of docs/fields.json.
std::string_view FieldTable();

}  // namespace convoy::http
