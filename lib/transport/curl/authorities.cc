// Search where distributions keep the authorities: the self-contained library runs on all of them.
#include "lib/transport/curl/authorities.h"

#include <unistd.h>

#include <curl/curl.h>

namespace convoy::transport {
namespace {

constexpr const char* kFiles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",                   // older ones of them
    "/etc/ssl/ca-bundle.pem",                             // SUSE
    "/etc/ssl/cert.pem",                                  // Alpine without the package
};

}  // namespace

std::string FindAuthorities() {
  const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
  const bool has_fields = info->age >= CURLVERSION_SEVENTH;  // 7.70; before it they were always set
  if (!has_fields || info->cainfo != nullptr || info->capath != nullptr) return "";
  for (const char* file : kFiles) {
    if (access(file, R_OK) == 0) return file;
  }
  return "";
}

}  // namespace convoy::transport
