/* The queues, guarded by one mutex, and consumers that wait for messages on one condition. */
#include "queue_broker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ATTRIBUTES_MAX 8
#define PASSWORD "right password"

typedef struct message {
  struct message* next;
  uint64_t number;
  int is_held;
  char* texts; /* everything below points there */
  convoy_slice body;
  convoy_slice id;
  convoy_header attributes[ATTRIBUTES_MAX];
  size_t attributes_count;
} message;

typedef struct queue {
  struct queue* next;
  char name[32];
  int generation; /* counts how often it was made */
  message* first;
} queue;

typedef struct {
  convoy_broker table;
  enum broker_flaw flaw;
  pthread_mutex_t mutex;
  pthread_cond_t news;
  queue* first;
  int queues_count;
  uint64_t last_number;
  int restarts_count;
} broker;

typedef struct {
  convoy_consumer table;
  broker* owner;
  queue* reads;
  int restarts_seen;
  int is_interrupted;
  uint64_t held[4096];
  size_t held_count;
  int64_t (*now_us)(void* host);
  void* host;
  uint64_t lag;
  int64_t lag_at_us;
} consumer;

static int brokers_count = 0;

int queue_brokers_count(void) { return brokers_count; }

static convoy_status fail(convoy_failure* failure, convoy_status code, const char* text) {
  snprintf(failure->text, failure->text_size, "%s", text);
  return code;
}

/* The value of a text member of a JSON object without escapes. */
static void member(const char* json, size_t size, const char* name, char* out, size_t out_size) {
  char* text = malloc(size + 1);
  char wanted[64];
  char* at;
  memcpy(text, json, size);
  text[size] = '\0';
  snprintf(wanted, sizeof wanted, "\"%s\":\"", name);
  at = strstr(text, wanted);
  snprintf(out, out_size, "%.*s", at == NULL ? 0 : (int)strcspn(at + strlen(wanted), "\""),
           at == NULL ? "" : at + strlen(wanted));
  free(text);
}

static queue* find_queue(broker* self, const char* name) {
  queue* each = self->first;
  while (each != NULL && strcmp(each->name, name) != 0) each = each->next;
  return each;
}

static void free_messages(queue* from) {
  while (from->first != NULL) {
    message* gone = from->first;
    from->first = gone->next;
    free(gone->texts);
    free(gone);
  }
}

/* ---- Consumer ---- */

static message* find_message(queue* from, uint64_t number) {
  message* each = from->first;
  while (each != NULL && each->number != number) each = each->next;
  return each;
}

static void consumer_close(void* self_) {
  consumer* self = self_;
  size_t i;
  pthread_mutex_lock(&self->owner->mutex);
  for (i = 0; i < self->held_count; ++i) {
    message* held = find_message(self->reads, self->held[i]);
    if (held != NULL) held->is_held = 0;
  }
  pthread_cond_broadcast(&self->owner->news);
  pthread_mutex_unlock(&self->owner->mutex);
  free(self);
}

/* The next message that no consumer holds; NULL if there is none. */
static message* next_message(broker* owner, queue* from) {
  message *each, *found = NULL;
  for (each = from->first; each != NULL; each = each->next) {
    if (each->is_held) continue;
    found = each;
    if (owner->flaw != BROKER_REVERSES) return found;
  }
  return found;
}

static void hand_out(consumer* self, message* found, convoy_message_fn emit, void* sink) {
  char position[80];
  convoy_message given;
  memset(&given, 0, sizeof given);
  snprintf(position, sizeof position, "%s/%d/%llu", self->reads->name, self->reads->generation,
           (unsigned long long)found->number);
  given.struct_size = sizeof given;
  given.body = found->body;
  given.id = found->id;
  given.attributes = found->attributes;
  given.attributes_count = found->attributes_count;
  given.position.data = position;
  given.position.size = strlen(position);
  given.tag = found->number;
  found->is_held = 1;
  self->held[self->held_count++] = found->number;
  emit(sink, &given);
}

static convoy_status consumer_poll(void* self_, uint32_t messages_max, uint64_t bytes_max,
                                   uint64_t patience_ms, convoy_message_fn emit, void* sink,
                                   convoy_failure* failure) {
  consumer* self = self_;
  broker* owner = self->owner;
  convoy_status status = CONVOY_OK;
  uint64_t bytes = 0;
  uint32_t count = 0;
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += (time_t)(patience_ms / 1000);
  until.tv_nsec += (long)(patience_ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    ++until.tv_sec;
  }
  if (owner->flaw == BROKER_IGNORES_COUNT) messages_max = 1000;
  pthread_mutex_lock(&owner->mutex);
  for (;;) {
    message* found;
    if (self->restarts_seen != owner->restarts_count) {
      status = fail(failure, CONVOY_E_BUSY, "the broker was restarted");
      break;
    }
    while (count < messages_max && bytes < bytes_max && self->held_count < 4096 &&
           (found = next_message(owner, self->reads)) != NULL) {
      bytes += found->body.size;
      ++count;
      hand_out(self, found, emit, sink);
    }
    if (count > 0 || self->is_interrupted) break;
    if (pthread_cond_timedwait(&owner->news, &owner->mutex, &until) != 0) break;
  }
  self->is_interrupted = 0;
  pthread_mutex_unlock(&owner->mutex);
  return status;
}

static convoy_status consumer_acknowledge(void* self_, const uint64_t* tags, size_t tags_count,
                                          convoy_failure* failure) {
  consumer* self = self_;
  size_t i;
  (void)failure;
  if (self->owner->flaw == BROKER_FORGETS_ACKNOWLEDGEMENTS) return CONVOY_OK;
  pthread_mutex_lock(&self->owner->mutex);
  for (i = 0; i < tags_count; ++i) {
    message** at = &self->reads->first;
    while (*at != NULL && (*at)->number != tags[i]) at = &(*at)->next;
    if (*at != NULL) {
      message* gone = *at;
      *at = gone->next;
      free(gone->texts);
      free(gone);
    }
  }
  pthread_mutex_unlock(&self->owner->mutex);
  return CONVOY_OK;
}

static void consumer_interrupt(void* self_) {
  consumer* self = self_;
  pthread_mutex_lock(&self->owner->mutex);
  self->is_interrupted = 1;
  pthread_cond_broadcast(&self->owner->news);
  pthread_mutex_unlock(&self->owner->mutex);
}

static void consumer_ask_lag(void* self_) {
  consumer* self = self_;
  message* each;
  pthread_mutex_lock(&self->owner->mutex);
  self->lag = 0;
  for (each = self->reads->first; each != NULL; each = each->next) self->lag += !each->is_held;
  self->lag_at_us = self->now_us(self->host);
  pthread_mutex_unlock(&self->owner->mutex);
}

static convoy_status consumer_lag(void* self_, uint64_t* out_count, int64_t* out_at_us,
                                  convoy_failure* failure) {
  consumer* self = self_;
  if (self->lag_at_us == 0) return fail(failure, CONVOY_E_BUSY, "it was not asked for");
  *out_count = self->lag;
  *out_at_us = self->lag_at_us;
  return CONVOY_OK;
}

/* ---- Broker ---- */

static convoy_status broker_open(void* self_, const convoy_broker_source* source,
                                 const convoy_broker_host* host, const convoy_consumer** out,
                                 convoy_failure* failure) {
  broker* self = self_;
  char name[32], address[32], password[64], text[128];
  consumer* opened;
  queue* reads;
  int restarts;
  member(source->settings.data, source->settings.size, "queue", name, sizeof name);
  member(source->settings.data, source->settings.size, "host", address, sizeof address);
  member(source->settings.data, source->settings.size, "password", password, sizeof password);
  if (strcmp(address, "memory") != 0) {
    return fail(failure, CONVOY_E_BUSY, "there is no broker at that address");
  }
  if (host->allowed_networks_count == 0) {
    return fail(failure, CONVOY_E_DENIED, "the address is not allowed");
  }
  if (strcmp(password, PASSWORD) != 0) {
    snprintf(text, sizeof text, "the password %s is wrong",
             self->flaw == BROKER_TELLS_PASSWORDS ? password : "of the source");
    return fail(failure, CONVOY_E_DENIED_CREDENTIALS, text);
  }
  pthread_mutex_lock(&self->mutex);
  reads = find_queue(self, name);
  restarts = self->restarts_count;
  pthread_mutex_unlock(&self->mutex);
  if (reads == NULL) return fail(failure, CONVOY_E_NOT_FOUND, "there is no such queue");
  opened = calloc(1, sizeof *opened);
  if (opened == NULL) return CONVOY_E_NO_MEMORY;
  opened->owner = self;
  opened->reads = reads;
  opened->restarts_seen = restarts;
  opened->now_us = host->now_us;
  opened->host = host->host;
  opened->table.struct_size = sizeof opened->table;
  opened->table.self = opened;
  opened->table.close = consumer_close;
  opened->table.poll = consumer_poll;
  opened->table.acknowledge = consumer_acknowledge;
  opened->table.interrupt = consumer_interrupt;
  opened->table.ask_lag = consumer_ask_lag;
  opened->table.lag = consumer_lag;
  *out = &opened->table;
  host->log(host->host, CONVOY_LOG_DEBUG, "queue opened", name);
  return CONVOY_OK;
}

static void broker_destroy(void* self_) {
  broker* self = self_;
  while (self->first != NULL) {
    queue* gone = self->first;
    self->first = gone->next;
    free_messages(gone);
    free(gone);
  }
  pthread_cond_destroy(&self->news);
  pthread_mutex_destroy(&self->mutex);
  free(self);
  --brokers_count;
}

/* ---- Bench ---- */

static void give_settings(const char* address, const char* password, const char* name,
                          convoy_text_fn give, void* sink) {
  char text[256];
  snprintf(text, sizeof text,
           "{\"type\":\"amqp\",\"schema\":\"amqp\",\"host\":\"%s\",\"port\":5672,\"vhost\":\"/\","
           "\"username\":\"u\",\"password\":\"%s\",\"queue\":\"%s\"}",
           address, password, name);
  give(sink, text, strlen(text));
}

static convoy_status bench_new_queue(void* self_, convoy_text_fn give, void* sink,
                                     convoy_failure* failure) {
  broker* self = self_;
  queue* made = calloc(1, sizeof *made);
  (void)failure;
  pthread_mutex_lock(&self->mutex);
  snprintf(made->name, sizeof made->name, "queue%d", ++self->queues_count);
  made->next = self->first;
  self->first = made;
  pthread_mutex_unlock(&self->mutex);
  give_settings("memory", PASSWORD, made->name, give, sink);
  return CONVOY_OK;
}

static convoy_slice keep(char** at, convoy_slice text) {
  convoy_slice kept;
  if (text.size > 0) memcpy(*at, text.data, text.size);
  kept.data = *at;
  kept.size = text.size;
  *at += text.size;
  return kept;
}

static message* copy_message(const convoy_message* given) {
  message* copy = calloc(1, sizeof *copy);
  size_t size = given->body.size + given->id.size, i;
  char* at;
  for (i = 0; i < given->attributes_count; ++i) {
    size += given->attributes[i].name.size + given->attributes[i].value.size;
  }
  at = copy->texts = malloc(size + 1);
  copy->body = keep(&at, given->body);
  copy->id = keep(&at, given->id);
  for (i = 0; i < given->attributes_count && i < ATTRIBUTES_MAX; ++i) {
    copy->attributes[i].name = keep(&at, given->attributes[i].name);
    copy->attributes[i].value = keep(&at, given->attributes[i].value);
    ++copy->attributes_count;
  }
  return copy;
}

static convoy_status bench_publish(void* self_, const char* settings, size_t settings_size,
                                   const convoy_message* messages, size_t messages_count,
                                   convoy_failure* failure) {
  broker* self = self_;
  char name[32];
  size_t i;
  queue* to;
  member(settings, settings_size, "queue", name, sizeof name);
  pthread_mutex_lock(&self->mutex);
  to = find_queue(self, name);
  for (i = 0; to != NULL && i < messages_count; ++i) {
    message** last = &to->first;
    while (*last != NULL) last = &(*last)->next;
    *last = copy_message(&messages[i]);
    (*last)->number = ++self->last_number;
  }
  pthread_cond_broadcast(&self->news);
  pthread_mutex_unlock(&self->mutex);
  return to == NULL ? fail(failure, CONVOY_E_NOT_FOUND, "there is no such queue") : CONVOY_OK;
}

static convoy_status bench_spoil_credentials(void* self, const char* settings, size_t settings_size,
                                             convoy_text_fn give, void* sink,
                                             convoy_failure* failure) {
  char name[32];
  (void)self, (void)failure;
  member(settings, settings_size, "queue", name, sizeof name);
  give_settings("memory", "wrong password", name, give, sink);
  return CONVOY_OK;
}

static convoy_status bench_spoil_queue(void* self, const char* settings, size_t settings_size,
                                       convoy_text_fn give, void* sink, convoy_failure* failure) {
  (void)self, (void)failure, (void)settings, (void)settings_size;
  give_settings("memory", PASSWORD, "nowhere", give, sink);
  return CONVOY_OK;
}

static convoy_status bench_spoil_address(void* self, const char* settings, size_t settings_size,
                                         convoy_text_fn give, void* sink, convoy_failure* failure) {
  char name[32];
  (void)self, (void)failure;
  member(settings, settings_size, "queue", name, sizeof name);
  give_settings("elsewhere", PASSWORD, name, give, sink);
  return CONVOY_OK;
}

static convoy_status bench_remake_queue(void* self_, const char* settings, size_t settings_size,
                                        convoy_failure* failure) {
  broker* self = self_;
  char name[32];
  queue* remade;
  (void)failure;
  member(settings, settings_size, "queue", name, sizeof name);
  pthread_mutex_lock(&self->mutex);
  remade = find_queue(self, name);
  free_messages(remade);
  ++remade->generation;
  pthread_mutex_unlock(&self->mutex);
  return CONVOY_OK;
}

static convoy_status bench_restart(void* self_, convoy_failure* failure) {
  broker* self = self_;
  (void)failure;
  pthread_mutex_lock(&self->mutex);
  ++self->restarts_count;
  pthread_cond_broadcast(&self->news);
  pthread_mutex_unlock(&self->mutex);
  return CONVOY_OK;
}

int queue_broker_left(const convoy_broker_bench* bench) {
  broker* self = bench->self;
  int count = 0;
  queue* each;
  message* left;
  pthread_mutex_lock(&self->mutex);
  for (each = self->first; each != NULL; each = each->next) {
    for (left = each->first; left != NULL; left = left->next) ++count;
  }
  pthread_mutex_unlock(&self->mutex);
  return count;
}

void queue_broker_new(enum broker_flaw flaw, convoy_broker_bench* out) {
  broker* self = calloc(1, sizeof *self);
  self->flaw = flaw;
  pthread_mutex_init(&self->mutex, NULL);
  pthread_cond_init(&self->news, NULL);
  ++brokers_count;
  self->table.struct_size = sizeof self->table;
  self->table.self = self;
  self->table.destroy = broker_destroy;
  self->table.type = "amqp";
  self->table.open = broker_open;
  memset(out, 0, sizeof *out);
  out->struct_size = sizeof *out;
  out->self = self;
  out->broker = &self->table;
  out->promises = CONVOY_BENCH_ORDERED + CONVOY_BENCH_BINARY_BODIES + CONVOY_BENCH_ATTRIBUTES +
                  CONVOY_BENCH_IDS + CONVOY_BENCH_POSITIONS + CONVOY_BENCH_SHARED_QUEUES +
                  CONVOY_BENCH_LAG;
  out->redelivery_ms_max = 50;
  out->new_queue = bench_new_queue;
  out->publish = bench_publish;
  out->spoil_credentials = bench_spoil_credentials;
  out->spoil_queue = bench_spoil_queue;
  out->spoil_address = bench_spoil_address;
  out->remake_queue = bench_remake_queue;
  out->restart = bench_restart;
}
