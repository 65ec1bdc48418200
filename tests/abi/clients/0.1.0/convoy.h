/* libconvoy: the webhooks gateway you link instead of run. This header is the stable C interface.
 *
 * OBJECTS
 *   convoy_config    settings by name; copied when a gateway is opened
 *   convoy_gateway   everything behind one handle: requests in, deliveries out
 *   convoy_http      a request whose body is still coming
 *   convoy_reply     the answer to one HTTP request
 *   convoy_verifier  a compiled signature scheme; needs no gateway, no storage and no thread
 *   convoy_verdict   the outcome of one verification
 *   convoy_error     what went wrong, with its message
 *   convoy_buf       text that the library gives away
 *
 * DURABILITY
 *   A reply with status 2xx is given after the commit that holds the event, its idempotency key and
 *   its deliveries. What was acknowledged survives the death of the process.
 *
 * THREADS
 *   A function that takes a const handle may be called from any thread, concurrently. One that
 *   takes a handle that is not const may be called from any thread, one call at a time, except
 *   where its comment says more. Different handles are independent. There is no global state, and
 *   no thread unless convoy_gateway_start is called. A gateway belongs to the process that opened
 *   it: after fork, every call with it in the child returns CONVOY_E_FORKED.
 *
 * CALLBACKS
 *   A callback gets its `user` pointer first. It may run on any thread that is inside the library,
 *   never under a lock that a call needs, but the library waits for it: it should be quick and must
 *   not wait for another thread's call. It must not throw, longjmp or end its thread.
 *   Inside a callback of a gateway, calls with that gateway return CONVOY_E_REENTRANT, and so do
 *   calls with a convoy_http of it. Allowed are the functions marked [callback], and all that take
 *   neither. Other gateways may be called.
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
 *   A struct that begins with struct_size may grow at its end. Zero it, then set its size: what a
 *   program built for an older header does not have counts as zero. CONVOY_E_UNSUPPORTED: it was
 *   built for a newer header and uses what this library does not know.
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
#define CONVOY_E_STATE 4  /* not now: closed, started, another thread is inside */
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
#define CONVOY_DECLINED 64      /* not an error: the path is not the gateway's */

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

/* "0.1.0". Static. */
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
/* The settings there are, for index 0, 1, …; 0 when there is none. All texts are static. */
CONVOY_API int32_t convoy_config_describe(size_t index, const char** out_key,
                                          const char** out_default, const char** out_help);

/* The line of a log. `event` says what happened in words that do not change ("endpoint disabled");
 * `message` is `event` and the details, as name="value". Both are one line, NUL-terminated, valid
 * during the call, and free of secrets. `level` is a CONVOY_LOG_ value. */
typedef void (*convoy_log_fn)(void* user, uint32_t level, const char* event, const char* message);

#define CONVOY_LOG_DEBUG 0
#define CONVOY_LOG_INFO 1
#define CONVOY_LOG_WARNING 2
#define CONVOY_LOG_ERROR 3

/* Sends what the gateways opened with `config` log at `level_least` or above to `log`. NULL:
 * silence, as without this call. The library owns `user` from here on, also if the call fails:
 * `user_free`, which may be NULL, runs exactly once, when nothing can call `log` any more. */
CONVOY_API convoy_status convoy_config_set_log(convoy_config* config, uint32_t level_least,
                                               convoy_log_fn log, void* user,
                                               void (*user_free)(void* user), convoy_error** error);

/* ---- Gateway ---- */

typedef struct convoy_gateway convoy_gateway;

/* Opens the store that `config` names and the gateway on it. `config` stays the caller's. */
CONVOY_API convoy_status convoy_gateway_open(const convoy_config* config, convoy_gateway** out,
                                             convoy_error** error);
/* Creates the instance's first API key. It is shown this once; CONVOY_E_ALREADY_EXISTS later. */
CONVOY_API convoy_status convoy_gateway_bootstrap(convoy_gateway* gateway, convoy_buf* out_key,
                                                  convoy_error** error);
/* Runs the gateway on two threads of its own. Without it, call convoy_gateway_step. */
CONVOY_API convoy_status convoy_gateway_start(convoy_gateway* gateway, convoy_error** error);
/* Does what can be done without waiting. `out_next_us`, which may be NULL, receives when to call
 * again at the latest, in microseconds since 1970; INT64_MAX: when convoy_gateway_wake_fd is
 * readable. */
CONVOY_API convoy_status convoy_gateway_step(convoy_gateway* gateway, int64_t* out_next_us,
                                             convoy_error** error);
/* [callback] A descriptor for poll that is readable when a step has something to do. Owned by the
 * gateway. */
CONVOY_API convoy_status convoy_gateway_wake_fd(const convoy_gateway* gateway, int32_t* out_fd,
                                                convoy_error** error);
/* Finishes what is in flight, at most for `patience_ms`, and gives the rest back to the store.
 * CONVOY_E_TIMEOUT: requests are still being answered, close again. Repeatable. */
CONVOY_API convoy_status convoy_gateway_close(convoy_gateway* gateway, uint64_t patience_ms,
                                              convoy_error** error);
/* Closes without patience if need be. No other call with the handle may be running. In a callback
 * of the gateway it does nothing. */
CONVOY_API void convoy_gateway_free(convoy_gateway* gateway);

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
  /* The whole URL as its sender was given it. Only convoy_verifier_* look at it, for schemes that
   * sign it; a gateway knows its own public URL. */
  convoy_slice url;
} convoy_request;

typedef struct convoy_reply convoy_reply;

/* Answers a request; returns when what it did is durable. CONVOY_DECLINED: not a path of the
 * gateway. GET /metrics is one only if the setting metrics.access says who may read them. */
CONVOY_API convoy_status convoy_http_handle(const convoy_gateway* gateway,
                                            const convoy_request* request, convoy_reply** out_reply,
                                            convoy_error** error);
/* The same without waiting. `done` runs exactly once if CONVOY_OK is returned, and never otherwise:
 * before the return or on the thread that commits. The request must stay valid until then. `done`
 * owns `reply`. */
typedef void (*convoy_reply_fn)(void* user, convoy_reply* reply);
CONVOY_API convoy_status convoy_http_handle_async(const convoy_gateway* gateway,
                                                  const convoy_request* request,
                                                  convoy_reply_fn done, void* user,
                                                  convoy_error** error);

/* A request whose body is still coming:
 *
 *   convoy_http_begin    once the head has been read
 *   convoy_http_feed     for each piece of the body
 *   convoy_http_finish   at its end
 *   convoy_http_free     in any case; before the end, it means that the sender went away
 *
 * A convoy_http belongs to one request: one call at a time. */
typedef struct convoy_http convoy_http;

/* Judges a request by its head, which is copied; head->body is ignored. CONVOY_OK with *out_reply:
 * answer with it, do not read the body, close the connection. CONVOY_OK with *out_http: go on.
 * CONVOY_DECLINED: not a path of the gateway. */
CONVOY_API convoy_status convoy_http_begin(const convoy_gateway* gateway,
                                           const convoy_request* head, convoy_http** out_http,
                                           convoy_reply** out_reply, convoy_error** error);
/* [callback] Takes the next bytes of the body. *out_reply is set, with status 413, when it becomes
 * too large: as after convoy_http_begin, and no more calls but free. */
CONVOY_API convoy_status convoy_http_feed(convoy_http* http, const void* data, size_t size,
                                          convoy_reply** out_reply, convoy_error** error);
/* Answers the request, like convoy_http_handle. Once. */
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

/* ---- Events of the host's own ---- */

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
 * `out_event_id` receives its id, `out_is_duplicate`, which may be NULL, 1 if an earlier event has
 * the idempotency key, so that nothing is sent. CONVOY_E_INVALID names the field. */
CONVOY_API convoy_status convoy_ingest(const convoy_gateway* gateway, const convoy_event* event,
                                       convoy_buf* out_event_id, int32_t* out_is_duplicate,
                                       convoy_error** error);
/* The same without waiting; `event` is copied. `done` runs exactly once if CONVOY_OK is returned:
 * before the return or on the thread that commits. `event_id` is NUL-terminated and borrowed; it is
 * NULL if the event was not taken. Then `error`, which `done` owns, says why; else it is NULL. */
typedef void (*convoy_receipt_fn)(void* user, const char* event_id, int32_t is_duplicate,
                                  convoy_error* error);
CONVOY_API convoy_status convoy_ingest_async(const convoy_gateway* gateway,
                                             const convoy_event* event, convoy_receipt_fn done,
                                             void* user, convoy_error** error);

/* ---- Verification ---- */

typedef struct convoy_verifier convoy_verifier;
typedef struct convoy_verdict convoy_verdict;

/* Compiles a preset ("github", "stripe", …), or a scheme given as JSON if `text` begins with '{'.
 * All secrets are live. The verifier may be used by any number of threads at once.
 * CONVOY_E_NOT_FOUND: there is no such preset. CONVOY_E_INVALID names what is wrong. */
CONVOY_API convoy_status convoy_verifier_new(const char* text, size_t text_size,
                                             const convoy_slice* secrets, size_t secrets_count,
                                             convoy_verifier** out, convoy_error** error);

/* All settings of a verifier. Zero it, then set what there is. */
typedef struct convoy_verifier_settings {
  size_t struct_size;      /* sizeof(convoy_verifier_settings) */
  convoy_slice preset;     /* its name; empty if there is a definition */
  convoy_slice definition; /* a scheme or preset of one's own as JSON */
  convoy_slice scheme;     /* of several schemes only this one; empty: those used by default */
  const convoy_slice* secrets;
  size_t secrets_count;
  const convoy_header* parameters; /* what schemes call {config:NAME}, and its value */
  size_t parameters_count;
} convoy_verifier_settings;

/* The same as convoy_verifier_new with all settings. A parameter that the scheme needs and does not
 * get, or gets and does not know, is CONVOY_E_INVALID. */
CONVOY_API convoy_status convoy_verifier_new_with(const convoy_verifier_settings* settings,
                                                  convoy_verifier** out, convoy_error** error);
/* Judges a request as of `now_us`. CONVOY_OK means that there is a verdict, not that it is good. */
CONVOY_API convoy_status convoy_verifier_verify(const convoy_verifier* verifier,
                                                const convoy_request* request, int64_t now_us,
                                                convoy_verdict** out, convoy_error** error);

/* A verdict in the caller's memory. Texts are static, or borrowed from the verifier. */
typedef struct convoy_verdict_view {
  size_t struct_size; /* sizeof(convoy_verdict_view), set by the caller */
  int32_t is_accepted;
  int32_t secret_index;  /* as convoy_verdict_secret_index */
  const char* reason;    /* as convoy_verdict_reason */
  const char* integrity; /* as convoy_verdict_integrity */
  convoy_slice scheme;   /* the name of the scheme that decided; empty: none did */
  int64_t signed_at_us;  /* the timestamp that the request carries; INT64_MIN: none */
} convoy_verdict_view;

/* The same as convoy_verifier_verify without an object: for HMAC schemes and requests of at most 64
 * headers nothing is allocated on the way to an acceptance. */
CONVOY_API convoy_status convoy_verifier_check(const convoy_verifier* verifier,
                                               const convoy_request* request, int64_t now_us,
                                               convoy_verdict_view* out, convoy_error** error);
/* Answers a handshake of the provider: X's GET ?crc_token=…, Slack's url_verification, … Ask before
 * verifying. CONVOY_DECLINED: `request` is none. `out_secret`, which may be NULL, receives the
 * secret that the provider hands over, `out_visit_url`, which may be NULL, a URL to fetch once, to
 * confirm; its host has been checked. Both are empty for most handshakes. */
CONVOY_API convoy_status convoy_verifier_answer(const convoy_verifier* verifier,
                                                const convoy_request* request, int64_t now_us,
                                                convoy_reply** out_reply, convoy_buf* out_secret,
                                                convoy_buf* out_visit_url, convoy_error** error);
CONVOY_API void convoy_verifier_free(convoy_verifier* verifier);

CONVOY_API int32_t convoy_verdict_is_accepted(const convoy_verdict* verdict);
/* "accepted", "missing_header", "malformed", "signature_mismatch", "too_old", … Static. */
CONVOY_API const char* convoy_verdict_reason(const convoy_verdict* verdict);
/* How much of the request the signature covers: "full", "partial", "none". Static. */
CONVOY_API const char* convoy_verdict_integrity(const convoy_verdict* verdict);
/* Which of the secrets matched; -1: none. */
CONVOY_API int32_t convoy_verdict_secret_index(const convoy_verdict* verdict);
/* The provider's id of the event; empty if the scheme names none. */
CONVOY_API void convoy_verdict_event_id(const convoy_verdict* verdict, convoy_slice* out);
CONVOY_API void convoy_verdict_free(convoy_verdict* verdict);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_H_ */
