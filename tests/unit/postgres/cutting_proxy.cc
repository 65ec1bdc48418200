// Forwarding of bytes; see cutting_proxy.h.
#include "tests/unit/postgres/cutting_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <utility>

namespace convoy::testing {
namespace {

constexpr const char* kSocketName = "/.s.PGSQL.5432";

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

bool WriteAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = send(fd, data, size, MSG_NOSIGNAL);
    if (written <= 0) return false;
    data += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

}  // namespace

CuttingProxy::CuttingProxy(const std::string& folder, const std::string& server_folder)
    : server_path_(server_folder + kSocketName) {
  listener_ = socket(AF_UNIX, SOCK_STREAM, 0);
  const sockaddr_un address = AddressOf(folder + kSocketName);
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener_, 16) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  acceptor_ = std::thread([this] { Accept(); });
}

CuttingProxy::~CuttingProxy() {
  is_over_ = true;
  acceptor_.join();
  close(listener_);
}

void CuttingProxy::CutNext(int count, Cut cut, std::string text) {
  cut_ = cut;
  text_ = std::move(text);
  cuts_left_ = count;
}

void CuttingProxy::Restore() {
  goes_down_ = false;
  is_down_ = false;
}

void CuttingProxy::Accept() {
  while (!is_over_) {
    pollfd waiting = {.fd = listener_, .events = POLLIN};
    if (poll(&waiting, 1, 20) <= 0) continue;
    const int client = accept(listener_, nullptr, nullptr);
    if (client < 0) continue;
    if (is_down_) {
      close(client);
      continue;
    }
    forwarders_.emplace_back([this, client] { Forward(client); });
  }
  for (std::thread& forwarder : forwarders_) forwarder.join();
}

void CuttingProxy::Forward(int client) {
  const int server = socket(AF_UNIX, SOCK_STREAM, 0);
  const sockaddr_un address = AddressOf(server_path_);
  bool goes_on = connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  bool is_answer_lost = false, is_cut = false;
  std::vector<char> buffer(1 << 16);
  while (goes_on && !is_over_ && !is_down_) {
    pollfd waiting[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    if (poll(waiting, 2, 20) <= 0) continue;
    if (waiting[0].revents != 0) {
      const ssize_t size = read(client, buffer.data(), buffer.size());
      const std::string_view sent(buffer.data(), size > 0 ? static_cast<size_t>(size) : 0);
      const bool should_cut = cuts_left_ > 0 && sent.find(text_) != sent.npos;
      if (should_cut) {
        --cuts_left_;
        ++cuts_count_;
        is_cut = true;
        is_answer_lost = cut_ == Cut::kBeforeAnswer;
      }
      const bool is_passed_on = !(should_cut && cut_ == Cut::kBeforeServer);
      goes_on = !sent.empty() && is_passed_on && WriteAll(server, sent.data(), sent.size()) &&
                !(should_cut && cut_ == Cut::kUnderWay);
    }
    if (waiting[1].revents != 0) {
      const ssize_t size = read(server, buffer.data(), buffer.size());
      goes_on = goes_on && size > 0 && !is_answer_lost &&
                WriteAll(client, buffer.data(), static_cast<size_t>(size));
    }
  }
  if (is_cut && goes_down_) is_down_ = true;
  close(server);
  close(client);
}

}  // namespace convoy::testing
