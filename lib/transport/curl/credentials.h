// TLS credentials of endpoints in the form that libcurl takes with GnuTLS: paths of files. The
// files are in memory (memfd), so that no key is written to a disk, and none is left behind by a
// process that dies.
//
// libcurl uses a kept connection again if the paths are the same. A path here stands for one
// content as long as the process lives, so no endpoint is spoken to on a connection that was made
// with the credentials of another. For one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "convoy/model.h"

namespace convoy::transport {

// A read-only file in memory. The path is good for this process, as long as the object lives.
class MemoryFile {
 public:
  // `serial` becomes part of the path. kResourceExhausted or kUnavailable if there is no
  // descriptor.
  static absl::StatusOr<std::unique_ptr<MemoryFile>> Make(std::string_view content,
                                                          uint64_t serial);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  MemoryFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  const int fd_;
  const std::string path_;
};

struct Credentials {
  std::unique_ptr<MemoryFile> authorities;  // null: those of the instance
  std::unique_ptr<MemoryFile> client;       // certificate, chain and key; null: none
};

class CredentialCache {
 public:
  // At most so many are kept that no exchange uses: two descriptors each.
  explicit CredentialCache(size_t kept_max = 128) : kept_max_(kept_max) {}

  // The same object for the same content, as long as it is kept; an exchange holds on to it.
  absl::StatusOr<std::shared_ptr<const Credentials>> Find(const EndpointTls& tls);

 private:
  struct Entry {
    std::shared_ptr<const Credentials> credentials;
    uint64_t used_at = 0;  // by uses_count_
  };
  void MakeRoom();

  const size_t kept_max_;
  uint64_t uses_count_ = 0;
  uint64_t next_serial_ = 0;
  absl::flat_hash_map<std::string, Entry> entries_;  // by what is in them
};

}  // namespace convoy::transport
