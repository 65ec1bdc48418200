// Plug-in of a store: objects of C++ that libconvoy-postgres.so makes for libconvoy.so. Every call
// of a store would cost a copy if it went through a table of C functions. So the two must come from
// one build: they compare their stamps before anything else is looked at.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "convoy/broker.h"
#include "convoy/storage.h"

namespace convoy::capi {

// A digest of the C++ interface's headers, the compiler and its flags.
extern const char kBuildStamp[];

// The store behind a connection URI, which may hold a password; errors do not repeat it. Objects
// live as long as the process, if need be: the plug-in stays loaded. From any thread.
struct StorePlugin {
  const char* stamp;  // kBuildStamp of the plug-in; stays the first member for ever
  absl::StatusOr<std::unique_ptr<Storage>> (*open_storage)(const std::string& uri);
  // As NewPostgresOutbox.
  std::shared_ptr<Broker> (*new_outbox)(const std::string& uri, bool should_create);
};

inline constexpr char kStoreEntryPoint[] = "convoy_store_plugin";
using StoreEntryPoint = const StorePlugin* (*)();

}  // namespace convoy::capi
