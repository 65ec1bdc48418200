// Loader of the part of a scheme that locates signatures.
#include <utility>

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/verify/scheme_loader.h"
#include "lib/verify/strict_reader.h"

namespace convoy::verify {
namespace {

using json::ObjectReader;

absl::StatusOr<ListSyntax> LoadList(const json::Value& object) {
  ObjectReader reader(object, "signature.list");
  CONVOY_RETURN_IF_ERROR(CheckFields(
      object, reader,
      {"item_sep", "kv_sep", "group_sep", "key", "key_numbered", "key_config", "timestamp_first"}));
  ListSyntax list;
  CONVOY_RETURN_IF_ERROR(ReadCharacter(reader, "item_sep", &list.item_separator));
  CONVOY_RETURN_IF_ERROR(ReadCharacter(reader, "kv_sep", &list.key_separator));
  CONVOY_RETURN_IF_ERROR(ReadCharacter(reader, "group_sep", &list.group_separator));
  list.is_key_numbered = reader.Read("key_numbered", &list.key);
  const bool is_key_plain = reader.Read("key", &list.key);
  const bool is_key_configured = reader.Read("key_config", &list.key_parameter);
  reader.Read("timestamp_first", &list.is_timestamp_first);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (is_key_plain + is_key_configured + list.is_key_numbered > 1) {
    return InvalidField(reader, "key", "excludes key_numbered and key_config");
  }
  return list;
}

}  // namespace

absl::StatusOr<SignatureField> LoadSignatureField(const json::Value& object) {
  using Kind = Locator::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 5> kPlaces = {{{"header", Kind::kHeader},
                                                                         {"query", Kind::kQuery},
                                                                         {"json", Kind::kJson},
                                                                         {"form", Kind::kForm},
                                                                         {"body", Kind::kBody}}};
  ObjectReader reader(object, "signature");
  CONVOY_RETURN_IF_ERROR(
      CheckFields(object, reader, {"in", "name", "numbered", "prefix", "list", "envelope"}));
  SignatureField field;
  Kind place = Kind::kHeader;
  std::vector<std::string> names;
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "in", kPlaces, &place));
  CONVOY_RETURN_IF_ERROR(ReadTexts(object, reader, "name", &names));
  reader.Read("numbered", &field.is_name_numbered);
  reader.Read("prefix", &field.prefix);
  reader.Read("envelope", &field.envelope_path);
  if (const json::Value* list = reader.Object("list")) {
    CONVOY_ASSIGN_OR_RETURN(field.list, LoadList(*list));
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (place == Kind::kBody) field.places.push_back({});
  for (std::string& name : names) {
    if (place == Kind::kHeader ? !base::IsHeaderName(name) : name.empty()) {
      return InvalidField(reader, "name", "must name the field that holds the signature");
    }
    field.places.push_back({place, std::move(name)});
  }
  if (field.places.empty() || (place == Kind::kBody && !names.empty())) {
    return InvalidField(reader, "name", "must name the field that holds the signature");
  }
  if (field.places.size() > 1 && place != Kind::kHeader) {
    return InvalidField(reader, "name", "may be several headers, but only one of other fields");
  }
  if (field.is_name_numbered && place != Kind::kHeader) {
    return InvalidField(reader, "numbered", "goes with headers only");
  }
  return field;
}

}  // namespace convoy::verify
