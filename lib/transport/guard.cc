// Denied address ranges: those that are not public unicast, after IANA's special-purpose registries
// for IPv4 (RFC 6890 and later) and IPv6. All public unicast of IPv6 is in 2000::/3, so whatever is
// outside of it is denied, known or not: loopback, unique-local, link-local, multicast, and the
// mechanisms that embed an IPv4 address (NAT64, IPv4-compatible, IPv4-translated). Those within it
// (6to4, Teredo) are denied as a whole, too: no receiver of webhooks is reached that way, and an
// attacker might be.
#include "lib/transport/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace convoy::transport {
namespace {

constexpr int kMappedPrefixBits = 96;
constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

constexpr const char* kDenied[] = {
    "0.0.0.0/8",        // this network
    "10.0.0.0/8",       // private
    "100.64.0.0/10",    // carrier-grade NAT; holds cloud metadata 100.100.100.200
    "127.0.0.0/8",      // loopback
    "169.254.0.0/16",   // link-local; holds cloud metadata 169.254.169.254
    "172.16.0.0/12",    // private
    "192.0.0.0/24",     // protocol assignments
    "192.0.2.0/24",     // documentation
    "192.88.99.0/24",   // 6to4 relays
    "192.168.0.0/16",   // private
    "198.18.0.0/15",    // benchmarks
    "198.51.100.0/24",  // documentation
    "203.0.113.0/24",   // documentation
    "224.0.0.0/4",      // multicast
    "240.0.0.0/4",      // reserved, broadcast
    "192.31.196.0/24",  // AS112
    "192.52.193.0/24",  // automatic multicast tunnelling
    "192.175.48.0/24",  // AS112
    // Public by their number, but a platform's own from within it: Azure's host, IBM Cloud's
    // services.
    "168.63.129.16/32", "161.26.0.0/16", "166.8.0.0/14",
    "2001::/23",      // protocol assignments, Teredo
    "2001:db8::/32",  // documentation
    "2002::/16",      // 6to4
    "3fff::/20",      // documentation
};

bool IsGlobalV6(const IpAddress& address) { return (address.bytes()[0] & 0xE0) == 0x20; }

const std::vector<Network>& DeniedNetworks() {
  static const auto* const networks = [] {
    auto* list = new std::vector<Network>();
    for (const char* text : kDenied) list->push_back(*Network::Parse(text));
    return list;
  }();
  return *networks;
}

}  // namespace

IpAddress IpAddress::FromV4(const std::array<uint8_t, 4>& bytes) {
  std::array<uint8_t, 16> mapped = {};
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), mapped.begin());
  std::copy(bytes.begin(), bytes.end(), mapped.begin() + kMappedPrefix.size());
  return IpAddress(mapped);
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string terminated(text);
  std::array<uint8_t, 4> v4;
  if (inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1) return FromV4(v4);
  std::array<uint8_t, 16> v6;
  if (inet_pton(AF_INET6, terminated.c_str(), v6.data()) == 1) return FromV6(v6);
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::FromSocket(const sockaddr* address, size_t bytes_count) {
  // Copied out: the memory behind a sockaddr need not be aligned for what it holds.
  sockaddr_in v4;
  if (address->sa_family == AF_INET && bytes_count >= sizeof v4) {
    std::memcpy(&v4, address, sizeof v4);
    std::array<uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return FromV4(bytes);
  }
  sockaddr_in6 v6;
  if (address->sa_family == AF_INET6 && bytes_count >= sizeof v6) {
    std::memcpy(static_cast<void*>(&v6), static_cast<const void*>(address), sizeof v6);
    std::array<uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return FromV6(bytes);
  }
  return std::nullopt;
}

uint16_t IpAddress::PortOf(const sockaddr* address, size_t bytes_count) {
  sockaddr_in v4;
  if (address->sa_family == AF_INET && bytes_count >= sizeof v4) {
    std::memcpy(&v4, address, sizeof v4);
    return ntohs(v4.sin_port);
  }
  sockaddr_in6 v6;
  if (address->sa_family == AF_INET6 && bytes_count >= sizeof v6) {
    std::memcpy(static_cast<void*>(&v6), static_cast<const void*>(address), sizeof v6);
    return ntohs(v6.sin6_port);
  }
  return 0;
}

bool IpAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
}

absl::StatusOr<Network> Network::Parse(std::string_view text) {
  const auto malformed = [text] {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not a network; write it like 10.0.0.0/8 or fd00::/8"));
  };
  const size_t slash = text.find('/');
  const std::optional<IpAddress> address = IpAddress::Parse(text.substr(0, slash));
  if (!address.has_value()) return malformed();
  // A mapped IPv4 range may be written either way.
  const bool is_dotted = text.substr(0, slash).find(':') == std::string_view::npos;
  const int bits_max = is_dotted ? 32 : 128;
  int bits = bits_max;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
        bits < 0 || bits > bits_max) {
      return malformed();
    }
  }
  return Network(*address, is_dotted ? bits + kMappedPrefixBits : bits);
}

bool Network::Contains(const IpAddress& address) const {
  int bits = prefix_bits_;
  for (size_t i = 0; i < 16 && bits > 0; ++i, bits -= 8) {
    const int mask = bits >= 8 ? 0xFF : (0xFF00 >> bits) & 0xFF;
    if (((address.bytes()[i] ^ address_.bytes()[i]) & mask) != 0) return false;
  }
  return true;
}

absl::StatusOr<AllowedNetwork> AllowedNetwork::Parse(std::string_view text) {
  std::string_view network = text;
  std::string_view port;
  const size_t colon = text.rfind(':');
  // IPv6 has colons of its own: there the network stands in brackets.
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end != std::string_view::npos && colon == end + 1) {
      network = text.substr(1, end - 1);
      port = text.substr(colon + 1);
    }
  } else if (colon != std::string_view::npos && text.find(':') == colon) {
    network = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  const absl::StatusOr<Network> parsed = Network::Parse(network);
  if (!parsed.ok()) return Network::Parse(text).status();
  AllowedNetwork allowed{.network = *parsed};
  if (network.size() == text.size()) return allowed;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), allowed.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size() ||
      allowed.port == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' has no port from 1 to 65535 after its last colon"));
  }
  return allowed;
}

absl::StatusOr<Guard> Guard::Parse(std::span<const std::string> allowed) {
  std::vector<AllowedNetwork> networks;
  for (const std::string& text : allowed) {
    absl::StatusOr<AllowedNetwork> network = AllowedNetwork::Parse(text);
    if (!network.ok()) return std::move(network).status();
    networks.push_back(*network);
  }
  return Guard(std::move(networks));
}

bool Guard::Allows(const IpAddress& address, uint16_t port) const {
  const auto is_allowed = [&](const AllowedNetwork& allowed) {
    return (allowed.port == 0 || allowed.port == port) && allowed.network.Contains(address);
  };
  if (std::any_of(allowed_.begin(), allowed_.end(), is_allowed)) return true;
  if (!address.is_v4() && !IsGlobalV6(address)) return false;
  const std::vector<Network>& denied = DeniedNetworks();
  return std::none_of(denied.begin(), denied.end(),
                      [&](const Network& network) { return network.Contains(address); });
}

}  // namespace convoy::transport
