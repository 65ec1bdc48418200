/* An HTTP client in plain C as a transport of a gateway: HTTP/1.1 without TLS, to 127.0.0.1 only, a
 * connection for each request. On request it has a flaw, which the conformance suite must find. */
#ifndef CONSUMER_PARTS_HTTP_CLIENT_H_
#define CONSUMER_PARTS_HTTP_CLIENT_H_

#include <convoy_parts.h>

enum client_flaw {
  CLIENT_SOUND,
  CLIENT_ENDS_TWICE,      /* finishes an exchange two times */
  CLIENT_ENDS_IN_SEND,    /* finishes what it cannot send at once */
  CLIENT_FORGETS_TIMEOUT, /* waits for a silent peer for ever */
  CLIENT_REPEATS,         /* asks a peer that broke off once more */
  CLIENT_IGNORES_LIMIT    /* reads a response of any size */
};

/* Sets *out to a new transport. 0, or -1 if there are no descriptors for it. */
int http_client_new(enum client_flaw flaw, convoy_transport* out);

/* How many clients there are. */
int http_clients_count(void);

#endif
