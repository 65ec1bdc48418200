// Counts by reason, and one log line for a source and a reason in an interval.
#include "lib/intake/ingest_report.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace convoy::intake {
namespace {

constexpr std::string_view kPayloadUrl = "convoy/ingest-refusal";

}  // namespace

absl::Status RefuseIngest(absl::StatusCode code, std::string_view reason,
                          std::string_view message) {
  absl::Status status(code, message);
  status.SetPayload(kPayloadUrl, absl::Cord(reason));
  return status;
}

std::string IngestReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayloadUrl);
  return payload.has_value() ? std::string(*payload) : std::string();
}

IngestReport::~IngestReport() {
  std::vector<Entry> over;
  {
    absl::MutexLock lock(&mutex_);
    Collect(absl::InfiniteFuture(), /*is_end=*/true, &over);
  }
  for (const Entry& entry : over) Log(entry);
}

void IngestReport::Refused(const IngestNotice& notice) {
  {
    absl::MutexLock lock(&mutex_);
    ++refused_counts_[std::string(notice.reason)];
  }
  if (observer_ != nullptr) observer_->Count("convoy_ingest_refused_total", 1);
  Tell(notice, /*is_refusal=*/true);
}

void IngestReport::Accepted(const IngestNotice& notice) {
  {
    absl::MutexLock lock(&mutex_);
    ++accepted_counts_[std::string(notice.reason)];
  }
  if (observer_ != nullptr) observer_->Count("convoy_ingest_accepted_with_notice_total", 1);
  Tell(notice, /*is_refusal=*/false);
}

void IngestReport::Tell(const IngestNotice& notice, bool is_refusal) {
  if (observer_ == nullptr) return;
  std::vector<Entry> lines;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Time now = clock_->Now();
    Collect(now, /*is_end=*/false, &lines);
    std::string key = absl::StrCat(notice.event, ";", notice.source_id, ";", notice.reason);
    // Beyond the bound sources share a line: links that are guessed are not ours to remember.
    const bool is_full = entries_.size() >= kEntriesMax && !entries_.contains(key);
    if (is_full) key = absl::StrCat(notice.event, ";;", notice.reason);
    Entry& entry = entries_[key];
    const bool is_new = entry.reason.empty();
    if (is_new) {
      entry = {.level = notice.level,
               .event = std::string(notice.event),
               .source_id = std::string(is_full ? "" : notice.source_id),
               .scheme = std::string(notice.scheme),
               .reason = std::string(notice.reason),
               .detail = std::string(notice.detail),
               .is_refusal = is_refusal,
               .told_at = now};
      lines.push_back(entry);
      lines.back().untold_count = 1;
    } else {
      ++entry.untold_count;
    }
  }
  for (const Entry& line : lines) Log(line);
}

void IngestReport::Flush() {
  std::vector<Entry> over;
  {
    absl::MutexLock lock(&mutex_);
    Collect(clock_->Now(), /*is_end=*/false, &over);
  }
  for (const Entry& entry : over) Log(entry);
}

void IngestReport::Collect(absl::Time now, bool is_end, std::vector<Entry>* out) {
  // All are looked at, so not for every request. A clock that was set back does not stop this.
  if (!is_end && now - collected_at_ < kInterval / 4 && now >= collected_at_) return;
  collected_at_ = now;
  for (auto at = entries_.begin(); at != entries_.end();) {
    Entry& entry = at->second;
    if (!is_end && now - entry.told_at < kInterval && now >= entry.told_at) {
      ++at;
    } else if (entry.untold_count > 0 && !is_end) {
      out->push_back(entry);
      entry.untold_count = 0;
      entry.told_at = now;
      ++at;
    } else {
      if (entry.untold_count > 0) out->push_back(entry);
      entries_.erase(at++);
    }
  }
}

void IngestReport::Log(const Entry& entry) const {
  if (observer_ == nullptr) return;
  const std::string count = absl::StrCat(entry.untold_count);
  std::vector<LogField> fields;
  if (!entry.source_id.empty()) fields.push_back({"source_id", entry.source_id});
  if (!entry.scheme.empty()) fields.push_back({"scheme", entry.scheme});
  fields.push_back({"reason", entry.reason});
  if (!entry.detail.empty()) fields.push_back({"detail", entry.detail});
  // Of how many requests, the first or those since the last line.
  if (entry.untold_count > 1) fields.push_back({"count", count});
  observer_->Log(entry.level, entry.event, fields);
  if (!tell_ || !entry.is_refusal) return;
  tell_({.kind = HostOutcome::Kind::kSourceRefuses,
         .at = clock_->Now(),
         .source_id = entry.source_id,
         .outcome = entry.reason,
         .detail = entry.detail,
         .count = entry.untold_count});
}

IngestReport::Counts IngestReport::refused_counts() const {
  absl::MutexLock lock(&mutex_);
  return refused_counts_;
}

IngestReport::Counts IngestReport::accepted_counts() const {
  absl::MutexLock lock(&mutex_);
  return accepted_counts_;
}

}  // namespace convoy::intake
