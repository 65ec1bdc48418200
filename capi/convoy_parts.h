/* Parts of a gateway that a host brings along, as tables of functions: a clock, a transport and
 * message brokers. The header is as stable as convoy.h, which a host without such parts needs
 * alone. Conformance suites for them are in convoy_testing.h.
 *
 * TABLES
 *   A table begins with struct_size and may grow at its end. Zero it, set its size, its functions
 *   and `self`, which every function gets. The library copies the table, so it need not outlive the
 *   call. What a table built for an older header does not have counts as missing; functions whose
 *   comment says "may be NULL" may be missing. A table of a newer header with functions that this
 *   library does not know is CONVOY_E_UNSUPPORTED. Structs that a function is given are read in the
 *   same way: look at struct_size before a member that a later version has added.
 *
 * OWNERSHIP
 *   From a call with a table whose size is right, the library owns `self`, also if that call fails:
 *   `destroy`, which may be NULL, runs exactly once, when no other function runs or will run. That
 *   is when the configuration and all gateways opened with it have been freed. Whatever a function
 *   is given is borrowed for the time of the call, unless its comment says more.
 *
 * THREADS
 *   Each table says which threads call it. A function may be called from threads that were made by
 *   the library, and from those of the host that are inside of a call.
 *
 * ERRORS
 *   Functions that can fail return a convoy_status, 0 for success. With a failure they may write a
 *   line for people into `failure`, without secrets and without a final full stop; operators see
 *   it. Functions must not throw, longjmp or end their thread. An exception that is thrown all the
 *   same is CONVOY_E_INTERNAL.
 *
 * RE-ENTRANCY
 *   A function of a table is a callback (convoy.h): calls with the gateway that it runs for are
 *   CONVOY_E_REENTRANT. No lock is held that such a function could wait for, but the gateway waits
 *   for it.
 */
#ifndef CONVOY_PARTS_H_
#define CONVOY_PARTS_H_

#include "convoy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Detail of CONVOY_E_DENIED: the credentials are wrong or have expired. */
#define CONVOY_E_DENIED_CREDENTIALS 261

/* Room for a message. `text` has `text_size` bytes, at least 256, all zero; what is written there
 * ends with NUL. */
typedef struct convoy_failure {
  size_t struct_size;
  char* text;
  size_t text_size;
} convoy_failure;

/* ---- Clock ---- */

/* From any thread, concurrently. */
typedef struct convoy_clock {
  size_t struct_size; /* sizeof(convoy_clock) */
  void* self;
  void (*destroy)(void* self);
  /* The current instant, in microseconds since 1970. It may be set, also backwards. */
  int64_t (*now_us)(void* self);
  /* An instant of a clock that is never set and has no origin: for waiting within the process. May
   * be NULL: the same as now_us. */
  int64_t (*steady_us)(void* self);
} convoy_clock;

/* Makes `clock` that of gateways opened with `config`. NULL: the system's. Threads still sleep by
 * the system's clock, so a clock that is not real is for convoy_gateway_step. */
CONVOY_API convoy_status convoy_config_set_clock(convoy_config* config, const convoy_clock* clock,
                                                 convoy_error** error);

/* ---- Transport ----
 *
 * The sender of outgoing requests: deliveries, and what the gateway fetches (keys, access tokens).
 * It has no thread that calls back: it works when it is stepped, and tells by a descriptor when
 * that is worth doing.
 *
 * SAFETY. URLs come from users. The transport must refuse addresses that are private, local or
 * reserved unless the host allows them, and look at the address that it connects to, not at the
 * name: the setting deliver.allowed_networks and all others that are about connections are those of
 * the library's own transport and mean nothing to another one. */

/* A request to send. Valid until its exchange is finished. */
typedef struct convoy_outgoing {
  size_t struct_size;
  convoy_slice method;
  convoy_slice url;
  const convoy_header* headers; /* complete; the transport adds only what HTTP itself demands */
  size_t headers_count;
  convoy_slice body;
  uint64_t timeout_ms;          /* for the whole exchange */
  uint64_t response_bytes_max;  /* reading the body stops there, the connection is dropped */
  convoy_slice tls_authorities; /* PEM; empty: those of the transport */
  convoy_slice tls_certificate; /* PEM, of the client, with its chain; may be empty */
  convoy_slice tls_key;         /* PEM, of that certificate; secret */
  convoy_slice mail_from;       /* unless empty: an e-mail (below) */
  const convoy_slice* mail_recipients;
  size_t mail_recipients_count;
  convoy_slice mail_user; /* empty: no authentication */
  convoy_slice mail_password;
} convoy_outgoing;
/* An e-mail: `url` is smtp://HOST:PORT or smtps://HOST:PORT, a server that the host has named; the
 * body is its text with its headers; method, headers and tls_… mean nothing. A transport that knows
 * no e-mail finishes with CONVOY_SENT_INVALID_URL, one that does with status 250. */

/* How an exchange ended. Once the head of the final response is complete its status is given with
 * every outcome; without it the status is 0. */
#define CONVOY_SENT_RESPONSE 0       /* a response arrived whole, whatever its status */
#define CONVOY_SENT_DENIED_ADDRESS 1 /* the address is not allowed; nothing was sent */
#define CONVOY_SENT_INVALID_URL 2    /* the URL cannot be used; nothing was sent */
#define CONVOY_SENT_NAME_NOT_RESOLVED 3
#define CONVOY_SENT_CONNECT_FAILED 4
#define CONVOY_SENT_TLS_FAILED 5
#define CONVOY_SENT_TIMED_OUT 6
#define CONVOY_SENT_RESPONSE_TOO_LARGE 7 /* of the body the first response_bytes_max are given */
#define CONVOY_SENT_PROTOCOL_ERROR 8     /* the peer broke off or did not speak HTTP */
#define CONVOY_SENT_CANCELLED 9
#define CONVOY_SENT_LOCAL_FAILURE 10 /* no socket or memory for it here; nothing was sent */

/* The result of an exchange. Zero it, then set what there is. */
typedef struct convoy_sent {
  size_t struct_size; /* sizeof(convoy_sent) */
  uint32_t outcome;   /* CONVOY_SENT_… */
  int32_t http_status;
  const convoy_header* headers;
  size_t headers_count;
  convoy_slice body;      /* without transfer coding */
  convoy_slice remote_ip; /* numeric; empty: no connection was made */
  convoy_slice error;     /* one line without secrets; empty for a response */
  int32_t is_unsent;      /* 1: not a byte of the request was written, so it may be sent again */
  uint32_t reserved;      /* 0 */
  uint64_t elapsed_us;    /* 0: measured by the library */
} convoy_sent;

/* Finishes an exchange; `sent` is copied. It may call the transport's `send` before it returns. */
typedef void (*convoy_sent_fn)(void* host, uint64_t exchange, const convoy_sent* sent);

/* All calls come from one thread at a time. One gateway at a time uses a transport: opening another
 * with it is CONVOY_E_STATE. */
typedef struct convoy_transport {
  size_t struct_size; /* sizeof(convoy_transport) */
  void* self;
  void (*destroy)(void* self);
  const char* name; /* "nginx"; NUL-terminated, valid until `destroy` */
  /* Starts an exchange. `done(host, exchange, …)` must run exactly once, from within `step` or
   * `cancel`, on their thread, and never from within `send`. The request is written to the peer at
   * most once: it is not repeated once a byte of it was written. Redirects are not followed.
   * `request` is valid until then. */
  void (*send)(void* self, const convoy_outgoing* request, convoy_sent_fn done, void* host,
               uint64_t exchange);
  /* Does what can be done without waiting, and finishes what has ended. */
  void (*step)(void* self);
  /* A descriptor for poll that is readable when `step` has something to do, time-outs included. The
   * same until `destroy`. */
  int32_t (*wake_fd)(void* self);
  /* Finishes every exchange with CONVOY_SENT_CANCELLED, now. */
  void (*cancel)(void* self);
} convoy_transport;

/* Makes `transport` that of gateways opened with `config`. NULL: the library's own. */
CONVOY_API convoy_status convoy_config_set_transport(convoy_config* config,
                                                     const convoy_transport* transport,
                                                     convoy_error** error);

/* ---- Message brokers ----
 *
 * An adapter opens consumers for sources of its type; a gateway that was started reads with them on
 * threads of its own, commits what they have read and only then acknowledges it. */

/* The source that a consumer reads for. */
typedef struct convoy_broker_source {
  size_t struct_size;
  convoy_slice source_id;
  convoy_slice project_id;
  convoy_slice consumer_id; /* of one consumer of the source; the same when it is opened anew */
  convoy_slice type;        /* as convoy_broker.type */
  /* Where to read and with which credentials: a JSON object, described in docs/embedding.md.
   * Members may be added in later versions. Holds secrets. */
  convoy_slice settings;
} convoy_broker_source;

/* The gateway as an adapter sees it. Valid until its consumer is closed, and within `check`. */
typedef struct convoy_broker_host {
  size_t struct_size;
  void* host; /* for the functions below, which may be called from any thread */
  /* Networks that an adapter may connect to although they are private, local or reserved: as CIDR,
   * with a port or without. It connects to no other such address. */
  const convoy_slice* allowed_networks;
  size_t allowed_networks_count;
  int64_t (*now_us)(void* host);
  int64_t (*steady_us)(void* host);
  /* `level` is CONVOY_LOG_…; the texts are NUL-terminated and free of secrets. */
  void (*log)(void* host, uint32_t level, const char* event, const char* detail);
} convoy_broker_host;

/* A message that was read. Zero it, then set what there is. */
typedef struct convoy_message {
  size_t struct_size; /* sizeof(convoy_message) */
  convoy_slice body;
  const convoy_header* attributes; /* the broker's headers or attributes, as they came */
  size_t attributes_count;
  convoy_slice id;  /* the sender's or the broker's name for it */
  convoy_slice key; /* what the broker routes, groups or partitions by; may be empty */
  /* The same each time this message is handed out, and of no other message, whichever place the
   * source reads from. By it a message that comes again is recognised. Empty: there is nothing of
   * the kind, and a lost acknowledgement may bring a second event. */
  convoy_slice position;
  convoy_slice former_position; /* as an earlier version of the adapter gave it; may be empty */
  uint64_t tag;                 /* the consumer's own name for it, for `acknowledge` */
  int32_t is_first_delivery;    /* 1: the broker vouches that it was never handed out before */
  int32_t is_cut;               /* 1: `body` is only the start of a body too large to keep */
} convoy_message;

/* Takes a message, which is copied. */
typedef void (*convoy_message_fn)(void* sink, const convoy_message* message);

/* One connection that reads. Calls come from one thread at a time, except `interrupt`. After a
 * failure of any function but `publish_dead_letter` the consumer is closed and opened anew, after a
 * pause:
 *
 *   CONVOY_E_BUSY                the broker is away
 *   CONVOY_E_DENIED_CREDENTIALS  the credentials are wrong or have expired
 *   CONVOY_E_DENIED              the credentials may not read there, or the address is not allowed
 *   CONVOY_E_NOT_FOUND           there is no such queue, topic or subscription */
typedef struct convoy_consumer {
  size_t struct_size; /* sizeof(convoy_consumer) */
  void* self;
  /* Ends the consumer: what was not acknowledged comes again, to another one. Once, as the last. */
  void (*close)(void* self);
  /* Hands messages to `emit`, at most `messages_max`; `bytes_max` of bodies may be passed by one.
   * Waits until there are some, until `patience_ms` is over (none is no failure), or until
   * `interrupt`. */
  convoy_status (*poll)(void* self, uint32_t messages_max, uint64_t bytes_max, uint64_t patience_ms,
                        convoy_message_fn emit, void* sink, convoy_failure* failure);
  /* Messages of the last poll, all of them or a part, are durable: the broker may forget them. */
  convoy_status (*acknowledge)(void* self, const uint64_t* tags, size_t tags_count,
                               convoy_failure* failure);
  /* Makes a poll that waits, now or next, return at once. From any thread. */
  void (*interrupt)(void* self);
  /* Messages are not durable yet but still wanted. Called well within each extension_interval_ms.
   * May be NULL, and so may the next. */
  convoy_status (*extend)(void* self, const uint64_t* tags, size_t tags_count,
                          convoy_failure* failure);
  uint64_t (*extension_interval_ms)(void* self); /* 0: messages need not be extended */
  /* Asks the broker how many messages wait, without waiting for the answer. May be NULL, and so may
   * the next two. */
  void (*ask_lag)(void* self);
  /* The broker's last answer, and when it was given. CONVOY_E_UNSUPPORTED: it is never known. */
  convoy_status (*lag)(void* self, uint64_t* out_count, int64_t* out_at_us,
                       convoy_failure* failure);
  int32_t (*is_lag_shared)(void* self); /* 1: it is that of all consumers of the source */
  /* A copy of an unusable message for the broker's own dead letters, before it is acknowledged. May
   * be NULL: there are none. */
  convoy_status (*publish_dead_letter)(void* self, const convoy_message* message,
                                       const char* reason, size_t reason_size,
                                       convoy_failure* failure);
} convoy_consumer;

/* From any thread, concurrently. */
typedef struct convoy_broker {
  size_t struct_size; /* sizeof(convoy_broker) */
  void* self;
  void (*destroy)(void* self);
  /* "kafka", "amqp", "sqs" or "google", as in `pub_sub` of the REST API; NUL-terminated, valid
   * until `destroy`. */
  const char* type;
  /* Opens a consumer; may connect, for at most a few seconds. *out_consumer is valid until its
   * `close` has run. Failures as of a consumer; CONVOY_E_INVALID: settings that can never work. */
  convoy_status (*open)(void* self, const convoy_broker_source* source,
                        const convoy_broker_host* host, const convoy_consumer** out_consumer,
                        convoy_failure* failure);
  /* Whether the source could be read from now, without taking a message; at most a few seconds. May
   * be NULL: a consumer is opened and closed. */
  convoy_status (*check)(void* self, const convoy_broker_source* source,
                         const convoy_broker_host* host, convoy_failure* failure);
} convoy_broker;

/* Adds an adapter to gateways opened with `config`, in the place of one of its type. */
CONVOY_API convoy_status convoy_config_add_broker(convoy_config* config,
                                                  const convoy_broker* broker,
                                                  convoy_error** error);

/* ---- Plug-ins ----
 *
 * A shared library libconvoy-NAME.so that the setting broker.adapters names, from the folder of
 * libconvoy.so or that of the setting broker.adapters_dir. It defines one function,
 *
 *   const convoy_plugin* convoy_plugin_1(void);
 *
 * whose answer is static. A plug-in needs nothing of libconvoy.so, and stays loaded. */
typedef struct convoy_plugin {
  size_t struct_size;          /* sizeof(convoy_plugin) */
  const char* name;            /* NAME */
  uint32_t library_version;    /* convoy_version_number of the library that it goes with, up to the
                                  minor version; 0: any */
  uint32_t reserved;           /* 0 */
  const convoy_broker* broker; /* its `destroy` must be NULL */
} convoy_plugin;
typedef const convoy_plugin* (*convoy_plugin_fn)(void);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_PARTS_H_ */
