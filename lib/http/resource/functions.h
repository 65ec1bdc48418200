// Payload functions in requests: read, tried before they are stored, and tested.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/request/context.h"
#include "lib/http/request/reply.h"
#include "lib/json/document.h"

namespace convoy::http {

// How a client says that there is to be no function any more. Convoy's own differ: what the one
// takes for "remove", the other sends where nothing was set.
enum class FunctionRemoval : uint8_t { kByEmptyText, kByNull };

// A member that is the text of a function. Refused where there is no scripting; left alone if it is
// absent.
void ReadFunction(json::ObjectReader& reader, const json::Value& object, std::string_view field,
                  FunctionRemoval removal, const Scripting* scripting, std::string* out);

struct NamedFunction {
  std::string field;
  std::string text;
};

// Goes on if each is JavaScript that defines transform. Those without a text are passed over.
Reply CheckFunctions(const ApiParts& parts, std::vector<NamedFunction> functions,
                     std::function<Reply()> go_on);

}  // namespace convoy::http
