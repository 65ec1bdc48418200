// Gateway embedded in an existing server. The server here is the smallest one on Boost.Beast; yours
// takes its place. README.md explains the steps.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#define BOOST_BEAST_USE_STD_STRING_VIEW
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "convoy/gateway.h"

namespace http = boost::beast::http;
using Tcp = boost::asio::ip::tcp;

// 3. Pass the request to the gateway and write its response. Other paths belong to the host.
http::response<http::string_body> Answer(convoy::Gateway& gateway,
                                         const http::request<http::string_body>& request) {
  const std::string_view target = request.target();
  const size_t mark = std::min(target.find('?'), target.size());
  std::vector<convoy::HeaderView> headers;
  for (const auto& field : request) headers.push_back({field.name_string(), field.value()});
  const auto answer = gateway.Handle({.method = request.method_string(),
                                      .path = target.substr(0, mark),
                                      .query = target.substr(std::min(mark + 1, target.size())),
                                      .headers = headers,
                                      .body = request.body()});
  http::response<http::string_body> response(http::status::ok, request.version());
  response.keep_alive(request.keep_alive());
  if (answer.has_value()) {
    response.result(static_cast<unsigned>(answer->status));
    for (const auto& [name, value] : answer->headers) response.insert(name, value);
    response.body() = answer->body;
  } else {
    response.body() = "this page belongs to the host\n";
  }
  response.prepare_payload();
  return response;
}

void ServeConnection(convoy::Gateway& gateway, Tcp::socket socket) {
  boost::beast::flat_buffer buffer;
  boost::beast::error_code error;
  for (bool is_kept = true; is_kept && !error;) {
    http::request<http::string_body> request;
    http::read(socket, buffer, request, error);
    if (error) return;
    is_kept = request.keep_alive();
    http::write(socket, Answer(gateway, request), error);
  }
}

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: embed DATABASE PORT\n"), 2;
  // 1. Open a store and a gateway on it.
  auto storage = convoy::OpenSqliteStorage(argv[1]);
  if (!storage.ok()) return std::fprintf(stderr, "%s\n", storage.status().ToString().c_str()), 1;
  convoy::GatewayParts parts;
  parts.storage = *std::move(storage);
  auto gateway = convoy::Gateway::Open({.public_url = "http://localhost"}, std::move(parts));
  if (!gateway.ok()) return std::fprintf(stderr, "%s\n", gateway.status().ToString().c_str()), 1;
  if (const auto key = (*gateway)->Bootstrap(); key.ok()) std::printf("key %s\n", key->c_str());

  // 2. Let it work on threads of its own (or call Step from your event loop instead).
  if (!(*gateway)->Start().ok()) return 1;

  boost::asio::io_context context;
  Tcp::acceptor acceptor(context, {Tcp::v4(), static_cast<unsigned short>(std::atoi(argv[2]))});
  std::printf("serving on port %d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  while (true) {
    std::thread(ServeConnection, std::ref(**gateway), acceptor.accept()).detach();
  }
}
