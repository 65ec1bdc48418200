// A bounded list of events; see recent_events.h.
#include "lib/storage/postgres/recent_events.h"

#include <iterator>
#include <utility>

namespace convoy::storage::postgres {
namespace {

constexpr size_t kBytesMax = 8 * 1024 * 1024;
constexpr size_t kEventBytesMax = kBytesMax / 16;
constexpr size_t kOverhead = 1024;  // of an event, about

size_t SizeOf(const Event& event) {
  size_t size = kOverhead + event.body.size() + event.url_query.size() + event.url_path.size() +
                event.event_type.size() + event.idempotency_key.size() + event.content_type.size();
  for (const auto& header : event.headers) {
    size += sizeof(header) + header.name.size() + header.value.size();
  }
  for (const std::string& id : event.endpoint_ids) size += sizeof(id) + id.size();
  return size;
}

}  // namespace

bool RecentEvents::IsWorthKeeping(const Event& event) const {
  return has_claims_ && SizeOf(event) <= kEventBytesMax;
}

void RecentEvents::Add(std::shared_ptr<const Event> event) {
  const size_t size = SizeOf(*event);
  absl::MutexLock lock(&mutex_);
  const auto found = by_id_.find(event->id);
  if (found != by_id_.end()) Remove(found->second);
  events_.push_back(std::move(event));
  by_id_.emplace(events_.back()->id, std::prev(events_.end()));
  bytes_count_ += size;
  while (bytes_count_ > kBytesMax) Remove(events_.begin());
}

std::shared_ptr<const Event> RecentEvents::Take(std::string_view project_id, std::string_view id) {
  absl::MutexLock lock(&mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || (*found->second)->project_id != project_id) return nullptr;
  std::shared_ptr<const Event> event = *found->second;
  Remove(found->second);
  return event;
}

void RecentEvents::Remove(Events::iterator event) {
  bytes_count_ -= SizeOf(**event);
  by_id_.erase((*event)->id);
  events_.erase(event);
}

}  // namespace convoy::storage::postgres
