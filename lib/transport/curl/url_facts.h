// Facts about a URL that a request needs before libcurl has it: whether it may be used, whose
// connections it uses, and its parts, so that libcurl need not parse it for each request. The same
// URLs are sent to again and again, so facts are kept.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include <curl/curl.h>

#include "convoy/transport.h"
#include "lib/transport/curl/failure.h"
#include "lib/transport/guard.h"

namespace convoy::transport {

struct UrlFacts {
  std::string authority;          // scheme, host and port; empty if the URL is refused
  std::string_view refusal;       // empty: it may be used; a literal otherwise
  TransportOutcome outcome = {};  // if it is refused
  std::shared_ptr<CURLU> parsed;  // null if it is refused
};

// Not safe for several threads at once. The guard must outlive it.
class UrlFactsCache {
 public:
  // With a proxy no socket is opened to the host, so an address that the URL spells is judged here.
  UrlFactsCache(const Guard* guard, bool has_proxy) : guard_(guard), has_proxy_(has_proxy) {}

  // Valid until the next call.
  const UrlFacts& Find(const std::string& url);

 private:
  // The URL is parsed by the parser that will use it.
  UrlFacts Parse(const std::string& url) const;
  bool IsHostDenied(std::string_view host, std::string_view scheme, std::string_view port) const;

  const Guard* const guard_;
  const bool has_proxy_;
  absl::flat_hash_map<std::string, UrlFacts> kept_;
  UrlFacts latest_;  // of a URL that is not kept
};

}  // namespace convoy::transport
