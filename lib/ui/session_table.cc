// Table of sessions; see session_table.h. Time is steady: setting the wall clock ends no session.
#include "lib/ui/session_table.h"

#include <algorithm>
#include <span>
#include <utility>

#include "lib/base/encoding.h"

namespace convoy::ui {

namespace {

constexpr size_t kIdBytes = 32;

}  // namespace

SessionTable::SessionTable(std::shared_ptr<Clock> clock, std::shared_ptr<Random> random,
                           absl::Duration idle_max, uint32_t sessions_max)
    : clock_(std::move(clock)),
      random_(std::move(random)),
      idle_max_(idle_max),
      sessions_max_(sessions_max) {}

void SessionTable::MakeRoom(absl::Time now) {
  if (sessions_.size() < sessions_max_) return;
  absl::erase_if(sessions_,
                 [&](const auto& entry) { return now - entry.second.used_at > idle_max_; });
  if (sessions_.size() < sessions_max_) return;
  sessions_.erase(std::min_element(
      sessions_.begin(), sessions_.end(),
      [](const auto& a, const auto& b) { return a.second.used_at < b.second.used_at; }));
}

std::string SessionTable::Open(std::string credential) {
  std::string bytes(kIdBytes, '\0');
  random_->Fill(std::span(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()));
  std::string id = base::Base64UrlEncode(bytes);
  const absl::Time now = clock_->SteadyNow();
  absl::MutexLock lock(&mutex_);
  MakeRoom(now);
  sessions_[id] = {.credential = std::move(credential), .used_at = now};
  return id;
}

std::optional<std::string> SessionTable::Find(std::string_view id) {
  const absl::Time now = clock_->SteadyNow();
  absl::MutexLock lock(&mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return std::nullopt;
  if (now - found->second.used_at > idle_max_) {
    sessions_.erase(found);
    return std::nullopt;
  }
  found->second.used_at = now;
  return found->second.credential;
}

void SessionTable::Close(std::string_view id) {
  absl::MutexLock lock(&mutex_);
  sessions_.erase(id);
}

}  // namespace convoy::ui
