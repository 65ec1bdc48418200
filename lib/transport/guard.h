// Guard of the addresses that a delivery may connect to. It checks the address that a connection is
// about to be made to, so neither DNS nor odd spellings of hosts can get around it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

struct sockaddr;

namespace convoy::transport {

// An IP address. IPv4 is held in its IPv4-mapped form (RFC 4291, section 2.5.5.2), so that
// ::ffff:127.0.0.1 and 127.0.0.1 are the same address here as they are to the network.
class IpAddress {
 public:
  static IpAddress FromV4(const std::array<uint8_t, 4>& bytes);
  static IpAddress FromV6(const std::array<uint8_t, 16>& bytes) { return IpAddress(bytes); }
  static std::optional<IpAddress> Parse(std::string_view text);
  // Address that a socket is about to be connected to; nullopt if it is neither IPv4 nor IPv6.
  static std::optional<IpAddress> FromSocket(const sockaddr* address, size_t bytes_count);
  // Its port; 0 if it is neither IPv4 nor IPv6.
  static uint16_t PortOf(const sockaddr* address, size_t bytes_count);

  bool is_v4() const;
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }

 private:
  explicit IpAddress(const std::array<uint8_t, 16>& bytes) : bytes_(bytes) {}

  std::array<uint8_t, 16> bytes_;
};

// A range of addresses, "10.0.0.0/8" or "fd00::/8"; a bare address is a range of one.
class Network {
 public:
  // kInvalidArgument quotes the text.
  static absl::StatusOr<Network> Parse(std::string_view text);

  bool Contains(const IpAddress& address) const;

 private:
  Network(const IpAddress& address, int prefix_bits)
      : address_(address), prefix_bits_(prefix_bits) {}

  IpAddress address_;
  int prefix_bits_;  // of the 128
};

// A network that the operator has allowed, as a whole or one port of it: "10.0.0.0/8",
// "10.0.0.0/8:8443", "[fd00::/8]:8443".
struct AllowedNetwork {
  // kInvalidArgument quotes the text.
  static absl::StatusOr<AllowedNetwork> Parse(std::string_view text);

  Network network;
  uint16_t port = 0;  // 0: all
};

// Immutable and safe to share between threads.
class Guard {
 public:
  explicit Guard(std::vector<AllowedNetwork> allowed) : allowed_(std::move(allowed)) {}
  // From the texts of the networks that the operator has allowed.
  static absl::StatusOr<Guard> Parse(std::span<const std::string> allowed);

  // True for public unicast addresses, and for what the operator has allowed. A network of which
  // one port is allowed counts for that `port` alone; 0: the port is not known.
  bool Allows(const IpAddress& address, uint16_t port = 0) const;

 private:
  const std::vector<AllowedNetwork> allowed_;
};

}  // namespace convoy::transport
