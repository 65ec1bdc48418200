#include "lib/broker/kafka/connector.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include <catch2/catch.hpp>

namespace convoy::kafka {
namespace {

// A listener on 127.0.0.1 and a socket that may be connected to it.
struct Pair {
  Pair() {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(listener, as_sockaddr(), sizeof address) == 0);
    REQUIRE(listen(listener, 1) == 0);
    REQUIRE(getsockname(listener, as_sockaddr(), &size) == 0);
  }
  ~Pair() {
    close(client);
    close(listener);
  }
  sockaddr* as_sockaddr() { return reinterpret_cast<sockaddr*>(&address); }
  bool is_connected() {
    sockaddr_in peer = {};
    socklen_t size = sizeof peer;
    return getpeername(client, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
  }

  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
};

TEST_CASE("kafka connections: an allowed address is connected to") {
  Pair pair;
  Connector connector(transport::Guard::Parse(std::vector<std::string>{"127.0.0.0/8"}).value());
  CHECK(connector.Connect(pair.client, pair.as_sockaddr(), sizeof pair.address, "b:1") == 0);
  CHECK(pair.is_connected());
  CHECK_FALSE(connector.denied_broker().has_value());
}

TEST_CASE("kafka connections: a denied address is not connected to, and told by its name") {
  // One port that is allowed is one of HTTP.
  const std::vector<std::string> one_port{"127.0.0.0/8:1"};
  const transport::Guard guards[] = {transport::Guard({}),
                                     transport::Guard::Parse(one_port).value()};
  for (const transport::Guard& guard : guards) {
    Pair pair;
    Connector connector(guard);
    CHECK(connector.Connect(pair.client, pair.as_sockaddr(), sizeof pair.address, "b:1") == EACCES);
    CHECK_FALSE(pair.is_connected());
    CHECK(connector.denied_broker() == "b:1");
  }
}

}  // namespace
}  // namespace convoy::kafka
