// See json_view.h. A form that cannot be read is shown as the text it is.

#include "lib/intake/json_view.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/intake/form_body.h"
#include "lib/json/raw.h"
#include "lib/json/writer.h"

namespace convoy::intake {

JsonView::JsonView(std::string_view content_type, std::string_view body)
    : body_(body), form_(FormToJson(content_type, body)) {}

std::string DataAsJson(std::string_view content_type, std::string_view body) {
  const JsonView view(content_type, body);
  if (json::Validate(view.text(), json::Limits{}).ok()) return std::string(view.text());
  json::Writer writer;
  writer.String(base::IsValidUtf8(body) ? std::string(body) : base::Base64Encode(body));
  return writer.TakeText();
}

}  // namespace convoy::intake
