/* Head, length, chunks: as much of HTTP/1.x as a client of webhooks needs. */
#include "http_response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX (64 * 1024)

static char* find(char* text, size_t size, const char* wanted) {
  const size_t wanted_size = strlen(wanted);
  size_t i;
  for (i = 0; i + wanted_size <= size; ++i) {
    if (memcmp(text + i, wanted, wanted_size) == 0) return text + i;
  }
  return NULL;
}

static convoy_slice trimmed(const char* begin, const char* end) {
  convoy_slice slice;
  while (begin < end && (*begin == ' ' || *begin == '\t')) ++begin;
  while (end > begin && (end[-1] == ' ' || end[-1] == '\t')) --end;
  slice.data = begin;
  slice.size = (size_t)(end - begin);
  return slice;
}

/* The value of a header of the head; NULL if there is none. */
static const convoy_slice* header(const http_response* response, const char* name) {
  size_t i;
  for (i = 0; i < response->headers_count; ++i) {
    const convoy_slice* each = &response->headers[i].name;
    if (each->size == strlen(name) && strncasecmp(each->data, name, each->size) == 0) {
      return &response->headers[i].value;
    }
  }
  return NULL;
}

/* Reads a head of `size` bytes, its last CRLF included; 0 if it is none. */
static int read_head(char* text, size_t size, http_response* out) {
  char* line = find(text, size, "\r\n");
  const char* end = text + size;
  if (size < 13 || line == NULL || memcmp(text, "HTTP/1.", 7) != 0 || text[8] != ' ') return 0;
  out->status = atoi(text + 9);
  out->headers_count = 0;
  if (out->status < 100 || out->status > 599) return 0;
  for (line += 2; line < end;) {
    char* line_end = find(line, (size_t)(end - line), "\r\n");
    char* colon = line_end == NULL ? NULL : memchr(line, ':', (size_t)(line_end - line));
    if (colon == NULL) return 0;
    if (out->headers_count < RESPONSE_HEADERS_MAX) {
      out->headers[out->headers_count].name = trimmed(line, colon);
      out->headers[out->headers_count++].value = trimmed(colon + 1, line_end);
    }
    line = line_end + 2;
  }
  return 1;
}

/* Chunks are put together in the body, which has room for them. */
static enum response_state read_chunks(const char* text, size_t size, size_t body_max,
                                       http_response* out) {
  const char* end = text + size;
  out->body_size = 0;
  for (;;) {
    char* digits_end = NULL;
    unsigned long chunk;
    const char* line_end = find((char*)text, (size_t)(end - text), "\r\n");
    if (line_end == NULL) return RESPONSE_PARTIAL;
    chunk = strtoul(text, &digits_end, 16);
    if (digits_end == text || chunk > HEAD_MAX * 1024ul) return RESPONSE_BROKEN;
    text = line_end + 2;
    if (chunk == 0) return (size_t)(end - text) >= 2 ? RESPONSE_WHOLE : RESPONSE_PARTIAL;
    if (out->body_size + chunk > body_max) return RESPONSE_TOO_LARGE;
    if ((size_t)(end - text) < chunk + 2) return RESPONSE_PARTIAL;
    memcpy(out->body + out->body_size, text, chunk);
    out->body_size += chunk;
    text += chunk + 2;
  }
}

static enum response_state read_body(char* text, size_t size, int is_end, size_t body_max,
                                     http_response* out) {
  const convoy_slice* length = header(out, "content-length");
  const convoy_slice* coding = header(out, "transfer-encoding");
  size_t wanted;
  out->body = text;
  if (out->status == 204 || out->status == 304) return RESPONSE_WHOLE;
  if (coding != NULL) {
    enum response_state state;
    out->body = out->owned = malloc(size + 1);
    if (out->body == NULL) return RESPONSE_BROKEN;
    state = read_chunks(text, size, body_max, out);
    return state == RESPONSE_PARTIAL && is_end ? RESPONSE_BROKEN : state;
  }
  wanted = length == NULL ? (size_t)-1 : (size_t)strtoul(length->data, NULL, 10);
  out->body_size = size < wanted ? size : wanted;
  if (out->body_size > body_max || (length != NULL && wanted > body_max)) {
    if (out->body_size > body_max) out->body_size = body_max;
    return RESPONSE_TOO_LARGE;
  }
  if (out->body_size == wanted) return RESPONSE_WHOLE;
  if (!is_end) return RESPONSE_PARTIAL;
  return length == NULL ? RESPONSE_WHOLE : RESPONSE_BROKEN;
}

enum response_state http_response_read(char* text, size_t size, int is_end, size_t body_max,
                                       http_response* out) {
  memset(out, 0, sizeof *out);
  for (;;) {
    char* head_end = find(text, size, "\r\n\r\n");
    size_t head_size;
    if (head_end == NULL) return is_end || size > HEAD_MAX ? RESPONSE_BROKEN : RESPONSE_PARTIAL;
    head_size = (size_t)(head_end + 4 - text);
    if (!read_head(text, head_size - 2, out)) {
      out->status = 0;
      return RESPONSE_BROKEN;
    }
    text += head_size;
    size -= head_size;
    if (out->status >= 200) return read_body(text, size, is_end, body_max, out);
    out->status = 0; /* an interim response: the final one follows */
  }
}
