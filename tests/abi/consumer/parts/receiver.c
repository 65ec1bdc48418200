/* One connection after the other, one request each. */
#include "receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int count = 0;
static char last_body[4096];
static char url[64];

static void serve(int fd) {
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  char text[16 * 1024];
  size_t size = 0;
  for (;;) {
    char *head_end, *length;
    ssize_t got = recv(fd, text + size, sizeof text - size - 1, 0);
    if (got <= 0) return;
    size += (size_t)got;
    text[size] = '\0';
    head_end = strstr(text, "\r\n\r\n");
    if (head_end == NULL) continue;
    length = strcasestr(text, "content-length:");
    if (length != NULL && size < (size_t)(head_end + 4 - text) + (size_t)atoi(length + 15))
      continue;
    pthread_mutex_lock(&mutex);
    snprintf(last_body, sizeof last_body, "%s", head_end + 4);
    ++count;
    pthread_mutex_unlock(&mutex);
    (void)!send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    return;
  }
}

static void* run(void* listening) {
  for (;;) {
    const int fd = accept(*(int*)listening, NULL, NULL);
    if (fd < 0) return NULL;
    serve(fd);
    close(fd);
  }
}

const char* receiver_start(void) {
  static int listening;
  static pthread_t thread;
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listening = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(bind(listening, (struct sockaddr*)&address, size) == 0 && listen(listening, 16) == 0);
  CHECK(getsockname(listening, (struct sockaddr*)&address, &size) == 0);
  CHECK(pthread_create(&thread, NULL, run, &listening) == 0);
  snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
  return url;
}

int receiver_count(void) {
  int seen;
  pthread_mutex_lock(&mutex);
  seen = count;
  pthread_mutex_unlock(&mutex);
  return seen;
}

void receiver_last_body(char* out, unsigned size) {
  pthread_mutex_lock(&mutex);
  snprintf(out, size, "%s", last_body);
  pthread_mutex_unlock(&mutex);
}
