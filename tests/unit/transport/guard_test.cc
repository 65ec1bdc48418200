#include "lib/transport/guard.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>

namespace convoy::transport {
namespace {

bool Allows(std::vector<std::string> networks, const char* address) {
  const std::optional<IpAddress> parsed = IpAddress::Parse(address);
  REQUIRE(parsed.has_value());
  return Guard::Parse(networks).value().Allows(*parsed);
}

TEST_CASE("guard: addresses that are not public unicast are denied") {
  for (const char* address : {"10.254.0.0",
                              "192.168.10.65",
                              "172.16.10.65",
                              "172.31.255.255",
                              "0.1.2.3",
                              "0.0.0.0",
                              "127.0.0.1",
                              "127.254.254.254",
                              "169.254.45.1",
                              "169.254.169.254",
                              "168.63.129.16",
                              "161.26.0.10",
                              "166.9.1.1",
                              "100.100.100.200",
                              "255.255.255.255",
                              "224.1.2.3",
                              "233.252.0.16",
                              "192.0.0.0",
                              "192.0.0.255",
                              "192.0.2.255",
                              "198.51.100.65",
                              "203.0.113.6",
                              "100.100.0.0",
                              "100.127.255.255",
                              "192.88.99.3",
                              "198.18.0.0",
                              "198.19.255.255",
                              "240.240.240.240",
                              "::",
                              "::1",
                              "::127.0.0.1",
                              "::ffff:0:127.0.0.1",
                              "4000::1",
                              "1fff:ffff::1",
                              "e000::1",
                              "::ffff:127.0.0.1",
                              "::ffff:0.0.0.1",
                              "::ffff:10.0.0.1",
                              "2001:db8::1",
                              "3fff::dead:beef",
                              "fe80::1",
                              "febf:ffff::1",
                              "fec0::1",
                              "fdee:3a45:9057::1",
                              "fd7a:115c:a1e0::1",
                              "2002:c000:204::1",
                              "2002:808:808::1",
                              "64:ff9b::c0a8:0",
                              "64:ff9b::808:808",
                              "64:ff9b:1::1",
                              "5f00::1",
                              "100::1:2:3:4",
                              "ff02::1",
                              "2001::1"}) {
    INFO(address);
    CHECK_FALSE(Allows({}, address));
  }
}

TEST_CASE("guard: public addresses are allowed, at the edges of ranges, too") {
  for (const char* address :
       {"1.1.1.1",         "8.8.8.8",        "9.255.255.255",        "11.0.0.0",
        "100.63.255.255",  "100.128.0.0",    "126.255.255.255",      "128.0.0.0",
        "169.253.255.255", "169.255.0.0",    "172.15.255.255",       "172.32.0.0",
        "192.167.255.255", "192.169.0.0",    "198.17.255.255",       "198.20.0.0",
        "223.255.255.255", "::ffff:8.8.8.8", "2001:4860:4860::8888", "2606:4700:4700::1111",
        "2003::1",         "3ffe::1"}) {
    INFO(address);
    CHECK(Allows({}, address));
  }
}

TEST_CASE("guard: what the operator allows is allowed, and nothing beside it") {
  CHECK(Allows({"127.0.0.0/8"}, "127.1.2.3"));
  CHECK(Allows({"127.0.0.0/8"}, "::ffff:127.0.0.1"));
  CHECK_FALSE(Allows({"127.0.0.0/8"}, "::1"));
  CHECK_FALSE(Allows({"127.0.0.1"}, "127.0.0.2"));
  CHECK(Allows({"127.0.0.1"}, "127.0.0.1"));
  CHECK(Allows({"fd00::/8", "10.1.0.0/16"}, "fdff::1"));
  CHECK(Allows({"fd00::/8", "10.1.0.0/16"}, "10.1.255.255"));
  CHECK_FALSE(Allows({"10.1.0.0/16"}, "10.2.0.0"));
  CHECK(Allows({"10.0.0.0/9"}, "10.127.0.1"));
  CHECK_FALSE(Allows({"10.0.0.0/9"}, "10.128.0.1"));
  CHECK(Allows({"0.0.0.0/0"}, "127.0.0.1"));
  CHECK_FALSE(Allows({"0.0.0.0/0"}, "::1"));
}

TEST_CASE("guard: one port of a network may be allowed") {
  const auto allows = [](std::vector<std::string> networks, const char* address, uint16_t port) {
    return Guard::Parse(networks).value().Allows(*IpAddress::Parse(address), port);
  };
  CHECK(allows({"127.0.0.0/8:8080"}, "127.0.0.1", 8080));
  CHECK_FALSE(allows({"127.0.0.0/8:8080"}, "127.0.0.1", 8081));
  CHECK_FALSE(allows({"127.0.0.0/8:8080"}, "127.0.0.1", 0));
  CHECK_FALSE(allows({"127.0.0.0/8:8080"}, "10.0.0.1", 8080));
  CHECK(allows({"10.1.2.3:443"}, "10.1.2.3", 443));
  CHECK(allows({"[fd00::/8]:443"}, "fd00::1", 443));
  CHECK_FALSE(allows({"[fd00::/8]:443"}, "fd00::1", 80));
  CHECK(allows({"127.0.0.0/8:1", "127.0.0.0/8"}, "127.0.0.1", 2));
  CHECK(allows({}, "8.8.8.8", 25));
  for (const char* text : {"127.0.0.0/8:", "127.0.0.0/8:0", "127.0.0.0/8:65536", "127.0.0.0/8:x",
                           "[fd00::/8]", "[fd00::/8]:", "[fd00::/8", "fd00::/8]:1", ":80"}) {
    INFO(text);
    CHECK(absl::IsInvalidArgument(Guard::Parse(std::vector<std::string>{text}).status()));
  }
}

TEST_CASE("guard: networks are written strictly") {
  for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                           "10.0.0/8", "::/129", "nonsense", "10.0.0.0/ 8", "0x7f.1/8", "[::1]"}) {
    INFO(text);
    const auto network = Network::Parse(text);
    CHECK_FALSE(network.ok());
    CHECK(network.status().message().find(text) != std::string::npos);
  }
}

TEST_CASE("guard: networks that cannot be read make no guard") {
  CHECK(Guard::Parse(std::vector<std::string>{"10.0.0.0/8", "fd00::/8"}).ok());
  const auto guard = Guard::Parse(std::vector<std::string>{"10.0.0.0/8", "localhost"});
  CHECK(guard.status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("guard: an address is read from what a socket is connected to") {
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto first = IpAddress::FromSocket(reinterpret_cast<sockaddr*>(&v4), sizeof v4);
  REQUIRE(first.has_value());
  CHECK(first->bytes() == IpAddress::Parse("127.0.0.1")->bytes());
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  const auto second = IpAddress::FromSocket(reinterpret_cast<sockaddr*>(&v6), sizeof v6);
  REQUIRE(second.has_value());
  CHECK(second->bytes() == IpAddress::Parse("::1")->bytes());
}

TEST_CASE("guard: what is cut off or of another family is no address") {
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  CHECK_FALSE(IpAddress::FromSocket(reinterpret_cast<sockaddr*>(&v6), sizeof v6 - 1).has_value());
  sockaddr_un local = {};
  local.sun_family = AF_UNIX;
  CHECK_FALSE(IpAddress::FromSocket(reinterpret_cast<sockaddr*>(&local), sizeof local).has_value());
}

}  // namespace
}  // namespace convoy::transport
