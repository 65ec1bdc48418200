// Sealed documents are "sealed:" and base64url of nonce, ciphertext and tag (lib/crypto/aead.h),
// bound to the kind and id of their record. JSON never begins so. Their store sees text.
//
// The data key lies in a record of its own, written like any other: of two openers that would make
// one, the second is refused and reads that of the first.
#include "lib/storage/sealed_storage.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/crypto/aead.h"
#include "lib/storage/data_key.h"
#include "lib/storage/forwarding_storage.h"

namespace convoy::storage {
namespace {

constexpr std::string_view kPrefix = "sealed:";
constexpr uint32_t kRecordsOfPass = 256;
// Passes over the configuration while other openers change it.
constexpr int kPassesMax = 16;

std::string BindingOf(const ConfigRecord& record) {
  return absl::StrCat(static_cast<int>(record.kind), "/", record.id);
}

class SealedStorage final : public ForwardingStorage {
 public:
  SealedStorage(std::unique_ptr<Storage> target, crypto::Aead key, Random* random)
      : ForwardingStorage(target.get()),
        owned_(std::move(target)),
        key_(std::move(key)),
        random_(*random) {}

  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    // Of a call that fails the batches are as they were.
    std::vector<std::pair<std::string*, std::string>> replaced;
    const auto restore = [&replaced](absl::Status status) {
      for (auto& [document, text] : replaced) *document = std::move(text);
      return status;
    };
    for (WriteBatch* const batch : batches) {
      for (ConfigWrite& write : batch->config) {
        for (ConfigRecord& record : write.puts) {
          absl::StatusOr<std::string> sealed = Seal(record);
          if (!sealed.ok()) return restore(sealed.status());
          replaced.emplace_back(&record.document, std::move(record.document));
          record.document = *std::move(sealed);
        }
      }
    }
    absl::Status status = ForwardingStorage::Write(batches, results);
    return status.ok() ? status : restore(std::move(status));
  }

  absl::StatusOr<ConfigRecord> GetConfig(ConfigKind kind, std::string_view project_id,
                                         std::string_view id) override {
    return Opened(ForwardingStorage::GetConfig(kind, project_id, id));
  }
  absl::StatusOr<ConfigRecord> FindConfig(ConfigKind kind, std::string_view field,
                                          std::string_view value) override {
    return Opened(ForwardingStorage::FindConfig(kind, field, value));
  }
  absl::StatusOr<Page<ConfigRecord>> ListConfig(const ConfigQuery& query,
                                                const PageRequest& page) override {
    CONVOY_ASSIGN_OR_RETURN(auto records, ForwardingStorage::ListConfig(query, page));
    CONVOY_RETURN_IF_ERROR(OpenAll(records.items));
    return records;
  }
  absl::StatusOr<ConfigChanges> ConfigChangesSince(std::string_view scope,
                                                   uint64_t since) override {
    CONVOY_ASSIGN_OR_RETURN(auto changes, ForwardingStorage::ConfigChangesSince(scope, since));
    CONVOY_RETURN_IF_ERROR(OpenAll(changes.puts));
    return changes;
  }

  // Seals every document that is not sealed yet.
  absl::Status SealAll() {
    for (int pass = 0; pass < kPassesMax; ++pass) {
      bool is_overtaken = false;
      for (const ConfigKindInfo& info : ConfigKinds()) {
        if (info.kind == ConfigKind::kDataKey) continue;
        CONVOY_RETURN_IF_ERROR(SealKind(info.kind, is_overtaken));
      }
      if (!is_overtaken) return absl::OkStatus();
    }
    return absl::AbortedError("the configuration was changed all the time while it was sealed");
  }

 private:
  absl::StatusOr<std::string> Seal(const ConfigRecord& record) const {
    CONVOY_ASSIGN_OR_RETURN(const std::string sealed,
                            key_.Seal(random_, record.document, BindingOf(record)));
    return absl::StrCat(kPrefix, base::Base64UrlEncode(sealed));
  }

  absl::Status Open(ConfigRecord& record) const {
    if (!record.document.starts_with(kPrefix)) return absl::OkStatus();
    const std::optional<std::string> sealed =
        base::Base64UrlDecode(std::string_view(record.document).substr(kPrefix.size()));
    absl::StatusOr<std::string> document =
        sealed.has_value() ? key_.Open(*sealed, BindingOf(record))
                           : absl::InvalidArgumentError("the sealed bytes are no base64url");
    if (!document.ok()) {
      return absl::DataLossError(absl::StrCat(record.id, ": ", document.status().message()));
    }
    record.document = *std::move(document);
    return absl::OkStatus();
  }

  absl::StatusOr<ConfigRecord> Opened(absl::StatusOr<ConfigRecord> record) const {
    if (record.ok()) CONVOY_RETURN_IF_ERROR(Open(*record));
    return record;
  }

  absl::Status OpenAll(std::vector<ConfigRecord>& records) const {
    for (ConfigRecord& record : records) CONVOY_RETURN_IF_ERROR(Open(record));
    return absl::OkStatus();
  }

  // `is_overtaken` is set if another opener changed something at the same time.
  absl::Status SealKind(ConfigKind kind, bool& is_overtaken) {
    PageRequest request{.is_ascending = true, .items_max = kRecordsOfPass};
    while (true) {
      CONVOY_ASSIGN_OR_RETURN(const auto page,
                              ForwardingStorage::ListConfig({.kind = kind}, request));
      std::map<std::string, std::vector<const ConfigRecord*>> clear;  // by scope
      for (const ConfigRecord& record : page.items) {
        if (record.document.starts_with(kPrefix)) continue;
        clear[std::string(ConfigScopeOf(record))].push_back(&record);
      }
      for (const auto& [scope, records] : clear) {
        CONVOY_RETURN_IF_ERROR(SealScope(scope, records, is_overtaken));
      }
      if (!page.has_next) return absl::OkStatus();
      request.cursor = page.next_cursor;
    }
  }

  // Reads the records again, now that the revision is known that they may have.
  absl::Status SealScope(const std::string& scope, const std::vector<const ConfigRecord*>& records,
                         bool& is_overtaken) {
    CONVOY_ASSIGN_OR_RETURN(const uint64_t revision, ConfigRevision(scope));
    WriteBatch batch;
    ConfigWrite& write = batch.config.emplace_back();
    write.scope = scope;
    write.expected_revision = revision;
    for (const ConfigRecord* const record : records) {
      auto current = GetConfig(record->kind, record->project_id, record->id);
      if (absl::IsNotFound(current.status())) continue;
      CONVOY_RETURN_IF_ERROR(current.status());
      write.puts.push_back(*std::move(current));
    }
    WriteBatch* const batches[] = {&batch};
    CommitResult results[1];
    CONVOY_RETURN_IF_ERROR(Commit(batches, results));
    is_overtaken |= absl::IsAborted(results[0].status);
    return absl::IsAborted(results[0].status) ? absl::OkStatus() : results[0].status;
  }

  const std::unique_ptr<Storage> owned_;
  const crypto::Aead key_;
  Random& random_;
};

class ClearStorage final : public ForwardingStorage {
 public:
  explicit ClearStorage(std::unique_ptr<Storage> target)
      : ForwardingStorage(target.get()), owned_(std::move(target)) {}

  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    const auto has_documents = [](const WriteBatch* batch) {
      return std::any_of(batch->config.begin(), batch->config.end(),
                         [](const ConfigWrite& write) { return !write.puts.empty(); });
    };
    absl::Status refusal;
    if (std::any_of(batches.begin(), batches.end(), has_documents)) {
      refusal = CheckNotSealed(*owned_);
    }
    if (refusal.ok()) return ForwardingStorage::Write(batches, results);
    if (!absl::IsFailedPrecondition(refusal)) return refusal;

    std::vector<WriteBatch*> others;
    for (WriteBatch* const batch : batches) {
      if (!has_documents(batch)) others.push_back(batch);
    }
    std::vector<CommitResult> results_of_others(others.size());
    CONVOY_RETURN_IF_ERROR(ForwardingStorage::Write(others, results_of_others));
    auto next = results_of_others.begin();
    for (size_t i = 0; i < batches.size(); ++i) {
      if (has_documents(batches[i])) {
        // The request is in order: it is this process that lacks the key.
        results[i].status = absl::UnavailableError(refusal.message());
      } else {
        results[i] = std::move(*next++);
      }
    }
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<Storage> owned_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Storage>> KeepClear(std::unique_ptr<Storage> target) {
  CONVOY_RETURN_IF_ERROR(CheckNotSealed(*target));
  return std::make_unique<ClearStorage>(std::move(target));
}

absl::StatusOr<std::unique_ptr<Storage>> SealStorage(std::unique_ptr<Storage> target,
                                                     const HostKeys& keys, Random* random) {
  CONVOY_ASSIGN_OR_RETURN(DataKey data_key, OpenDataKey(*target, keys, *random));
  Storage& clear = *target;
  auto sealed = std::make_unique<SealedStorage>(std::move(target), data_key.key, random);
  if (!data_key.is_complete) {
    CONVOY_RETURN_IF_ERROR(sealed->SealAll());
    CONVOY_RETURN_IF_ERROR(MarkComplete(clear));
  }
  return sealed;
}

}  // namespace convoy::storage
