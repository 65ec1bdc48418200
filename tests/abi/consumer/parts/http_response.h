/* Reader of HTTP/1.x responses in plain C. */
#ifndef CONSUMER_PARTS_HTTP_RESPONSE_H_
#define CONSUMER_PARTS_HTTP_RESPONSE_H_

#include <convoy_parts.h>
#include <stddef.h>

#define RESPONSE_HEADERS_MAX 64

enum response_state {
  RESPONSE_PARTIAL, /* more has to come */
  RESPONSE_WHOLE,
  RESPONSE_TOO_LARGE,
  RESPONSE_BROKEN /* no HTTP, or ended too early */
};

typedef struct {
  int status; /* 0 until the head is there */
  convoy_header headers[RESPONSE_HEADERS_MAX];
  size_t headers_count;
  char* body; /* points into the text, or is `owned` */
  size_t body_size;
  char* owned; /* to be freed */
} http_response;

/* Reads the response in `text`, which ends with a NUL that does not count, and which is changed. It
 * is read from its beginning each time; `is_end`: nothing more will come. */
enum response_state http_response_read(char* text, size_t size, int is_end, size_t body_max,
                                       http_response* out);

#endif
