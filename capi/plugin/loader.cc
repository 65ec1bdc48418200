// Search, loading and handshake. The handshake is the name of the entry point, which holds the
// number of the interface, and the library's version in its answer.
#include "capi/plugin/loader.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "capi/parts/part.h"

namespace convoy::capi {
namespace {

constexpr char kEntryPoint[] = "convoy_plugin_1";

// Any address in this library.
const char kAnchor = 0;

absl::StatusOr<std::string> OwnFolder() {
  Dl_info info = {};
  if (dladdr(&kAnchor, &info) == 0 || info.dli_fname == nullptr) {
    return absl::FailedPreconditionError("the folder of libconvoy.so is not known");
  }
  const std::string path = info.dli_fname;
  const size_t slash = path.rfind('/');
  // A program that was started by its name alone has none.
  if (slash == std::string::npos) {
    return absl::FailedPreconditionError("the folder of libconvoy is not known");
  }
  return path.substr(0, slash);
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

}  // namespace

bool IsPluginName(std::string_view name) {
  return !name.empty() && name.size() <= 32 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

absl::StatusOr<convoy_broker> LoadAdapter(std::string_view name, std::string_view folder) {
  std::string path(folder);
  if (path.empty()) {
    absl::StatusOr<std::string> own = OwnFolder();
    if (!own.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat(own.status().message(), ": set broker.adapters_dir"));
    }
    path = *std::move(own);
  }
  absl::StrAppend(&path, "/libconvoy-", name, ".so");
  struct stat found = {};
  if (stat(path.c_str(), &found) != 0) {
    return absl::NotFoundError(
        absl::StrCat(path, " is not there: install the adapter ", name,
                     " of libconvoy, or set broker.adapters_dir to its folder"));
  }
  // The text of dlerror belongs to the thread, and two threads may load at once.
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const why = dlerror();
    return absl::FailedPreconditionError(
        absl::StrCat("cannot load the adapter ", name, ": ", why == nullptr ? path.c_str() : why));
  }
  auto* const entry = reinterpret_cast<convoy_plugin_fn>(dlsym(library, kEntryPoint));
  if (entry == nullptr) {
    dlclose(library);
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is no plug-in of this version: it does not define ", kEntryPoint));
  }
  // From here on it stays: it may have started threads.
  const convoy_plugin* const plugin = entry();
  if (absl::Status checked = CheckPlugin(plugin, name, path); !checked.ok()) return checked;
  return CopyTable(*CopyTable(*plugin).broker);
}

}  // namespace convoy::capi
