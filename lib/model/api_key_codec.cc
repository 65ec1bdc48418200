// Stored form of API keys: of the key itself salt and hash only.
#include "absl/status/status.h"

#include "lib/base/encoding.h"
#include "lib/base/time_text.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"
#include "lib/model/codec.h"
#include "lib/model/codec_pieces.h"
#include "lib/model/names.h"

namespace convoy::model {

using json::ObjectReader;
using json::Writer;

std::string Encode(const ApiKey& key) {
  Writer writer;
  writer.BeginObject()
      .Field("id", key.id)
      .Field("name", key.name)
      .Field("mask_id", key.mask_id)
      .Field("salt", base::Base64Encode(key.salt))
      .Field("hash", base::Base64Encode(key.hash))
      .Field("role", Name(key.role))
      .FieldIfSet("project_id", key.project_id);
  if (key.expires_at.has_value()) WriteTime(writer, "expires_at_us", *key.expires_at);
  WriteTime(writer, "created_at_us", key.created_at);
  writer.EndObject();
  return writer.TakeText();
}

absl::StatusOr<ApiKey> DecodeApiKey(std::string_view text) {
  return DecodeStored<ApiKey>(text, [](ObjectReader& reader, ApiKey& key) {
    std::string salt, hash;
    reader.Read("id", &key.id);
    reader.Read("name", &key.name);
    reader.Read("mask_id", &key.mask_id);
    reader.Read("salt", &salt);
    reader.Read("hash", &hash);
    ReadEnum(reader, "role", &key.role);
    reader.Read("project_id", &key.project_id);
    int64_t expires_at_us = 0;
    if (reader.Read("expires_at_us", &expires_at_us)) {
      key.expires_at = base::FromMicros(expires_at_us);
    }
    ReadTime(reader, "created_at_us", &key.created_at);
    const auto salt_bytes = base::Base64Decode(salt), hash_bytes = base::Base64Decode(hash);
    if (!salt_bytes.has_value() || !hash_bytes.has_value()) {
      reader.Fail(absl::DataLossError("stored API key is not base64"));
      return;
    }
    key.salt = *salt_bytes;
    key.hash = *hash_bytes;
  });
}

}  // namespace convoy::model
