// Stored JSON of portal links. Of a token only the salted hash is here.
#include <optional>
#include <utility>

#include "lib/base/encoding.h"
#include "lib/base/time_text.h"
#include "lib/model/codec.h"
#include "lib/model/codec_pieces.h"

namespace convoy::model {

using json::ObjectReader;
using json::Writer;

namespace {

void WriteTokens(Writer& writer, const std::vector<PortalToken>& tokens) {
  writer.Key("tokens").BeginArray();
  for (const PortalToken& token : tokens) {
    writer.BeginObject()
        .Field("salt", base::Base64Encode(token.salt))
        .Field("hash", base::Base64Encode(token.hash));
    if (token.expires_at.has_value()) WriteTime(writer, "expires_at_us", *token.expires_at);
    writer.EndObject();
  }
  writer.EndArray();
}

void ReadTokens(ObjectReader& parent, std::vector<PortalToken>* out) {
  const json::Value* const array = parent.Array("tokens");
  if (array == nullptr) return;
  for (const json::Value& element : array->GetArray()) {
    ObjectReader reader(element);
    std::string salt, hash;
    reader.Read("salt", &salt);
    reader.Read("hash", &hash);
    std::optional<absl::Time> expires_at;
    int64_t expires_at_us = 0;
    if (reader.Read("expires_at_us", &expires_at_us)) {
      expires_at = base::FromMicros(expires_at_us);
    }
    std::optional<std::string> salt_bytes = base::Base64Decode(salt);
    std::optional<std::string> hash_bytes = base::Base64Decode(hash);
    if (!salt_bytes.has_value() || !hash_bytes.has_value()) {
      reader.Fail(absl::DataLossError("stored portal token is not base64"));
    }
    parent.Fail(reader.status());
    if (!parent.status().ok()) return;
    out->push_back({*std::move(salt_bytes), *std::move(hash_bytes), expires_at});
  }
}

}  // namespace

std::string Encode(const PortalLink& link) {
  Writer writer;
  writer.BeginObject()
      .Field("id", link.id)
      .Field("project_id", link.project_id)
      .Field("name", link.name)
      .Field("owner_id", link.owner_id)
      .Field("auth", Name(link.auth))
      .Field("may_manage_endpoints", link.may_manage_endpoints)
      .Field("mask_id", link.mask_id);
  WriteTokens(writer, link.tokens);
  WriteTime(writer, "created_at_us", link.created_at);
  WriteTime(writer, "updated_at_us", link.updated_at);
  writer.EndObject();
  return writer.TakeText();
}

absl::StatusOr<PortalLink> DecodePortalLink(std::string_view text) {
  return DecodeStored<PortalLink>(text, [](ObjectReader& reader, PortalLink& link) {
    reader.Read("id", &link.id);
    reader.Read("project_id", &link.project_id);
    reader.Read("name", &link.name);
    reader.Read("owner_id", &link.owner_id);
    ReadEnum(reader, "auth", &link.auth);
    reader.Read("may_manage_endpoints", &link.may_manage_endpoints);
    reader.Read("mask_id", &link.mask_id);
    ReadTokens(reader, &link.tokens);
    ReadTime(reader, "created_at_us", &link.created_at);
    ReadTime(reader, "updated_at_us", &link.updated_at);
  });
}

}  // namespace convoy::model
