/* Parts of a gateway that a host implements, as tables of functions: a clock, a transport, a
 * storage and message brokers. This header is as stable as convoy.h; a host without such parts
 * needs only convoy.h. Conformance suites for the parts are in convoy_testing.h.
 *
 * TABLES
 *   A table begins with struct_size and may grow at its end. Zero it, then set its size, its
 *   functions and `self`, which is the first argument of every function. The library copies the
 *   table, so it need not outlive the call. Members that are missing because the table was built
 *   for an older header count as NULL; functions whose comment says "may be NULL" may be missing. A
 *   table of a newer header with functions that this library does not know is CONVOY_E_UNSUPPORTED.
 *   The same holds for structs that a function receives: check struct_size before you read a member
 *   that a later version has added.
 *
 * OWNERSHIP
 *   A call with a table of the right size gives `self` to the library, also if the call fails:
 *   `destroy`, which may be NULL, runs exactly once, when no other function runs or will run. That
 *   is when the configuration and all gateways opened with it have been freed. The arguments of a
 *   function are borrowed for the time of the call, unless its comment says more.
 *
 * THREADS
 *   Each table says which threads call it. A function may be called from threads of the library,
 *   and from threads of the host that are inside a call.
 *
 * ERRORS
 *   Functions that can fail return a convoy_status, 0 for success. With a failure they may write a
 *   line for people into `failure`, without secrets and without a final full stop; operators see
 *   it. Functions must not throw, longjmp or end their thread. An exception that a function throws
 *   nevertheless counts as CONVOY_E_INTERNAL.
 *
 * RE-ENTRANCY
 *   A function of a table is a callback (convoy.h): calls with the gateway that it runs for return
 *   CONVOY_E_REENTRANT. The gateway holds no lock that the function could wait for, but it waits
 *   for the function.
 */
#ifndef CONVOY_PARTS_H_
#define CONVOY_PARTS_H_

#include "convoy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Detail of CONVOY_E_DENIED: the credentials are wrong or have expired. */
#define CONVOY_E_DENIED_CREDENTIALS 261

/* A buffer for a message. `text` has `text_size` bytes, at least 256, all zero; a message ends with
 * NUL. */
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
  /* The current instant, in microseconds since 1970. The clock may be set forth or back. */
  int64_t (*now_us)(void* self);
  /* The time in microseconds of a clock that is never set and has any origin, for waiting within
   * the process. May be NULL: the same as now_us. */
  int64_t (*steady_us)(void* self);
} convoy_clock;

/* Sets the clock of gateways opened with `config`. NULL: the system's. Threads still sleep by the
 * system's clock, so use a simulated clock with convoy_gateway_step. */
CONVOY_API convoy_status convoy_config_set_clock(convoy_config* config, const convoy_clock* clock,
                                                 convoy_error** error);

/* ---- Transport ----
 *
 * The sender of outgoing requests: deliveries, and fetches of keys and access tokens. It calls back
 * from no thread of its own: it works when it is stepped, and a file descriptor says when there is
 * work.
 *
 * SAFETY. URLs come from users. The transport must refuse addresses that are private, local or
 * reserved unless the host allows them, and must check the address that it connects to, not the
 * name. The setting deliver.allowed_networks and all others about connections apply to the
 * library's own transport only. */

/* A request to send. Valid until its exchange is finished. */
typedef struct convoy_outgoing {
  size_t struct_size;
  convoy_slice method;
  convoy_slice url;
  const convoy_header* headers; /* complete; the transport adds only what HTTP itself demands */
  size_t headers_count;
  convoy_slice body;
  uint64_t timeout_ms;          /* for the whole exchange */
  uint64_t response_bytes_max;  /* beyond it, stop reading the body and drop the connection */
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
 * body is its text with its headers; method, headers and tls_… have no meaning. A transport without
 * e-mail finishes with CONVOY_SENT_INVALID_URL; one that has sent it, with status 250. */

/* How an exchange ended. Once the head of the final response is complete its status is given with
 * every outcome; without it the status is 0. */
#define CONVOY_SENT_RESPONSE 0       /* a response arrived whole, with any status */
#define CONVOY_SENT_DENIED_ADDRESS 1 /* the address is not allowed; nothing was sent */
#define CONVOY_SENT_INVALID_URL 2    /* the URL cannot be used; nothing was sent */
#define CONVOY_SENT_NAME_NOT_RESOLVED 3
#define CONVOY_SENT_CONNECT_FAILED 4
#define CONVOY_SENT_TLS_FAILED 5
#define CONVOY_SENT_TIMED_OUT 6
#define CONVOY_SENT_RESPONSE_TOO_LARGE 7 /* the first response_bytes_max of the body are given */
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
  int32_t is_unsent;      /* 1: no byte of the request was written, so it may be sent again */
  uint32_t reserved;      /* 0 */
  uint64_t elapsed_us;    /* 0: measured by the library */
} convoy_sent;

/* Finishes an exchange; `sent` is copied. The transport's `send` may be called before it returns.
 */
typedef void (*convoy_sent_fn)(void* host, uint64_t exchange, const convoy_sent* sent);

/* All calls come from one thread at a time. One gateway at a time uses a transport: opening a
 * second gateway with it fails with CONVOY_E_STATE. */
typedef struct convoy_transport {
  size_t struct_size; /* sizeof(convoy_transport) */
  void* self;
  void (*destroy)(void* self);
  const char* name; /* "nginx"; NUL-terminated, valid until `destroy` */
  /* Starts an exchange. `done(host, exchange, …)` must run exactly once, from within `step` or
   * `cancel`, on their thread, and never from within `send`; `request` is valid until then. The
   * request must be written to the peer at most once: it must not be repeated once a byte of it has
   * been written. Redirects must not be followed. */
  void (*send)(void* self, const convoy_outgoing* request, convoy_sent_fn done, void* host,
               uint64_t exchange);
  /* Does all work that needs no waiting, and finishes exchanges that have ended. */
  void (*step)(void* self);
  /* A file descriptor for poll that is readable when `step` has work, time-outs included. It stays
   * the same until `destroy`. */
  int32_t (*wake_fd)(void* self);
  /* Finishes every exchange with CONVOY_SENT_CANCELLED, now. */
  void (*cancel)(void* self);
} convoy_transport;

/* Sets the transport of gateways opened with `config`. NULL: the library's own. */
CONVOY_API convoy_status convoy_config_set_transport(convoy_config* config,
                                                     const convoy_transport* transport,
                                                     convoy_error** error);

/* ---- Storage ----
 *
 * An ordered table of rows, keys and values being bytes: a table of the host's own database, or a
 * store like LMDB or RocksDB. The host keeps the rows, atomically and durably; the library does all
 * the rest of a gateway's store. A gateway reads all rows when it is opened, has them in memory
 * from then on, and writes each change at once. So the memory of the process bounds the store. A
 * key has 1 to CONVOY_STORAGE_KEY_BYTES_MAX bytes; a value holds at most an event with its body.
 * The table belongs to one gateway at a time, of one process: the host sees to it.
 *
 * FAILURES. CONVOY_E_BUSY (try again), CONVOY_E_DENIED (read-only), CONVOY_E_NO_MEMORY (no room, in
 * memory or on the disk) and CONVOY_E_TOO_LARGE of `write` mean that nothing of the batch was
 * applied: the gateway refuses what it was for, and goes on. After any other failure of `write`,
 * and any failure of `sync`, it is not known what is durable: the gateway writes nothing more, and
 * answers CONVOY_E_CORRUPT, until it is opened anew. CONVOY_E_CORRUPT says that rows are damaged.
 *
 * LOCKS. The functions run while the store is locked: they must not wait for a thread of the host
 * that is inside a call with the gateway. */

#define CONVOY_STORAGE_KEY_BYTES_MAX 128

/* A change of one row. Its layout is permanent. */
typedef struct convoy_change {
  convoy_slice key;
  convoy_slice value; /* empty for a removal, and perhaps otherwise */
  int32_t
      is_removal;    /* 1: the row, which need not be there, is removed; 0: it is put or replaced */
  uint32_t reserved; /* 0 */
} convoy_change;

/* Takes a row, which must stay as it is until the function returns. */
typedef void (*convoy_row_fn)(void* sink, const convoy_slice* key, const convoy_slice* value);

/* From any thread, concurrently, but one `write` at a time. One gateway at a time uses a storage:
 * opening a second gateway with it fails with CONVOY_E_STATE. */
typedef struct convoy_storage {
  size_t struct_size; /* sizeof(convoy_storage) */
  void* self;
  /* Closes the table. All that was written is there when it is opened again. */
  void (*destroy)(void* self);
  const char* name; /* "lmdb", for messages; NUL-terminated, valid until `destroy` */
  /* Gives the rows whose keys are `from` or above and below `until` to `emit`, at most `rows_max`,
   * in the order of their keys: by the first byte that differs, as an unsigned number, a key coming
   * before all that it is the beginning of. An empty `until` is no bound. One call shows one state:
   * of a batch that is written meanwhile, all or nothing. */
  convoy_status (*scan)(void* self, const convoy_slice* from, const convoy_slice* until,
                        uint64_t rows_max, convoy_row_fn emit, void* sink, convoy_failure* failure);
  /* Applies all changes, or none; no two of them have the same key. Scans that begin later show
   * them. They are durable when it returns, or, if there is a `sync`, once that has returned. After
   * the death of the process at any instant a batch is there whole, or not at all. */
  convoy_status (*write)(void* self, const convoy_change* changes, size_t changes_count,
                         convoy_failure* failure);
  /* Makes all writes that have returned durable. A `write` may run meanwhile; gateways with many
   * callers let one sync serve many writes. May be NULL: `write` does it. */
  convoy_status (*sync)(void* self, convoy_failure* failure);
} convoy_storage;

/* Sets the storage of gateways opened with `config`, instead of the setting storage.path, which
 * must be empty. NULL: that of the setting. */
CONVOY_API convoy_status convoy_config_set_storage(convoy_config* config,
                                                   const convoy_storage* storage,
                                                   convoy_error** error);

/* ---- Message brokers ----
 *
 * An adapter opens consumers for sources of its type. A started gateway reads with them on threads
 * of its own, commits the messages, and only then acknowledges them. */

/* The source that a consumer reads for. */
typedef struct convoy_broker_source {
  size_t struct_size;
  convoy_slice source_id;
  convoy_slice project_id;
  convoy_slice consumer_id; /* of one consumer of the source; the same when it is reopened */
  convoy_slice type;        /* as convoy_broker.type */
  /* The place to read from and the credentials: a JSON object, described in docs/embedding.md.
   * Later versions may add members. Holds secrets. */
  convoy_slice settings;
} convoy_broker_source;

/* The gateway as an adapter sees it. Valid until its consumer is closed, and within `check`. */
typedef struct convoy_broker_host {
  size_t struct_size;
  void* host; /* for the functions below, which may be called from any thread */
  /* The only private, local or reserved networks that an adapter may connect to, as CIDR, with or
   * without a port. */
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
  convoy_slice key; /* the broker's routing, grouping or partition key; may be empty */
  /* The message's redelivery id: the same each time this message is handed out, and different for
   * every other message, also of other places that the source may read from. A message that comes
   * again is recognised by it. Empty: the broker has none, and a lost acknowledgement may bring a
   * second event. */
  convoy_slice position;
  convoy_slice former_position; /* the id that an earlier version of the adapter gave; or empty */
  uint64_t tag;                 /* the consumer's own name for it, for `acknowledge` */
  int32_t is_first_delivery;    /* 1: the broker vouches that it was never handed out before */
  int32_t is_cut;               /* 1: `body` is only the start of a body too large to keep */
} convoy_message;

/* Takes a message, which is copied. */
typedef void (*convoy_message_fn)(void* sink, const convoy_message* message);

/* One connection that reads. Calls come from one thread at a time, except `interrupt`. After a
 * failure of any function except `publish_dead_letter`, the consumer is closed and, after a pause,
 * opened again:
 *
 *   CONVOY_E_BUSY                the broker cannot be reached
 *   CONVOY_E_DENIED_CREDENTIALS  the credentials are wrong or have expired
 *   CONVOY_E_DENIED              the credentials may not read there, or the address is not allowed
 *   CONVOY_E_NOT_FOUND           there is no such queue, topic or subscription */
typedef struct convoy_consumer {
  size_t struct_size; /* sizeof(convoy_consumer) */
  void* self;
  /* Ends the consumer. Messages that were not acknowledged come again, to another consumer. It is
   * the last call, and comes once. */
  void (*close)(void* self);
  /* Gives messages to `emit`, at most `messages_max`; one message may exceed `bytes_max`, the bound
   * of their bodies. Waits until there are messages, until `patience_ms` is over (which is no
   * failure), or until `interrupt`. */
  convoy_status (*poll)(void* self, uint32_t messages_max, uint64_t bytes_max, uint64_t patience_ms,
                        convoy_message_fn emit, void* sink, convoy_failure* failure);
  /* Messages of the last poll, all or some of them, are durable: the broker may delete them. */
  convoy_status (*acknowledge)(void* self, const uint64_t* tags, size_t tags_count,
                               convoy_failure* failure);
  /* Makes the waiting poll, or the next one, return at once. From any thread. */
  void (*interrupt)(void* self);
  /* Messages are not durable yet: the broker must not hand them out again. Called well within each
   * extension_interval_ms. This function and the next may be NULL. */
  convoy_status (*extend)(void* self, const uint64_t* tags, size_t tags_count,
                          convoy_failure* failure);
  uint64_t (*extension_interval_ms)(void* self); /* 0: messages need not be extended */
  /* Asks the broker how many messages wait, without waiting for the answer. This function and the
   * next two may be NULL. */
  void (*ask_lag)(void* self);
  /* The broker's last answer, and its instant. CONVOY_E_UNSUPPORTED: this broker never answers. */
  convoy_status (*lag)(void* self, uint64_t* out_count, int64_t* out_at_us,
                       convoy_failure* failure);
  int32_t (*is_lag_shared)(void* self); /* 1: the lag is that of all consumers of the source */
  /* Publishes a copy of an unusable message to the broker's own dead letters, before the message is
   * acknowledged. May be NULL: nothing is published. */
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
   * `close` has run. Failures are those of a consumer, and CONVOY_E_INVALID for settings that can
   * never work. */
  convoy_status (*open)(void* self, const convoy_broker_source* source,
                        const convoy_broker_host* host, const convoy_consumer** out_consumer,
                        convoy_failure* failure);
  /* Checks that the source can be read from, without taking a message, within a few seconds. May be
   * NULL: then a consumer is opened and closed. */
  convoy_status (*check)(void* self, const convoy_broker_source* source,
                         const convoy_broker_host* host, convoy_failure* failure);
} convoy_broker;

/* Adds an adapter to gateways opened with `config`. It replaces an adapter of the same type. */
CONVOY_API convoy_status convoy_config_add_broker(convoy_config* config,
                                                  const convoy_broker* broker,
                                                  convoy_error** error);

/* ---- Plug-ins ----
 *
 * A shared library libconvoy-NAME.so that the setting broker.adapters names, from the folder convoy
 * beside libconvoy.so, or that of libconvoy.so itself, or that of the setting broker.adapters_dir
 * alone. It defines one function,
 *
 *   const convoy_plugin* convoy_plugin_1(void);
 *
 * whose result is static. A plug-in uses no symbol of libconvoy.so, and stays loaded. */
typedef struct convoy_plugin {
  size_t struct_size;          /* sizeof(convoy_plugin) */
  const char* name;            /* NAME */
  uint32_t library_version;    /* convoy_version_number of the library that it was built for;
                                  the patch version is ignored; 0: any */
  uint32_t reserved;           /* 0 */
  const convoy_broker* broker; /* its `destroy` must be NULL */
} convoy_plugin;
typedef const convoy_plugin* (*convoy_plugin_fn)(void);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_PARTS_H_ */
