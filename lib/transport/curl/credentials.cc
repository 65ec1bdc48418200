// Descriptors are numbers that the system gives again and again, so /proc/self/fd/7 is one file
// today and another tomorrow. The serial number makes the path of each file a spelling of its own:
// "//" and "/./" mean the same as "/" to the system, and libcurl compares letters.
#include "lib/transport/curl/credentials.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"

namespace convoy::transport {
namespace {

// Lowest bit first; the digits "/" and "./" cannot be read in two ways.
std::string PathOf(int fd, uint64_t serial) {
  std::string path = "/proc/self/fd/";
  for (; serial != 0; serial >>= 1) path.append((serial & 1) != 0 ? "./" : "/");
  absl::StrAppend(&path, fd);
  return path;
}

bool WriteAll(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t size = write(fd, content.data(), content.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    content.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

// In one text, each part on lines of its own.
std::string Join(std::string_view certificate, std::string_view key) {
  return absl::StrCat(certificate, "\n", key, "\n");
}

}  // namespace

absl::StatusOr<std::unique_ptr<MemoryFile>> MemoryFile::Make(std::string_view content,
                                                             uint64_t serial) {
  const int fd = memfd_create("convoy-credentials", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return absl::ErrnoToStatus(errno, "no file in memory for credentials of TLS");
  auto file = absl::WrapUnique(new MemoryFile(fd, PathOf(fd, serial)));
  if (fchmod(fd, S_IRUSR) != 0 || !WriteAll(fd, content) ||
      fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    return absl::ErrnoToStatus(errno, "credentials of TLS cannot be put into a file in memory");
  }
  return file;
}

MemoryFile::~MemoryFile() { close(fd_); }

absl::StatusOr<std::shared_ptr<const Credentials>> CredentialCache::Find(const EndpointTls& tls) {
  // PEM is text: a NUL stands nowhere in it.
  std::string content =
      absl::StrCat(tls.ca_bundle, std::string_view("\0", 1), tls.client_certificate,
                   std::string_view("\0", 1), tls.client_key);
  ++uses_count_;
  const auto known = entries_.find(content);
  if (known != entries_.end()) {
    known->second.used_at = uses_count_;
    return known->second.credentials;
  }
  MakeRoom();
  auto credentials = std::make_shared<Credentials>();
  if (!tls.ca_bundle.empty()) {
    CONVOY_ASSIGN_OR_RETURN(credentials->authorities,
                            MemoryFile::Make(tls.ca_bundle, ++next_serial_));
  }
  if (!tls.client_certificate.empty()) {
    CONVOY_ASSIGN_OR_RETURN(
        credentials->client,
        MemoryFile::Make(Join(tls.client_certificate, tls.client_key), ++next_serial_));
  }
  entries_[std::move(content)] = {.credentials = credentials, .used_at = uses_count_};
  return credentials;
}

void CredentialCache::MakeRoom() {
  while (entries_.size() >= kept_max_) {
    auto oldest = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->second.credentials.use_count() > 1) continue;  // an exchange needs it
      if (oldest == entries_.end() || entry->second.used_at < oldest->second.used_at) {
        oldest = entry;
      }
    }
    if (oldest == entries_.end()) return;
    entries_.erase(oldest);
  }
}

}  // namespace convoy::transport
