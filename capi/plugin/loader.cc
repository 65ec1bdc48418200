// Search, loading and handshake. With an adapter the handshake is the name of the entry point,
// which holds the number of the interface, and the library's version in its answer; with a store it
// is the stamp of the build.
#include "capi/plugin/loader.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "capi/parts/part.h"

namespace convoy::capi {
namespace {

constexpr char kEntryPoint[] = "convoy_plugin_1";

// Any address in this library.
const char kAnchor = 0;

// The folder that this library was loaded from, and, where that was through a link, the one that
// the link leads to. None if it was loaded by a relative path, which the process may have left.
std::vector<std::string> OwnFolders() {
  Dl_info info = {};
  if (dladdr(&kAnchor, &info) == 0 || info.dli_fname == nullptr || info.dli_fname[0] != '/') {
    return {};
  }
  const std::string path = info.dli_fname;
  std::vector<std::string> folders = {path.substr(0, path.rfind('/'))};
  if (char* const real = realpath(path.c_str(), nullptr); real != nullptr) {
    const std::string target = real;
    std::free(real);
    std::string folder = target.substr(0, target.rfind('/'));
    if (folder != folders.front()) folders.push_back(std::move(folder));
  }
  return folders;
}

// Where plug-ins are installed, and where a build has them, in the order of the search.
std::vector<std::string> PluginFolders() {
  std::vector<std::string> folders;
  for (std::string& own : OwnFolders()) {
    folders.push_back(own + "/convoy");
    folders.push_back(std::move(own));
  }
  return folders;
}

absl::StatusOr<std::string> FindPlugin(std::string_view name, std::string_view folder) {
  const std::string file = absl::StrCat("/libconvoy-", name, ".so");
  const std::vector<std::string> folders =
      folder.empty() ? PluginFolders() : std::vector<std::string>{std::string(folder)};
  if (folders.empty()) {
    return absl::FailedPreconditionError(
        "the folder of libconvoy is not known: set broker.adapters_dir");
  }
  for (const std::string& each : folders) {
    struct stat found = {};
    std::string path = each + file;
    if (stat(path.c_str(), &found) == 0) return path;
  }
  return absl::NotFoundError(
      absl::StrCat(folders.front(), file, " is not there: install the adapter ", name,
                   " of libconvoy, or set broker.adapters_dir to its folder"));
}

uint32_t MinorOf(uint32_t version) { return version / 1000; }

absl::Status CheckPlugin(const convoy_plugin* given, std::string_view name, std::string_view path) {
  const auto broken = [path](std::string_view why) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is no plug-in: ", why));
  };
  if (absl::Status checked = CheckTable(given, "plugin", sizeof(convoy_plugin)); !checked.ok()) {
    return absl::IsUnimplemented(checked) ? checked : broken(checked.message());
  }
  const convoy_plugin plugin = CopyTable(*given);
  const uint32_t own = convoy_version_number();
  if (plugin.library_version != 0 && MinorOf(plugin.library_version) != MinorOf(own)) {
    const uint32_t minor = MinorOf(plugin.library_version);
    return absl::UnimplementedError(absl::StrCat(path, " goes with libconvoy ", minor / 1000, ".",
                                                 minor % 1000, ", and this is ",
                                                 convoy_version_string()));
  }
  if (plugin.name == nullptr || plugin.name != name) return broken("it has another name");
  if (absl::Status checked = CheckTable(plugin.broker, "broker", sizeof(convoy_broker));
      !checked.ok()) {
    return absl::IsUnimplemented(checked) ? checked : broken(checked.message());
  }
  const convoy_broker broker = CopyTable(*plugin.broker);
  if (broker.destroy != nullptr) return broken("broker.destroy must be NULL");
  const absl::Status complete = CheckComplete(broker);
  return complete.ok() ? complete : broken(complete.message());
}

struct Loaded {
  std::string path;
  void* entry = nullptr;
};

// Loads libconvoy-`name`.so, which must define `entry_point`. From then on it stays: it may have
// started threads.
absl::StatusOr<Loaded> Load(std::string_view name, std::string_view folder,
                            const char* entry_point) {
  absl::StatusOr<std::string> path = FindPlugin(name, folder);
  if (!path.ok()) return path.status();
  // The text of dlerror belongs to the thread, and two threads may load at once.
  void* const library = dlopen(path->c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const why = dlerror();
    return absl::FailedPreconditionError(
        absl::StrCat("cannot load the adapter ", name, ": ", why == nullptr ? path->c_str() : why));
  }
  void* const entry = dlsym(library, entry_point);
  if (entry == nullptr) {
    dlclose(library);
    return absl::FailedPreconditionError(
        absl::StrCat(*path, " is no plug-in of this version: it does not define ", entry_point));
  }
  return Loaded{.path = *std::move(path), .entry = entry};
}

}  // namespace

bool IsPluginName(std::string_view name) {
  return !name.empty() && name.size() <= 32 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

absl::StatusOr<convoy_broker> LoadAdapter(std::string_view name, std::string_view folder) {
  const absl::StatusOr<Loaded> loaded = Load(name, folder, kEntryPoint);
  if (!loaded.ok()) return loaded.status();
  const convoy_plugin* const plugin = reinterpret_cast<convoy_plugin_fn>(loaded->entry)();
  if (absl::Status checked = CheckPlugin(plugin, name, loaded->path); !checked.ok()) {
    return checked;
  }
  return CopyTable(*CopyTable(*plugin).broker);
}

absl::StatusOr<const StorePlugin*> LoadStore(std::string_view name, std::string_view folder) {
  const absl::StatusOr<Loaded> loaded = Load(name, folder, kStoreEntryPoint);
  if (!loaded.ok()) return loaded.status();
  const StorePlugin* const plugin = reinterpret_cast<StoreEntryPoint>(loaded->entry)();
  if (plugin == nullptr || plugin->stamp == nullptr ||
      std::string_view(plugin->stamp) != kBuildStamp) {
    return absl::UnimplementedError(
        absl::StrCat(loaded->path, " is of another build than this libconvoy ",
                     convoy_version_string(), ": install both from the same one"));
  }
  return plugin;
}

}  // namespace convoy::capi
