// Reads a whole project, page by page. Changes in the meantime are taken from the feed and applied,
// so that the answer is true at one instant, and no reader holds the store for as long as a large
// project takes.
#include "convoy/config_read.h"

#include <algorithm>

#include "lib/base/status_macros.h"

namespace convoy {
namespace {

constexpr int kTriesMax = 5;

template <typename T>
auto PlaceOf(std::vector<T>& objects, std::string_view id) {
  return std::lower_bound(objects.begin(), objects.end(), id,
                          [](const T& object, std::string_view key) { return object.id < key; });
}

template <ConfigObject T>
absl::Status TakeIn(const ConfigChanges& changes, std::vector<T>& objects) {
  for (const ConfigRef& ref : changes.removes) {
    if (ref.kind != ConfigKindOf<T>::value) continue;
    const auto place = PlaceOf(objects, ref.id);
    if (place != objects.end() && place->id == ref.id) objects.erase(place);
  }
  for (const ConfigRecord& record : changes.puts) {
    if (record.kind != ConfigKindOf<T>::value) continue;
    CONVOY_ASSIGN_OR_RETURN(T object, DecodeConfig<T>(record));
    const auto place = PlaceOf(objects, record.id);
    if (place != objects.end() && place->id == record.id) {
      *place = std::move(object);
    } else {
      objects.insert(place, std::move(object));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ProjectConfiguration> LoadProject(Storage& storage, std::string_view project_id) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    CONVOY_ASSIGN_OR_RETURN(const uint64_t since, storage.ConfigRevision(project_id));
    ProjectConfiguration read;
    CONVOY_ASSIGN_OR_RETURN(read.project, GetConfig<Project>(storage, "", project_id));
    const ConfigQuery of_project{.project_id = std::string(project_id)};
    CONVOY_ASSIGN_OR_RETURN(read.endpoints, ListAllConfig<Endpoint>(storage, of_project));
    CONVOY_ASSIGN_OR_RETURN(read.subscriptions, ListAllConfig<Subscription>(storage, of_project));
    CONVOY_ASSIGN_OR_RETURN(const ConfigChanges changes,
                            storage.ConfigChangesSince(project_id, since));
    if (!changes.is_complete) continue;
    CONVOY_RETURN_IF_ERROR(TakeIn(changes, read.endpoints));
    CONVOY_RETURN_IF_ERROR(TakeIn(changes, read.subscriptions));
    read.revision = changes.revision;
    return read;
  }
  return absl::UnavailableError("the project changes faster than it can be read, try again");
}

}  // namespace convoy
