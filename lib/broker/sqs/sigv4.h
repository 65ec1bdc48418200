// Signature Version 4, by which requests to Amazon's services prove their sender. Pure functions
// over bytes; the caller sees to it that all of a request is signed.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

#include "convoy/http.h"

namespace convoy::broker {

// Request to sign. Path and query are percent-decoded; their spelling on the wire does not matter
// to the signature.
struct SigV4Request {
  std::string_view method;
  std::string_view path;  // absolute
  std::vector<std::pair<std::string, std::string>> query;
  Headers headers;  // all of them are signed; Host and X-Amz-Date have to be among them
  std::string_view body;
};

struct SigV4Credentials {
  std::string access_key_id;
  std::string secret_key;
};

// The two texts on the way to a signature, apart for tests against published ones.
std::string CanonicalRequestOf(const SigV4Request& request);
std::string StringToSign(std::string_view canonical_request, absl::Time time,
                         std::string_view region, std::string_view service);

// "20150830T123600Z": the value of X-Amz-Date.
std::string SigV4Date(absl::Time time);

// The value of Authorization. `time` is that of X-Amz-Date.
std::string SignV4(const SigV4Request& request, absl::Time time, std::string_view region,
                   std::string_view service, const SigV4Credentials& credentials);

}  // namespace convoy::broker
