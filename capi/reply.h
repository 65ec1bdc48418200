// Reply to a request.
#pragma once

#include "capi/convoy.h"
#include "convoy/http.h"

struct convoy_reply {
  convoy::HttpResponse response;
};
