// Notices of changes, told or asked for.
#include "lib/config/change_notices.h"

namespace convoy::config {
namespace {

// The store is not asked again for this long after it was asked, and after it last answered: an
// answer that takes long must not keep others from asking for longer than the second that Storage
// allows.
constexpr absl::Duration kAskInterval = absl::Milliseconds(50);
constexpr absl::Duration kAnswerAgeMax = absl::Milliseconds(500);
// Beyond it all scopes are as good as changed.
constexpr size_t kScopesMax = 10'000;

}  // namespace

bool ChangeNotices::ShouldLook(absl::Time now) {
  // A clock that was set back does not end looking.
  const bool is_fresh = asked_at_ <= now && now - asked_at_ < kAskInterval;
  const bool is_answered = answered_at_ <= now && now - answered_at_ < kAnswerAgeMax;
  return !is_fresh || !is_answered;
}

absl::Status ChangeNotices::Look() {
  const absl::Time now = clock_ == nullptr ? absl::InfiniteFuture() : clock_->Now();
  {
    absl::MutexLock lock(&mutex_);
    if (clock_ != nullptr && !ShouldLook(now)) return absl::OkStatus();
    asked_at_ = now;
  }
  const absl::StatusOr<uint64_t> generation = storage_.ConfigGeneration();
  absl::MutexLock lock(&mutex_);
  if (!generation.ok()) {
    answered_at_ = absl::InfinitePast();  // ask again at once
    return generation.status();
  }
  answered_at_ = now;
  if (*generation != generation_) NoteAll();
  generation_ = *generation;
  return absl::OkStatus();
}

void ChangeNotices::Tell(std::string_view scope) {
  absl::MutexLock lock(&mutex_);
  if (scopes_at_.size() >= kScopesMax) return NoteAll();
  scopes_at_[scope] = ++last_;
}

void ChangeNotices::TellAll() {
  absl::MutexLock lock(&mutex_);
  NoteAll();
}

void ChangeNotices::NoteAll() {
  all_at_ = ++last_;
  scopes_at_.clear();
}

uint64_t ChangeNotices::last() const {
  absl::MutexLock lock(&mutex_);
  return last_;
}

bool ChangeNotices::Holds(uint64_t notice, std::string_view scope,
                          std::string_view other_scope) const {
  absl::MutexLock lock(&mutex_);
  if (notice < all_at_) return false;
  for (const std::string_view each : {scope, other_scope}) {
    const auto told = scopes_at_.find(each);
    if (told != scopes_at_.end() && notice < told->second) return false;
  }
  return true;
}

}  // namespace convoy::config
