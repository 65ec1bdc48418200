// Connection on librabbitmq's frame interface. Its calls that wait for an answer queue everything
// else that arrives meanwhile, without a bound; so only the login uses them, which takes a few
// seconds at most and comes before anything is subscribed to.
#include "lib/broker/amqp/connection.h"

#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/broker/amqp/address.h"
#include "lib/broker/amqp/properties.h"

namespace convoy::broker::amqp {
namespace {

// As long as kAnswerPatience, and for the same reason.
constexpr absl::Duration kConnectPatience = absl::Seconds(3);
constexpr absl::Duration kClosePatience = absl::Seconds(1);
constexpr int kFrameBytesMax = 128 * 1024;
constexpr int kLongFrameBytesMax = kFrameBytesMax + 16 * 1024;
constexpr std::string_view kGuest = "guest";  // AMQP's user where none is named

amqp_table_entry_t TextEntry(std::string_view key, std::string_view text) {
  amqp_table_entry_t entry = {};
  entry.key = Bytes(key);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = Bytes(text);
  return entry;
}

}  // namespace

Connection::Connection(const AmqpConfig& config, Clock* clock)
    : clock_(clock),
      peer_(absl::StrCat(config.host, ":", config.port)),
      lost_(absl::StrCat("lost ", peer_)),
      password_(config.password),
      state_(amqp_new_connection()) {
  tls_peer_.host = config.host;
  tls_peer_.is_numeric = transport::IpAddress::Parse(config.host).has_value();
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const AmqpConfig& config,
                                                             const transport::Guard& guard,
                                                             std::string_view name, Clock* clock) {
  auto connection = absl::WrapUnique(new Connection(config, clock));
  if (connection->state_ == nullptr) return absl::UnavailableError("no memory for a connection");
  CONVOY_RETURN_IF_ERROR(connection->Connect(config, guard));
  CONVOY_RETURN_IF_ERROR(connection->LogIn(config, name));
  amqp_channel_open_t open = {};
  CONVOY_RETURN_IF_ERROR(connection->Call(AMQP_CHANNEL_OPEN_METHOD, &open,
                                          AMQP_CHANNEL_OPEN_OK_METHOD, "cannot open a channel"));
  return connection;
}

Connection::~Connection() {
  if (is_logged_in_) {
    amqp_connection_close_t close = {};
    close.reply_code = AMQP_REPLY_SUCCESS;
    amqp_send_method(state_, 0, AMQP_CONNECTION_CLOSE_METHOD, &close);
    const absl::Time deadline = clock_->Now() + kClosePatience;
    // Frames on their way are read and dropped, up to the broker's close-ok, which Receive reports
    // as an error.
    while (true) {
      const absl::StatusOr<const amqp_frame_t*> frame = Receive(lost_);
      if (!frame.ok()) break;
      const absl::Duration left = deadline - clock_->Now();
      if (left <= absl::ZeroDuration()) break;
      if (*frame == nullptr && !Wait(-1, left).ok()) break;
    }
  }
  if (state_ != nullptr) amqp_destroy_connection(state_);
}

absl::Status Connection::Connect(const AmqpConfig& config, const transport::Guard& guard) {
  std::vector<std::string> addresses;
  CONVOY_ASSIGN_OR_RETURN(addresses, ResolveAllowed(config.host, guard));
  const bool is_tls = config.schema == "amqps";
  amqp_socket_t* const socket = is_tls ? amqp_ssl_socket_new(state_) : amqp_tcp_socket_new(state_);
  if (socket == nullptr) return absl::UnavailableError("no memory for a socket");
  if (is_tls) CONVOY_RETURN_IF_ERROR(RequireVerifiedPeer(socket, &tls_peer_));

  const absl::Time deadline = clock_->Now() + kConnectPatience;
  int status = AMQP_STATUS_TIMEOUT;
  for (const std::string& address : addresses) {
    const absl::Duration left = deadline - clock_->Now();
    if (left <= absl::ZeroDuration()) break;
    const timeval limit = absl::ToTimeval(left);
    status = amqp_socket_open_noblock(socket, address.c_str(), config.port, &limit);
    if (status == AMQP_STATUS_OK) break;
  }
  const std::string doing = absl::StrCat("cannot connect to ", peer_);
  if (!tls_peer_.failure.empty()) {
    return absl::UnavailableError(
        absl::StrCat(doing, ": its certificate is not good: ", tls_peer_.failure));
  }
  if (status != AMQP_STATUS_OK) return LibraryError(status, doing);
  // Bytes that the peer does not acknowledge in time end the connection, whatever it is doing.
  const unsigned int patience_ms = absl::ToInt64Milliseconds(2 * kHeartbeat);
  setsockopt(amqp_get_sockfd(state_), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms,
             sizeof patience_ms);
  return absl::OkStatus();
}

absl::Status Connection::LogIn(const AmqpConfig& config, std::string_view name) {
  // Without this a broker ends a consumer silently when its queue goes away.
  amqp_table_entry_t capability = {};
  capability.key = Bytes("consumer_cancel_notify");
  capability.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  capability.value.value.boolean = 1;
  amqp_table_entry_t capabilities = {};
  capabilities.key = Bytes("capabilities");
  capabilities.value.kind = AMQP_FIELD_KIND_TABLE;
  capabilities.value.value.table = {1, &capability};
  amqp_table_entry_t entries[] = {TextEntry("connection_name", name), capabilities};
  const amqp_table_t properties = {2, entries};

  const timeval limit = absl::ToTimeval(kAnswerPatience);
  amqp_set_handshake_timeout(state_, &limit);
  const bool is_guest = config.username.empty();
  const std::string user(is_guest ? kGuest : config.username);
  const std::string password(is_guest ? kGuest : config.password);
  const amqp_rpc_reply_t reply =
      amqp_login_with_properties(state_, config.vhost.c_str(), kChannel, kFrameBytesMax,
                                 static_cast<int>(absl::ToInt64Seconds(kHeartbeat)), &properties,
                                 AMQP_SASL_METHOD_PLAIN, user.c_str(), password.c_str());
  const std::string doing = absl::StrCat("cannot log in to ", peer_);
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) return FailByServer(reply.reply, doing);
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) return Check(reply.library_error, doing);
  phase_ = Phase::kOpen;
  is_logged_in_ = true;
  return absl::OkStatus();
}

absl::Status Connection::AcceptLongFrames() {
  return Check(amqp_tune_connection(state_, amqp_get_channel_max(state_), kLongFrameBytesMax,
                                    amqp_get_heartbeat(state_)),
               lost_);
}

absl::Status Connection::Check(int status, std::string_view doing) {
  if (status == AMQP_STATUS_OK) return absl::OkStatus();
  is_logged_in_ = false;
  return Fail(LibraryError(status, doing));
}

absl::Status Connection::Fail(absl::Status failure) {
  failure_.Update(failure);
  return failure;
}

absl::Status Connection::FailByServer(const amqp_method_t& close, std::string_view doing) {
  if (close.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto& reason = *static_cast<const amqp_channel_close_t*>(close.decoded);
    return Fail(ServerError(reason.reply_code, View(reason.reply_text), doing, phase_, password_));
  }
  if (close.id != AMQP_CONNECTION_CLOSE_METHOD) return Check(AMQP_STATUS_WRONG_METHOD, doing);
  is_logged_in_ = false;
  const auto& reason = *static_cast<const amqp_connection_close_t*>(close.decoded);
  absl::Status failure =
      ServerError(reason.reply_code, View(reason.reply_text), doing, phase_, password_);
  amqp_connection_close_ok_t understood = {};
  amqp_send_method(state_, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &understood);
  return Fail(std::move(failure));
}

absl::Status Connection::Send(amqp_method_number_t method, void* arguments) {
  CONVOY_RETURN_IF_ERROR(failure_);
  return Check(amqp_send_method(state_, kChannel, method, arguments), lost_);
}

absl::Status Connection::Call(amqp_method_number_t method, void* arguments,
                              amqp_method_number_t answer, std::string_view doing) {
  CONVOY_RETURN_IF_ERROR(Send(method, arguments));
  const absl::Time deadline = clock_->Now() + kAnswerPatience;
  while (true) {
    const amqp_frame_t* frame = nullptr;
    CONVOY_ASSIGN_OR_RETURN(frame, Receive(doing));
    if (frame != nullptr) {
      const bool is_method = frame->frame_type == AMQP_FRAME_METHOD;
      if (is_method && frame->payload.method.id == answer) return absl::OkStatus();
      return Check(AMQP_STATUS_WRONG_METHOD, doing);
    }
    const absl::Duration left = deadline - clock_->Now();
    if (left <= absl::ZeroDuration()) return Check(AMQP_STATUS_TIMEOUT, doing);
    CONVOY_RETURN_IF_ERROR(Wait(-1, left));
  }
}

absl::Status Connection::Publish(std::string_view exchange, std::string_view routing_key,
                                 const amqp_basic_properties_t& properties, std::string_view body) {
  CONVOY_RETURN_IF_ERROR(failure_);
  constexpr amqp_boolean_t kMandatory = 1, kImmediate = 0;
  return Check(amqp_basic_publish(state_, kChannel, Bytes(exchange), Bytes(routing_key), kMandatory,
                                  kImmediate, &properties, Bytes(body)),
               lost_);
}

absl::Status Connection::KeepAlive() {
  CONVOY_RETURN_IF_ERROR(failure_);
  const absl::Time now = clock_->Now();
  if (now < last_kept_at_ + kHeartbeat / 4) return absl::OkStatus();
  last_kept_at_ = now;
  amqp_frame_t heartbeat = {};
  heartbeat.frame_type = AMQP_FRAME_HEARTBEAT;
  return Check(amqp_send_frame(state_, &heartbeat), lost_);
}

absl::StatusOr<const amqp_frame_t*> Connection::Next() {
  CONVOY_RETURN_IF_ERROR(failure_);
  return Receive(lost_);
}

absl::StatusOr<const amqp_frame_t*> Connection::Receive(std::string_view doing) {
  // Releases the memory of the previous frame.
  amqp_maybe_release_buffers_on_channel(state_, 0);
  amqp_maybe_release_buffers_on_channel(state_, kChannel);
  const timeval now = {};
  const int status = amqp_simple_wait_frame_noblock(state_, &frame_, &now);
  if (status == AMQP_STATUS_TIMEOUT) return nullptr;
  CONVOY_RETURN_IF_ERROR(Check(status, doing));
  const bool is_method = frame_.frame_type == AMQP_FRAME_METHOD;
  const bool is_for_channel = frame_.channel == kChannel;
  if (is_method && (frame_.channel == 0 ||
                    (is_for_channel && frame_.payload.method.id == AMQP_CHANNEL_CLOSE_METHOD))) {
    return FailByServer(frame_.payload.method, doing);
  }
  // librabbitmq would keep memory for each channel number that a broker invents.
  if (!is_for_channel) return Check(AMQP_STATUS_BAD_AMQP_DATA, doing);
  return &frame_;
}

absl::Status Connection::Wait(int wake_fd, absl::Duration patience) {
  // A heartbeat that is due is sent by Next.
  const absl::Duration slice = std::min(patience, kHeartbeat / 2);
  pollfd fds[] = {{amqp_get_sockfd(state_), POLLIN, 0}, {wake_fd, POLLIN, 0}};
  const int ready =
      poll(fds, wake_fd < 0 ? 1 : 2, static_cast<int>(absl::ToInt64Milliseconds(slice)) + 1);
  if (ready < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "cannot wait for a broker");
  return absl::OkStatus();
}

uint64_t Connection::frame_bytes_max() const {
  return static_cast<uint64_t>(amqp_get_frame_max(state_));
}

}  // namespace convoy::broker::amqp
