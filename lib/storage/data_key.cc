// The record's document is JSON: {"wrapped": base64url, "is_complete": bool}.
#include "lib/storage/data_key.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/crypto/wipe.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"
#include "lib/storage/write_tries.h"

namespace convoy::storage {
namespace {

constexpr std::string_view kId = "data-key";
constexpr std::string_view kScope = "store";  // ConfigHome::kStore
constexpr std::string_view kBinding = "convoy data key";

struct Wrapped {
  std::string key;
  bool is_complete = false;
};

ConfigRecord RecordOf(const Wrapped& wrapped) {
  json::Writer writer;
  writer.BeginObject()
      .Field("wrapped", base::Base64UrlEncode(wrapped.key))
      .Field("is_complete", wrapped.is_complete)
      .EndObject();
  ConfigRecord record;
  record.kind = ConfigKind::kDataKey;
  record.id = kId;
  record.document = writer.TakeText();
  return record;
}

absl::StatusOr<std::optional<Wrapped>> Find(Storage& storage) {
  const auto record = storage.GetConfig(ConfigKind::kDataKey, "", kId);
  if (absl::IsNotFound(record.status())) return std::nullopt;
  CONVOY_RETURN_IF_ERROR(record.status());
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, json::Parse(record->document, {}));
  json::ObjectReader reader(document);
  Wrapped wrapped;
  std::string text;
  reader.Read("wrapped", &text);
  reader.Read("is_complete", &wrapped.is_complete);
  std::optional<std::string> key = base::Base64UrlDecode(text);
  if (!reader.status().ok() || !key.has_value()) {
    return absl::DataLossError("the record of the data key is damaged");
  }
  wrapped.key = *std::move(key);
  return wrapped;
}

// Writes the record that `next` makes of the present one; another opener may be faster.
absl::StatusOr<Wrapped> Replace(
    Storage& storage,
    const std::function<absl::StatusOr<Wrapped>(const std::optional<Wrapped>&)>& next) {
  WriteTries tries;
  while (true) {
    CONVOY_ASSIGN_OR_RETURN(const uint64_t revision, storage.ConfigRevision(kScope));
    CONVOY_ASSIGN_OR_RETURN(const std::optional<Wrapped> present, Find(storage));
    CONVOY_ASSIGN_OR_RETURN(Wrapped wrapped, next(present));
    WriteBatch batch;
    ConfigWrite& write = batch.config.emplace_back();
    write.scope = kScope;
    write.expected_revision = revision;
    write.puts.push_back(RecordOf(wrapped));
    WriteBatch* const batches[] = {&batch};
    CommitResult results[1];
    CONVOY_RETURN_IF_ERROR(storage.Commit(batches, results));
    if (results[0].status.ok()) return wrapped;
    if (!tries.ShouldPrepareAnew(results[0].status)) return results[0].status;
  }
}

absl::StatusOr<std::string> Unwrap(std::string_view host_key, const Wrapped& wrapped) {
  CONVOY_ASSIGN_OR_RETURN(const crypto::Aead host, crypto::Aead::FromKey(host_key));
  return host.Open(wrapped.key, kBinding);
}

absl::StatusOr<std::string> Wrap(std::string_view host_key, std::string_view data_key,
                                 Random& random) {
  CONVOY_ASSIGN_OR_RETURN(const crypto::Aead host, crypto::Aead::FromKey(host_key));
  return host.Seal(random, data_key, kBinding);
}

absl::StatusOr<Wrapped> Make(Storage& storage, const HostKeys& keys, Random& random) {
  return Replace(storage, [&](const std::optional<Wrapped>& present) -> absl::StatusOr<Wrapped> {
    if (present.has_value()) return *present;
    std::string key(crypto::kAeadKeyBytes, '\0');
    random.Fill({reinterpret_cast<uint8_t*>(key.data()), key.size()});
    auto wrapped = Wrap(keys.current, key, random);
    crypto::Wipe(key);
    CONVOY_RETURN_IF_ERROR(wrapped.status());
    return Wrapped{.key = *std::move(wrapped)};
  });
}

}  // namespace

absl::StatusOr<DataKey> OpenDataKey(Storage& storage, const HostKeys& keys, Random& random) {
  CONVOY_ASSIGN_OR_RETURN(std::optional<Wrapped> wrapped, Find(storage));
  if (!wrapped.has_value()) {
    CONVOY_ASSIGN_OR_RETURN(wrapped, Make(storage, keys, random));
  }
  absl::StatusOr<std::string> bytes = Unwrap(keys.current, *wrapped);
  if (!bytes.ok() && !keys.former.empty()) {
    bytes = Unwrap(keys.former, *wrapped);
    if (bytes.ok()) {
      const auto rewrap = [&](const std::optional<Wrapped>& present) -> absl::StatusOr<Wrapped> {
        CONVOY_ASSIGN_OR_RETURN(std::string key, Wrap(keys.current, *bytes, random));
        return Wrapped{.key = std::move(key),
                       .is_complete = present.has_value() && present->is_complete};
      };
      CONVOY_ASSIGN_OR_RETURN(wrapped, Replace(storage, rewrap));
    }
  }
  if (!bytes.ok()) {
    return absl::FailedPreconditionError(
        "secrets_key is not the key that the secrets of this store are sealed with: give that one, "
        "as former_secrets_key if another one is to replace it");
  }
  auto key = crypto::Aead::FromKey(*bytes);
  crypto::Wipe(*bytes);
  CONVOY_RETURN_IF_ERROR(key.status());
  return DataKey{.key = *std::move(key), .is_complete = wrapped->is_complete};
}

absl::Status MarkComplete(Storage& storage) {
  return Replace(storage,
                 [](const std::optional<Wrapped>& present) -> absl::StatusOr<Wrapped> {
                   if (!present.has_value()) return absl::DataLossError("the data key is gone");
                   return Wrapped{.key = present->key, .is_complete = true};
                 })
      .status();
}

absl::Status CheckNotSealed(Storage& target) {
  CONVOY_ASSIGN_OR_RETURN(const std::optional<Wrapped> wrapped, Find(target));
  if (!wrapped.has_value()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the secrets of this store are sealed: open it with the secrets_key that they are sealed "
      "with");
}

}  // namespace convoy::storage
