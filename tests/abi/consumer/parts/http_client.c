/* The exchanges of the client, on one epoll descriptor: sockets, a timer for the next time-out, and
 * a bell for what is over before it began. */
#include "http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "http_response.h"

typedef struct exchange {
  struct exchange* next;
  uint64_t number;
  convoy_sent_fn done;
  void* host;
  struct sockaddr_in address;
  int fd; /* -1: over before it began */
  uint32_t outcome_at_once;
  int is_repeated;
  char* out;
  size_t out_size;
  size_t out_sent;
  char* in;
  size_t in_size;
  size_t in_room;
  size_t body_max;
  int64_t deadline_ms;
} exchange;

typedef struct {
  enum client_flaw flaw;
  int epoll_fd;
  int timer_fd;
  int bell_fd;
  exchange* first;
} client;

static int clients_count = 0;

int http_clients_count(void) { return clients_count; }

static int64_t steady_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Sets the timer to the next time-out. */
static void set_timer(client* self) {
  struct itimerspec at;
  exchange* each;
  int64_t next = INT64_MAX;
  memset(&at, 0, sizeof at);
  for (each = self->first; each != NULL; each = each->next) {
    if (each->deadline_ms < next) next = each->deadline_ms;
  }
  if (next != INT64_MAX && self->flaw != CLIENT_FORGETS_TIMEOUT) {
    at.it_value.tv_sec = (time_t)(next / 1000);
    at.it_value.tv_nsec = (long)(next % 1000) * 1000000 + 1;
  }
  timerfd_settime(self->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void watch(client* self, exchange* each, int is_new) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN | (each->out_sent < each->out_size ? (uint32_t)EPOLLOUT : 0);
  event.data.ptr = each;
  epoll_ctl(self->epoll_fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, each->fd, &event);
}

static int open_connection(client* self, exchange* each) {
  each->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (each->fd < 0) return 0;
  each->out_sent = each->in_size = 0;
  if (connect(each->fd, (struct sockaddr*)&each->address, sizeof each->address) != 0 &&
      errno != EINPROGRESS) {
    return 0;
  }
  watch(self, each, 1);
  return 1;
}

static void forget(client* self, exchange* gone) {
  exchange** at = &self->first;
  while (*at != gone) at = &(*at)->next;
  *at = gone->next;
  if (gone->fd >= 0) close(gone->fd);
  free(gone->out);
  free(gone->in);
  free(gone);
}

static void finish(client* self, exchange* each, uint32_t outcome, const http_response* response,
                   const char* error) {
  convoy_sent sent;
  memset(&sent, 0, sizeof sent);
  sent.struct_size = sizeof sent;
  sent.outcome = outcome;
  if (response != NULL) {
    sent.http_status = response->status;
    sent.headers = response->headers;
    sent.headers_count = response->headers_count;
    sent.body.data = response->body;
    sent.body.size = response->body_size;
  }
  if (each->fd >= 0) {
    sent.remote_ip.data = "127.0.0.1";
    sent.remote_ip.size = 9;
  }
  if (outcome != CONVOY_SENT_RESPONSE) {
    sent.error.data = error;
    sent.error.size = strlen(error);
  }
  sent.is_unsent = each->out_sent == 0;
  each->done(each->host, each->number, &sent);
  if (self->flaw == CLIENT_ENDS_TWICE) each->done(each->host, each->number, &sent);
  forget(self, each);
}

/* Reads "http://127.0.0.1:PORT/…" into an address; the path, or NULL. */
static const char* read_url(const convoy_slice* url, struct sockaddr_in* address) {
  static const char prefix[] = "http://127.0.0.1:";
  const size_t prefix_size = sizeof prefix - 1;
  char* end = NULL;
  long port;
  if (url->size <= prefix_size || memcmp(url->data, prefix, prefix_size) != 0) return NULL;
  port = strtol(url->data + prefix_size, &end, 10);
  if (port <= 0 || port > 65535) return NULL;
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_port = htons((uint16_t)port);
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return end;
}

static void append(exchange* each, const char* text, size_t size) {
  memcpy(each->out + each->out_size, text, size);
  each->out_size += size;
}

static int write_request(exchange* each, const convoy_outgoing* request, const char* path) {
  char line[64];
  size_t i, size = 256 + request->method.size + request->url.size + request->body.size;
  const size_t path_size = request->url.size - (size_t)(path - request->url.data);
  for (i = 0; i < request->headers_count; ++i) {
    size += request->headers[i].name.size + request->headers[i].value.size + 4;
  }
  each->out = malloc(size);
  if (each->out == NULL) return 0;
  append(each, request->method.data, request->method.size);
  append(each, path_size == 0 ? " /" : " ", path_size == 0 ? 2 : 1);
  append(each, path, path_size);
  append(each, line,
         (size_t)snprintf(line, sizeof line, " HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n",
                          ntohs(each->address.sin_port)));
  for (i = 0; i < request->headers_count; ++i) {
    append(each, request->headers[i].name.data, request->headers[i].name.size);
    append(each, ": ", 2);
    append(each, request->headers[i].value.data, request->headers[i].value.size);
    append(each, "\r\n", 2);
  }
  append(each, line,
         (size_t)snprintf(line, sizeof line, "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                          request->body.size));
  if (request->body.size > 0) append(each, request->body.data, request->body.size);
  return 1;
}

static void client_send(void* self_, const convoy_outgoing* request, convoy_sent_fn done,
                        void* host, uint64_t number) {
  client* self = self_;
  exchange* each = calloc(1, sizeof *each);
  const char* path = NULL;
  uint64_t one = 1;
  each->number = number;
  each->done = done;
  each->host = host;
  each->fd = -1;
  each->body_max = (size_t)request->response_bytes_max;
  if (self->flaw == CLIENT_IGNORES_LIMIT) each->body_max = (size_t)-1 / 4;
  each->deadline_ms = steady_ms() + (int64_t)request->timeout_ms;
  each->next = self->first;
  self->first = each;
  if (request->mail_from.size == 0) path = read_url(&request->url, &each->address);
  if (path == NULL) {
    each->outcome_at_once = CONVOY_SENT_INVALID_URL;
    if (self->flaw == CLIENT_ENDS_IN_SEND) {
      finish(self, each, CONVOY_SENT_INVALID_URL, NULL, "the URL cannot be used");
    }
  } else if (!write_request(each, request, path)) {
    each->outcome_at_once = CONVOY_SENT_LOCAL_FAILURE;
  } else if (open_connection(self, each)) {
    set_timer(self);
    return;
  } else {
    each->outcome_at_once = CONVOY_SENT_CONNECT_FAILED;
  }
  (void)!write(self->bell_fd, &one, sizeof one); /* `step` finishes it */
}

/* Tries to make sense of what has come. 1 if that was the end of the exchange. */
static int read_response(client* self, exchange* each, int is_end) {
  http_response response;
  int is_over = 1;
  const enum response_state state =
      http_response_read(each->in, each->in_size, is_end, each->body_max, &response);
  switch (state) {
    case RESPONSE_WHOLE:
      finish(self, each, CONVOY_SENT_RESPONSE, &response, "");
      break;
    case RESPONSE_TOO_LARGE:
      finish(self, each, CONVOY_SENT_RESPONSE_TOO_LARGE, &response, "the response is too large");
      break;
    case RESPONSE_BROKEN:
      if (self->flaw == CLIENT_REPEATS && !each->is_repeated && response.status == 0) {
        each->is_repeated = 1;
        close(each->fd);
        open_connection(self, each);
      } else {
        finish(self, each, CONVOY_SENT_PROTOCOL_ERROR, &response, "the peer broke off");
      }
      break;
    default:
      is_over = 0;
  }
  free(response.owned);
  return is_over;
}

static void work(client* self, exchange* each) {
  while (each->out_sent < each->out_size) {
    const ssize_t count =
        send(each->fd, each->out + each->out_sent, each->out_size - each->out_sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0 && each->out_sent == 0) {
      finish(self, each, CONVOY_SENT_CONNECT_FAILED, NULL, strerror(errno));
      return;
    }
    if (count < 0) break; /* it may have answered before it closed */
    each->out_sent += (size_t)count;
    if (each->out_sent == each->out_size) watch(self, each, 0);
  }
  for (;;) {
    ssize_t count;
    if (each->in_room - each->in_size < 4096) {
      each->in_room = each->in_room * 2 + 8192;
      each->in = realloc(each->in, each->in_room);
    }
    count = recv(each->fd, each->in + each->in_size, each->in_room - each->in_size - 1, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count > 0) each->in_size += (size_t)count;
    each->in[each->in_size] = '\0';
    if (read_response(self, each, count <= 0)) return;
  }
}

static void client_step(void* self_) {
  client* self = self_;
  struct epoll_event events[32];
  uint64_t ignored;
  int i;
  const int count = epoll_wait(self->epoll_fd, events, 32, 0);
  exchange *each, *next;
  (void)!read(self->bell_fd, &ignored, sizeof ignored);
  (void)!read(self->timer_fd, &ignored, sizeof ignored);
  for (i = 0; i < count; ++i) {
    if (events[i].data.ptr != NULL) work(self, events[i].data.ptr);
  }
  for (each = self->first; each != NULL; each = next) {
    next = each->next;
    if (each->outcome_at_once != 0) {
      finish(self, each, each->outcome_at_once, NULL, "the request cannot be sent");
    } else if (self->flaw != CLIENT_FORGETS_TIMEOUT && steady_ms() >= each->deadline_ms) {
      http_response response;
      memset(&response, 0, sizeof response);
      if (each->in_size > 0) {
        http_response_read(each->in, each->in_size, 0, each->body_max, &response);
        response.body_size = 0;
      }
      finish(self, each, CONVOY_SENT_TIMED_OUT, &response, "it took too long");
      free(response.owned);
    }
  }
  set_timer(self);
}

static int32_t client_wake_fd(void* self) { return ((client*)self)->epoll_fd; }

static void client_cancel(void* self_) {
  client* self = self_;
  while (self->first != NULL) finish(self, self->first, CONVOY_SENT_CANCELLED, NULL, "cancelled");
}

static void client_destroy(void* self_) {
  client* self = self_;
  while (self->first != NULL) forget(self, self->first);
  close(self->bell_fd);
  close(self->timer_fd);
  close(self->epoll_fd);
  free(self);
  --clients_count;
}

int http_client_new(enum client_flaw flaw, convoy_transport* out) {
  struct epoll_event event;
  client* self = calloc(1, sizeof *self);
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN;
  self->flaw = flaw;
  self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  self->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  self->bell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  ++clients_count;
  if (epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, self->timer_fd, &event) != 0 ||
      epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, self->bell_fd, &event) != 0) {
    client_destroy(self);
    return -1;
  }
  memset(out, 0, sizeof *out);
  out->struct_size = sizeof *out;
  out->self = self;
  out->destroy = client_destroy;
  out->name = "plain C";
  out->send = client_send;
  out->step = client_step;
  out->wake_fd = client_wake_fd;
  out->cancel = client_cancel;
  return 0;
}
