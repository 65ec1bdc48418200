// RapidJSON as this library uses it. The only place that includes its headers: the settings below
// must be the same everywhere, and the private namespace keeps a host's RapidJSON apart from ours.
#pragma once

#define RAPIDJSON_NAMESPACE convoy_rapidjson
#define RAPIDJSON_NAMESPACE_BEGIN namespace convoy_rapidjson {
#define RAPIDJSON_NAMESPACE_END }
#define RAPIDJSON_HAS_STDSTRING 1
#define RAPIDJSON_48BITPOINTER_OPTIMIZATION 0

#include "rapidjson/document.h"
#include "rapidjson/stringbuffer.h"
#include "rapidjson/writer.h"

namespace convoy::json {

namespace rapidjson = ::convoy_rapidjson;

}  // namespace convoy::json
