/* libconvoy: the webhooks gateway you link instead of run. This header is the stable C interface.
 *
 * OBJECTS
 *   convoy_config    settings by name; copied when a gateway is opened
 *   convoy_gateway   everything behind one handle: requests in, deliveries out
 *   convoy_http      an HTTP request whose body has not arrived whole
 *   convoy_reply     the answer to one HTTP request
 *   convoy_delivery  an event that the host itself handles
 *   convoy_outcome   the result of a delivery, or a change of an endpoint or a source
 *   convoy_verifier  a compiled signature scheme; needs no gateway, no storage and no thread
 *   convoy_verdict   the outcome of one verification
 *   convoy_verification  a verification of a request whose body has not arrived whole
 *   convoy_error     the reason of a failure, with its message
 *   convoy_buf       text that the caller owns and frees
 *
 * DURABILITY
 *   A reply with status 2xx is given after the commit that holds the event, its idempotency key and
 *   its deliveries. An acknowledged event survives the death of the process.
 *
 * THREADS
 *   A function that takes a const handle may be called from any thread, concurrently. One that
 *   takes a handle that is not const may be called from any thread, one call at a time, except
 *   where its comment says more. Different handles are independent. The library has no global
 *   state. It has no threads of its own unless convoy_gateway_start is called; libcurl, however,
 *   makes one for as long as it looks up the host name of an endpoint. A gateway belongs to the
 *   process that opened it: after fork, every call with it in the child returns CONVOY_E_FORKED.
 *
 * CALLBACKS
 *   The first argument of a callback is its `user` pointer. It may run on any thread that is inside
 *   the library or, on request, only on the thread of the host's event loop (convoy_gateway_poll).
 *   It never runs under a lock that a call needs, but the library waits for it: it should be quick,
 *   and must not wait for another thread's call. It must not throw, longjmp or end its thread.
 *   Inside a callback of a gateway, calls with that gateway, or with a convoy_http of it, return
 *   CONVOY_E_REENTRANT. The exceptions are functions marked [callback], and those that take neither
 *   kind of handle. Calls with other gateways are allowed.
 *
 * ERRORS
 *   Functions that can fail return convoy_status: 0, or a class in bits 0 to 7 and a detail in bits
 *   8 to 23. Compare classes with CONVOY_STATUS_CLASS and treat unknown details as their class. The
 *   last parameter `error` may be NULL; otherwise it receives an object for convoy_error_free when
 *   the call fails, and NULL when it does not. Outputs are zeroed on failure and need not be freed.
 *   Messages never hold secrets.
 *
 * MEMORY AND TEXT
 *   Inputs are (pointer, size) pairs, borrowed for the time of the call; a NULL pointer with size 0
 *   is empty. Text is UTF-8; bodies are raw bytes. Outputs are borrowed from the object they come
 *   from, unless they are a convoy_buf. Every _free accepts NULL. Handles may be freed in any
 *   order.
 *
 * STRUCTS
 *   A struct that begins with struct_size may grow at its end. Zero it, then set its size. Members
 *   that are missing because the program was built for an older header count as zero.
 *   CONVOY_E_UNSUPPORTED: the program was built for a newer header and sets members that this
 *   library does not know.
 *
 * LIBRARIES
 *   libconvoy has all functions. libconvoy-verify has those that need no gateway, and needs only
 *   the libraries of C and C++: convoy_verifier_*, convoy_verification_*, convoy_verdict_*,
 *   convoy_presets, convoy_reply_*, convoy_error_*, convoy_buf_free and convoy_version_*.
 *
 * EXAMPLE
 *   A gateway on a file, and a request that a server has read for it:
 *
 *     #include <convoy.h>
 *     #include <stdio.h>
 *
 *     int main(void) {
 *       convoy_config* config = NULL;
 *       convoy_gateway* gateway = NULL;
 *       convoy_error* error = NULL;
 *       convoy_buf key = {NULL, 0};
 *       convoy_request request = {sizeof request, {"GET", 3}, {"/healthz", 8}};
 *       convoy_reply* reply = NULL;
 *       convoy_config_new(&config, NULL);
 *       convoy_config_set(config, "storage.path", 12, "hooks.db", 8, NULL);
 *       if (convoy_gateway_open(config, &gateway, &error) != CONVOY_OK) {
 *         fprintf(stderr, "%s\n", convoy_error_message(error));
 *         return 1;
 *       }
 *       convoy_config_free(config);
 *       if (convoy_gateway_bootstrap(gateway, &key, NULL) == CONVOY_OK) {
 *         printf("the key of the REST API is %s\n", key.data);
 *         convoy_buf_free(&key);
 *       }
 *       convoy_gateway_start(gateway, NULL);
 *       if (convoy_http_handle(gateway, &request, &reply, NULL) == CONVOY_OK) {
 *         printf("status %d\n", (int)convoy_reply_status(reply));
 *         convoy_reply_free(reply);
 *       }
 *       convoy_gateway_close(gateway, 5000, NULL);
 *       convoy_gateway_free(gateway);
 *       return 0;
 *     }
 */
#ifndef CONVOY_H_
#define CONVOY_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CONVOY_API __attribute__((visibility("default")))
#else
#define CONVOY_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status. Values are permanent. ---- */

typedef int32_t convoy_status;

#define CONVOY_OK 0
#define CONVOY_E_INVALID 1 /* an argument or setting is wrong; the message names it */
#define CONVOY_E_NOT_FOUND 2
#define CONVOY_E_ALREADY_EXISTS 3
#define CONVOY_E_STATE 4  /* wrong state: closed, started, or in use by another thread */
#define CONVOY_E_DENIED 5 /* the operating system refuses */
#define CONVOY_E_TOO_LARGE 6
#define CONVOY_E_BUSY 7    /* try again */
#define CONVOY_E_TIMEOUT 8 /* not finished by its deadline */
#define CONVOY_E_CORRUPT 9 /* the store is damaged, or its last write is in doubt */
#define CONVOY_E_NO_MEMORY 10
#define CONVOY_E_FORKED 11      /* the handle belongs to the parent process */
#define CONVOY_E_INTERNAL 12    /* a defect of the library */
#define CONVOY_E_REENTRANT 13   /* called from inside a callback of the same gateway */
#define CONVOY_E_UNSUPPORTED 14 /* made for a newer version of the library */
#define CONVOY_DECLINED 64      /* not an error: the path does not belong to the gateway */

#define CONVOY_STATUS_CLASS(status) ((status)&0xFF)

typedef struct convoy_error convoy_error;

CONVOY_API convoy_status convoy_error_code(const convoy_error* error);
/* One line, NUL-terminated. */
CONVOY_API const char* convoy_error_message(const convoy_error* error);
/* 1 if the same call may succeed later. */
CONVOY_API int32_t convoy_error_is_retriable(const convoy_error* error);
CONVOY_API void convoy_error_free(convoy_error* error);

/* ---- Text ---- */

typedef struct convoy_slice {
  const char* data;
  size_t size;
} convoy_slice;

/* `data` is NUL-terminated; `size` does not count that. Zero it before use. */
typedef struct convoy_buf {
  char* data;
  size_t size;
} convoy_buf;

CONVOY_API void convoy_buf_free(convoy_buf* buf);

/* ---- Version ---- */

/* "0.2.0". Static. */
CONVOY_API const char* convoy_version_string(void);
/* major * 1000000 + minor * 1000 + patch */
CONVOY_API uint32_t convoy_version_number(void);

/* ---- Settings ---- */

typedef struct convoy_config convoy_config;

CONVOY_API convoy_status convoy_config_new(convoy_config** out, convoy_error** error);
CONVOY_API void convoy_config_free(convoy_config* config);
/* CONVOY_E_INVALID for an unknown key and for a value that does not fit; both are named. */
CONVOY_API convoy_status convoy_config_set(convoy_config* config, const char* key, size_t key_size,
                                           const char* value, size_t value_size,
                                           convoy_error** error);
/* Describes one setting. Call it with index 0, 1, … until it returns 0. All texts are static. */
CONVOY_API int32_t convoy_config_describe(size_t index, const char** out_key,
                                          const char** out_default, const char** out_help);

/* Takes one log line. `event` names what happened, in words that do not change ("endpoint
 * disabled"); `message` is `event` and the details, as name="value". Both are NUL-terminated, valid
 * during the call, and free of secrets. `level` is a CONVOY_LOG_ value. */
typedef void (*convoy_log_fn)(void* user, uint32_t level, const char* event, const char* message);

#define CONVOY_LOG_DEBUG 0
#define CONVOY_LOG_INFO 1
#define CONVOY_LOG_WARNING 2
#define CONVOY_LOG_ERROR 3

/* Sends the log lines of gateways opened with `config` to `log`, those of `level_least` or above.
 * NULL: no log, as without this call. The library owns `user` from here on, also if the call fails:
 * `user_free`, which may be NULL, runs exactly once, when nothing can call `log` any more. */
CONVOY_API convoy_status convoy_config_set_log(convoy_config* config, uint32_t level_least,
                                               convoy_log_fn log, void* user,
                                               void (*user_free)(void* user), convoy_error** error);

/* ---- Gateway ---- */

typedef struct convoy_gateway convoy_gateway;

/* Opens the store that `config` names and the gateway on it. `config` stays the caller's. */
CONVOY_API convoy_status convoy_gateway_open(const convoy_config* config, convoy_gateway** out,
                                             convoy_error** error);
/* Creates the instance's first API key and returns it. The key cannot be read again later.
 * CONVOY_E_ALREADY_EXISTS: there is a key already. */
CONVOY_API convoy_status convoy_gateway_bootstrap(convoy_gateway* gateway, convoy_buf* out_key,
                                                  convoy_error** error);
/* Runs the gateway on threads of its own: one for commits, one for deliveries, and a few that
 * answer those requests of convoy_http_handle_async and _finish_async that may take long. A host
 * that does not call it calls convoy_gateway_step. */
CONVOY_API convoy_status convoy_gateway_start(convoy_gateway* gateway, convoy_error** error);
/* Does the work that is due: commits, deliveries, retries. It writes and syncs on this thread,
 * so it takes as long as the disk does, and up to ten seconds while another process holds the
 * store's lock; a loop that must not wait calls convoy_gateway_start and convoy_gateway_poll
 * instead. `out_next_us`, which may be NULL, receives the latest instant for the next call, in
 * microseconds since 1970; INT64_MAX: call again when convoy_gateway_wake_fd is readable. */
CONVOY_API convoy_status convoy_gateway_step(convoy_gateway* gateway, int64_t* out_next_us,
                                             convoy_error** error);
/* [callback] A file descriptor for poll, owned by the gateway. It is readable while at least one of
 * these holds: deliveries wait for convoy_local_take; deliveries of a name went back untaken and
 * come with the next convoy_local_take of that name; outcomes wait for convoy_gateway_next_outcome;
 * callbacks wait for convoy_gateway_poll; the gateway closes; convoy_gateway_start has not been
 * called and a step has work to do. */
CONVOY_API convoy_status convoy_gateway_wake_fd(const convoy_gateway* gateway, int32_t* out_fd,
                                                convoy_error** error);
/* With the setting gateway.completions "poll": runs waiting callbacks of asynchronous calls on this
 * thread, at most `max`. It does nothing else, so it does not wait. *out_count, which may be NULL,
 * receives their number. It works with a started gateway, too, and after convoy_gateway_close;
 * callbacks that still wait at convoy_gateway_free run inside that call. From any thread. */
CONVOY_API convoy_status convoy_gateway_poll(const convoy_gateway* gateway, size_t max,
                                             size_t* out_count, convoy_error** error);
/* Finishes deliveries in flight, for at most `patience_ms` (or for a second, if commits under way
 * take that long), and returns the others to the store. CONVOY_E_TIMEOUT: requests are still being
 * answered, or a callback has not returned; call it again. May be repeated. */
CONVOY_API convoy_status convoy_gateway_close(convoy_gateway* gateway, uint64_t patience_ms,
                                              convoy_error** error);
/* Frees the gateway. If it is open, closes it first, with `patience_ms` 0. Waits for callbacks to
 * return. No other call with the handle may be running. In a callback of the gateway it does
 * nothing. */
CONVOY_API void convoy_gateway_free(convoy_gateway* gateway);

/* ---- Outcomes ----
 *
 * Results of deliveries, and changes of endpoints and sources, for a host that informs its
 * customers or raises alarms. The setting gateway.outcomes_max turns them on and is the length of
 * the queue; outcomes that find it full are dropped and counted. The queue is in memory; the REST
 * API has the records. */

typedef struct convoy_outcome convoy_outcome;

/* Values of convoy_outcome_view.kind; there may be more in later versions. */
#define CONVOY_OUTCOME_DELIVERY 0           /* an attempt ended, or a delivery was given up */
#define CONVOY_OUTCOME_ENDPOINT_FAILING 1   /* its first failure after a success, or ever */
#define CONVOY_OUTCOME_ENDPOINT_RECOVERED 2 /* deliveries succeed again */
#define CONVOY_OUTCOME_ENDPOINT_DISABLED 3  /* nothing is sent to it until it is activated */
#define CONVOY_OUTCOME_BREAKER_OPENED 4     /* its circuit breaker: nothing is sent for a while */
#define CONVOY_OUTCOME_BREAKER_CLOSED 5
#define CONVOY_OUTCOME_SOURCE_REFUSES 6 /* once a minute for a source and a reason */

/* Texts are borrowed from the outcome and may be empty. */
typedef struct convoy_outcome_view {
  size_t struct_size; /* sizeof(convoy_outcome_view), set by the caller */
  uint32_t kind;      /* CONVOY_OUTCOME_… */
  int32_t is_success;
  int32_t will_retry;
  uint32_t attempt_number; /* of a delivery: the number of attempts so far */
  int64_t at_us;           /* in microseconds since 1970 */
  int64_t retry_at_us;     /* if will_retry; else INT64_MAX */
  uint64_t count;          /* of SOURCE_REFUSES: requests since the last one of its kind */
  convoy_slice project_id;
  convoy_slice endpoint_id;
  convoy_slice source_id;
  convoy_slice delivery_id;
  convoy_slice event_id;
  convoy_slice event_type;
  convoy_slice outcome; /* "delivered", "timed_out", …; of SOURCE_REFUSES: the reason */
  convoy_slice detail;  /* one line for people */
} convoy_outcome_view;

/* Takes the oldest waiting outcome; *out is NULL if there is none. With `out` NULL nothing is
 * taken. `out_dropped`, which may be NULL, receives the number of outcomes dropped since the
 * gateway was opened. From any thread; does not wait. */
CONVOY_API convoy_status convoy_gateway_next_outcome(const convoy_gateway* gateway,
                                                     convoy_outcome** out, uint64_t* out_dropped,
                                                     convoy_error** error);
/* [callback] */
CONVOY_API convoy_status convoy_outcome_get(const convoy_outcome* outcome, convoy_outcome_view* out,
                                            convoy_error** error);
/* [callback] */
CONVOY_API void convoy_outcome_free(convoy_outcome* outcome);

/* ---- Log lines for a host that wants them on a thread of its own ---- */

/* [callback] Takes the oldest waiting log line; *out_message is empty, with data NULL, if there is
 * none. Event, message and level are those of convoy_log_fn; out_level, out_event and out_dropped
 * may be NULL. The setting gateway.log_lines_max turns the queue on and is its length; lines that
 * find it full are dropped, and *out_dropped receives their number since the gateway was opened.
 * Log lines do not make convoy_gateway_wake_fd readable: ask after a step or a poll, and at
 * intervals. From any thread; does not wait. Free both texts with convoy_buf_free. */
CONVOY_API convoy_status convoy_gateway_next_log(const convoy_gateway* gateway, uint32_t* out_level,
                                                 convoy_buf* out_event, convoy_buf* out_message,
                                                 uint64_t* out_dropped, convoy_error** error);

/* ---- HTTP ---- */

typedef struct convoy_header {
  convoy_slice name;
  convoy_slice value;
} convoy_header;

/* A request as the host read it. */
typedef struct convoy_request {
  size_t struct_size; /* sizeof(convoy_request) */
  convoy_slice method;
  convoy_slice path;  /* without the query, percent-encoded as it came */
  convoy_slice query; /* without '?' */
  const convoy_header* headers;
  size_t headers_count;
  convoy_slice body;
  convoy_slice remote_ip;
  /* The whole URL as the sender knows it. Only convoy_verifier_* use it, for schemes that sign it;
   * a gateway knows its own public URL. */
  convoy_slice url;
} convoy_request;

typedef struct convoy_reply convoy_reply;

/* Answers a request; returns when its effects are durable. CONVOY_DECLINED: the path does not
 * belong to the gateway. GET /metrics does only if the setting metrics.access allows readers. */
CONVOY_API convoy_status convoy_http_handle(const convoy_gateway* gateway,
                                            const convoy_request* request, convoy_reply** out_reply,
                                            convoy_error** error);
/* The same without waiting. `request` is copied; if the copy would exceed the memory that the
 * setting gateway.buffered_bytes_max allows, the answer is 503. `done` runs exactly once if
 * CONVOY_OK is returned, and never otherwise. It runs before the return, on the thread that
 * commits, or on one of the threads of convoy_gateway_start that answer requests; with the setting
 * gateway.completions "poll" it runs only inside convoy_gateway_poll. `done` owns `reply`. */
typedef void (*convoy_reply_fn)(void* user, convoy_reply* reply);
CONVOY_API convoy_status convoy_http_handle_async(const convoy_gateway* gateway,
                                                  const convoy_request* request,
                                                  convoy_reply_fn done, void* user,
                                                  convoy_error** error);

/* A request of the REST API as a function call, with the rights of the instance's administrator and
 * without a key:
 *
 *   convoy_call(gateway, "POST", "/api/v1/projects", body, strlen(body), &reply, &error);
 *
 * `target` is a path and, where there is one, a query behind '?'; both texts are NUL-terminated.
 * `body` is JSON, or empty. Returns when its effects are durable; a refusal is a reply, too.
 * CONVOY_DECLINED: the path does not belong to the REST API. */
CONVOY_API convoy_status convoy_call(const convoy_gateway* gateway, const char* method,
                                     const char* target, const char* body, size_t body_size,
                                     convoy_reply** out_reply, convoy_error** error);

/* The same without waiting. `done` runs as with convoy_http_handle_async, and owns `reply`. All
 * arguments are copied. */
CONVOY_API convoy_status convoy_call_async(const convoy_gateway* gateway, const char* method,
                                           const char* target, const char* body, size_t body_size,
                                           convoy_reply_fn done, void* user, convoy_error** error);

/* A request whose body arrives in pieces:
 *
 *   convoy_http_begin    once the head has been read
 *   convoy_http_feed     for each piece of the body
 *   convoy_http_finish   at its end
 *   convoy_http_free     in any case; before the end, it means that the sender is gone
 *
 * A convoy_http belongs to one request: one call at a time. */
typedef struct convoy_http convoy_http;

/* Decides by the head of a request, which is copied, whether its body is wanted; head->body is
 * ignored. CONVOY_OK with *out_http: read the body. CONVOY_OK with *out_reply: send that reply, do
 * not read the body, close the connection; its status is 503 if the bodies of such requests take
 * the memory that the setting gateway.buffered_bytes_max allows. CONVOY_DECLINED: the path does not
 * belong to the gateway. */
CONVOY_API convoy_status convoy_http_begin(const convoy_gateway* gateway,
                                           const convoy_request* head, convoy_http** out_http,
                                           convoy_reply** out_reply, convoy_error** error);
/* [callback] Takes the next bytes of the body. *out_reply is set when the body becomes too large
 * (status 413), or the bodies of all requests together do (status 503): send it as after
 * convoy_http_begin, and call only convoy_http_free. */
CONVOY_API convoy_status convoy_http_feed(convoy_http* http, const void* data, size_t size,
                                          convoy_reply** out_reply, convoy_error** error);
/* Answers the request, like convoy_http_handle. Call it at most once. */
CONVOY_API convoy_status convoy_http_finish(convoy_http* http, convoy_reply** out_reply,
                                            convoy_error** error);
/* The same without waiting, like convoy_http_handle_async. `http` may be freed at once. */
CONVOY_API convoy_status convoy_http_finish_async(convoy_http* http, convoy_reply_fn done,
                                                  void* user, convoy_error** error);
/* [callback] */
CONVOY_API void convoy_http_free(convoy_http* http);

CONVOY_API int32_t convoy_reply_status(const convoy_reply* reply);
CONVOY_API void convoy_reply_body(const convoy_reply* reply, convoy_slice* out);
CONVOY_API size_t convoy_reply_headers_count(const convoy_reply* reply);
/* 0, and an empty header, beyond the last one. */
CONVOY_API int32_t convoy_reply_header(const convoy_reply* reply, size_t index, convoy_header* out);
CONVOY_API void convoy_reply_free(convoy_reply* reply);

/* ---- Events that the host creates ---- */

#define CONVOY_TO_ENDPOINT 0 /* the endpoint whose id is `recipient` */
#define CONVOY_TO_OWNER 1    /* all endpoints of the owner whose id is `recipient` */
#define CONVOY_TO_EVERYONE 2 /* every endpoint with a subscription that wants the event */

/* Zero it, then set what there is. */
typedef struct convoy_event {
  size_t struct_size; /* sizeof(convoy_event) */
  convoy_slice project_id;
  uint32_t audience;      /* CONVOY_TO_… */
  uint32_t reserved;      /* 0 */
  convoy_slice recipient; /* empty for CONVOY_TO_EVERYONE */
  convoy_slice event_type;
  convoy_slice data; /* one JSON value, sent byte for byte */
  const convoy_header* custom_headers;
  size_t custom_headers_count;
  convoy_slice idempotency_key; /* empty: nothing is deduplicated */
} convoy_event;

/* Takes an event without a request and without an API key; returns when it is durable.
 * `out_event_id` receives its id. `out_is_duplicate`, which may be NULL, receives 1 if an earlier
 * event has the idempotency key; then nothing is sent. CONVOY_E_INVALID names the field. */
CONVOY_API convoy_status convoy_ingest(const convoy_gateway* gateway, const convoy_event* event,
                                       convoy_buf* out_event_id, int32_t* out_is_duplicate,
                                       convoy_error** error);
/* The same without waiting; `event` is copied. `done` runs exactly once if CONVOY_OK is returned:
 * before the return, on the thread that commits, or as the setting gateway.completions says. If the
 * event was taken, `event_id` is NUL-terminated and borrowed, and `error` is NULL. If it was
 * not, `event_id` is NULL, and `error`, which `done` owns, says why. */
typedef void (*convoy_receipt_fn)(void* user, const char* event_id, int32_t is_duplicate,
                                  convoy_error* error);
CONVOY_API convoy_status convoy_ingest_async(const convoy_gateway* gateway,
                                             const convoy_event* event, convoy_receipt_fn done,
                                             void* user, convoy_error** error);

/* ---- Events for the host itself ----
 *
 * An endpoint whose URL is "local:NAME" delivers to the host: subscriptions, retries, order, pauses
 * and lists are those of every endpoint; nothing is signed and no connection is made. The setting
 * local.names lists the names. A host takes deliveries, handles them and finishes each:
 *
 *   convoy_delivery* batch[64];
 *   size_t count = 0;
 *   convoy_local_take(gateway, "orders", 6, 64, 1000, batch, &count, NULL);
 *   for (size_t i = 0; i < count; ++i) {
 *     convoy_delivery_view view = {sizeof view};
 *     convoy_delivery_get(batch[i], &view, NULL);
 *     convoy_local_finish(batch[i], handle(&view), 0, NULL, 0, NULL);
 *     convoy_delivery_free(batch[i]);
 *   }
 *
 * Each event comes at least once: again after CONVOY_LOCAL_RETRY, after its deadline, and after the
 * death of the process. Deliveries that are not taken wait in the store and use up no attempts. */

typedef struct convoy_delivery convoy_delivery;

/* Takes waiting deliveries to local:`name`, at most `max`, the oldest first. If there are none, it
 * waits for them, at most `wait_ms`; 0: it does not wait. The first call for a name, and a call
 * after a long pause, makes the gateway fetch deliveries first, so it may return none. `out` has
 * room for `max` handles; *out_count of them are set, and the caller frees them. While it waits, a
 * gateway that is not started must be stepped by another thread. From any thread, concurrently.
 * CONVOY_E_INVALID: the name is not in the setting local.names. CONVOY_E_STATE: the gateway
 * closes. */
CONVOY_API convoy_status convoy_local_take(const convoy_gateway* gateway, const char* name,
                                           size_t name_size, size_t max, uint64_t wait_ms,
                                           convoy_delivery** out, size_t* out_count,
                                           convoy_error** error);

/* The contents of a delivery. Texts are borrowed from it; none is NUL-terminated. */
typedef struct convoy_delivery_view {
  size_t struct_size; /* sizeof(convoy_delivery_view), set by the caller */
  convoy_slice event_id;
  convoy_slice event_type;
  convoy_slice body;            /* the event's bytes */
  convoy_slice content_type;    /* as the event came with it; may be empty */
  convoy_slice idempotency_key; /* may be empty */
  convoy_slice project_id;
  convoy_slice endpoint_id;
  convoy_slice delivery_id;
  size_t headers_count;    /* of the event; see convoy_delivery_header */
  int64_t deadline_us;     /* in microseconds since 1970; if it is not finished, it comes again */
  uint32_t attempt_number; /* 1: the first */
  uint32_t reserved;       /* 0 */
} convoy_delivery_view;

/* [callback] */
CONVOY_API convoy_status convoy_delivery_get(const convoy_delivery* delivery,
                                             convoy_delivery_view* out, convoy_error** error);
/* [callback] 0, and an empty header, beyond the last one. */
CONVOY_API int32_t convoy_delivery_header(const convoy_delivery* delivery, size_t index,
                                          convoy_header* out);

#define CONVOY_LOCAL_DONE 0  /* delivered */
#define CONVOY_LOCAL_RETRY 1 /* failed; tried again as the endpoint's retry policy says */
#define CONVOY_LOCAL_FAIL 2  /* failed; not tried again, even if the retry policy would */

/* [callback] Finishes a delivery with a CONVOY_LOCAL_ value. `retry_after_ms` is the least wait
 * after CONVOY_LOCAL_RETRY, at most a day; 0: the retry policy alone decides. `detail` is UTF-8 for
 * people; its first KiB is stored with the attempt. CONVOY_OK: the outcome is recorded soon; if the
 * process dies before that, the delivery comes again. CONVOY_E_NOT_FOUND: the delivery was finished
 * before, or its deadline has passed and it comes again. CONVOY_E_STATE: the gateway has been
 * freed, and the delivery comes again. */
CONVOY_API convoy_status convoy_local_finish(convoy_delivery* delivery, uint32_t outcome,
                                             uint64_t retry_after_ms, const char* detail,
                                             size_t detail_size, convoy_error** error);
/* [callback] A delivery that was not finished counts as CONVOY_LOCAL_RETRY. May be called after
 * convoy_gateway_free. */
CONVOY_API void convoy_delivery_free(convoy_delivery* delivery);

/* ---- Verification ---- */

typedef struct convoy_verifier convoy_verifier;
typedef struct convoy_verdict convoy_verdict;

/* The presets as a JSON array, in order of their names. Of each: name, title, schemes,
 * parameters_needed and parameters_used (names for convoy_verifier_settings.parameters), integrity
 * (as convoy_verdict_integrity, of the weakest scheme), replay_window_s (how long the same request
 * is accepted again; null: without limit), handshake, tenant. */
CONVOY_API convoy_status convoy_presets(convoy_buf* out_json, convoy_error** error);
/* Compiles a preset ("github", "stripe", …), or a scheme given as JSON if `text` begins with '{'.
 * A signature by any of the secrets is accepted. The verifier may be used by any number of threads
 * at once. CONVOY_E_NOT_FOUND: there is no such preset. CONVOY_E_INVALID names the wrong part. */
CONVOY_API convoy_status convoy_verifier_new(const char* text, size_t text_size,
                                             const convoy_slice* secrets, size_t secrets_count,
                                             convoy_verifier** out, convoy_error** error);

/* All settings of a verifier. Zero it, then set what there is. */
typedef struct convoy_verifier_settings {
  size_t struct_size;      /* sizeof(convoy_verifier_settings) */
  convoy_slice preset;     /* its name; empty if there is a definition */
  convoy_slice definition; /* a scheme or preset as JSON */
  convoy_slice scheme;     /* the only scheme to use, of several; empty: the default ones */
  const convoy_slice* secrets;
  size_t secrets_count;
  const convoy_header* parameters; /* values for {config:NAME} in schemes, by NAME */
  size_t parameters_count;
} convoy_verifier_settings;

/* The same as convoy_verifier_new with all settings. A parameter that the scheme needs and does not
 * get, or gets and does not know, is CONVOY_E_INVALID. */
CONVOY_API convoy_status convoy_verifier_new_with(const convoy_verifier_settings* settings,
                                                  convoy_verifier** out, convoy_error** error);
/* Verifies a request as of `now_us`. CONVOY_OK: there is a verdict; it may be a refusal. */
CONVOY_API convoy_status convoy_verifier_verify(const convoy_verifier* verifier,
                                                const convoy_request* request, int64_t now_us,
                                                convoy_verdict** out, convoy_error** error);

/* A verdict in the caller's memory. Texts are static, or borrowed from the verifier. */
typedef struct convoy_verdict_view {
  size_t struct_size; /* sizeof(convoy_verdict_view), set by the caller */
  int32_t is_accepted;
  int32_t secret_index;   /* as convoy_verdict_secret_index */
  const char* reason;     /* as convoy_verdict_reason */
  const char* integrity;  /* as convoy_verdict_integrity */
  convoy_slice scheme;    /* the name of the scheme that decided; empty: none did */
  int64_t signed_at_us;   /* the timestamp that the request carries; INT64_MIN: none */
  int32_t refusal_status; /* HTTP status that the provider expects for a wrong signature; 0: any */
  int32_t reserved;       /* 0 */
} convoy_verdict_view;

/* The same as convoy_verifier_verify without an object: for HMAC schemes and requests of at most 64
 * headers nothing is allocated on the way to an acceptance. */
CONVOY_API convoy_status convoy_verifier_check(const convoy_verifier* verifier,
                                               const convoy_request* request, int64_t now_us,
                                               convoy_verdict_view* out, convoy_error** error);
/* The provider's id of the event in `request`. Call it after convoy_verifier_check has accepted the
 * request. Copies the id into `out`, which has `out_size` bytes, without a NUL; *out_used receives
 * its size, or 0 if the scheme names none. CONVOY_E_TOO_LARGE: *out_used is the size needed. */
CONVOY_API convoy_status convoy_verifier_event_id(const convoy_verifier* verifier,
                                                  const convoy_request* request, char* out,
                                                  size_t out_size, size_t* out_used,
                                                  convoy_error** error);
/* Answers a handshake of the provider: X's GET ?crc_token=…, Slack's url_verification, … Call it
 * before verifying. CONVOY_DECLINED: `request` is not a handshake. `out_secret`, which may be NULL,
 * receives the secret that the provider sends. `out_visit_url`, which may be NULL, receives a URL
 * that confirms the handshake when it is fetched once; its host has been checked. Both are empty
 * for most handshakes. */
CONVOY_API convoy_status convoy_verifier_answer(const convoy_verifier* verifier,
                                                const convoy_request* request, int64_t now_us,
                                                convoy_reply** out_reply, convoy_buf* out_secret,
                                                convoy_buf* out_visit_url, convoy_error** error);
CONVOY_API void convoy_verifier_free(convoy_verifier* verifier);

/* Verification of a request whose body arrives in pieces, for hosts that pass each piece on:
 *
 *   convoy_verification_begin    once the head has been read
 *   convoy_verification_feed     for each piece of the body
 *   convoy_verification_finish   at its end
 *   convoy_verification_free     in any case
 *
 * Nothing of the body is kept if the scheme signs the body's bytes with a shared secret (HMAC:
 * GitHub, Stripe, Shopify, most others) or does not use the body. Schemes that need the whole body
 * (signatures with public keys, canonical forms, hashes of the body, signatures in the body) keep
 * it, up to a bound. A convoy_verification belongs to one request: one call at a time. It may
 * outlive its verifier. */
typedef struct convoy_verification convoy_verification;

/* `head` is copied; head->body is ignored. `kept_bytes_max` bounds a body that has to be kept. */
CONVOY_API convoy_status convoy_verification_begin(const convoy_verifier* verifier,
                                                   const convoy_request* head,
                                                   uint64_t kept_bytes_max,
                                                   convoy_verification** out, convoy_error** error);
/* CONVOY_E_TOO_LARGE: the body has to be kept and is larger than `kept_bytes_max`. Refuse the
 * request, and call only convoy_verification_free. */
CONVOY_API convoy_status convoy_verification_feed(convoy_verification* verification,
                                                  const void* data, size_t size,
                                                  convoy_error** error);
/* Verifies the request like convoy_verifier_check. Call it at most once. Do not treat any part of
 * the request as genuine before this. Texts in `out` are static, or borrowed from the verifier as
 * long as it or `verification` lives. */
CONVOY_API convoy_status convoy_verification_finish(convoy_verification* verification,
                                                    int64_t now_us, convoy_verdict_view* out,
                                                    convoy_error** error);
/* 1 if the body is kept until the end. */
CONVOY_API int32_t convoy_verification_keeps_body(const convoy_verification* verification);
CONVOY_API void convoy_verification_free(convoy_verification* verification);

/* Verifies a request with `settings` as of `now_us` and explains the verdict step by step, as JSON:
 * what each scheme looked for and found, and under "causes" the changes that would make a refused
 * request pass. It is for people who connect a provider, and may take a second. `out_json` never
 * holds a secret or an expected signature. A defect of a secret is a cause; everything else that
 * convoy_verifier_new_with refuses is an error here, too. */
CONVOY_API convoy_status convoy_verifier_explain(const convoy_verifier_settings* settings,
                                                 const convoy_request* request, int64_t now_us,
                                                 convoy_buf* out_json, convoy_error** error);

CONVOY_API int32_t convoy_verdict_is_accepted(const convoy_verdict* verdict);
/* "accepted", "missing_header", "malformed", "signature_mismatch", "too_old", … Static. */
CONVOY_API const char* convoy_verdict_reason(const convoy_verdict* verdict);
/* How much of the request the signature covers: "full", "partial", "none". Static. */
CONVOY_API const char* convoy_verdict_integrity(const convoy_verdict* verdict);
/* The index of the secret that matched; -1: none. */
CONVOY_API int32_t convoy_verdict_secret_index(const convoy_verdict* verdict);
/* The provider's id of the event; empty if the scheme names none. */
CONVOY_API void convoy_verdict_event_id(const convoy_verdict* verdict, convoy_slice* out);
CONVOY_API void convoy_verdict_free(convoy_verdict* verdict);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_H_ */
