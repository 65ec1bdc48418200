/* Translation between nginx's requests and answers and those of the library. */
#include "convoy_nginx.h"

static convoy_slice Slice(const ngx_str_t* text) {
  const convoy_slice slice = {(const char*)text->data, text->len};
  return slice;
}

/* Copies the views of the headers of `r` into its pool. */
static ngx_int_t ReadHeaders(ngx_http_request_t* r, convoy_request* out) {
  const ngx_list_part_t* part;
  convoy_header* headers;
  size_t count = 0;
  ngx_uint_t i;
  for (part = &r->headers_in.headers.part; part != NULL; part = part->next) count += part->nelts;
  headers = ngx_palloc(r->pool, count * sizeof *headers + 1);
  if (headers == NULL) return NGX_ERROR;
  out->headers = headers;
  out->headers_count = count;
  for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
    const ngx_table_elt_t* const lines = part->elts;
    for (i = 0; i < part->nelts; ++i, ++headers) {
      headers->name = Slice(&lines[i].key);
      headers->value = Slice(&lines[i].value);
    }
  }
  return NGX_OK;
}

/* The URL as its sender was given it. */
static ngx_int_t ReadUrl(ngx_http_request_t* r, const ngx_str_t* public_url, convoy_request* out) {
  ngx_str_t scheme = ngx_string("http://");
  ngx_str_t host = r->headers_in.server;
  u_char* text;
  u_char* end;
  if (public_url->len > 0) {
    ngx_str_null(&scheme);
    host = *public_url;
  } else {
#if (NGX_SSL || NGX_COMPAT)
    if (r->connection->ssl != NULL) {
      ngx_str_set(&scheme, "https://");
    }
#endif
    /* With the port, which headers_in.server is without. */
    if (r->headers_in.host != NULL) host = r->headers_in.host->value;
  }
  text = ngx_pnalloc(r->pool, scheme.len + host.len + r->unparsed_uri.len);
  if (text == NULL) return NGX_ERROR;
  end = ngx_cpymem(text, scheme.data, scheme.len);
  end = ngx_cpymem(end, host.data, host.len);
  end = ngx_cpymem(end, r->unparsed_uri.data, r->unparsed_uri.len);
  out->url.data = (const char*)text;
  out->url.size = end - text;
  return NGX_OK;
}

ngx_int_t ngx_convoy_read_request(ngx_http_request_t* r, const ngx_str_t* public_url,
                                  convoy_request* out) {
  u_char* const begin = r->unparsed_uri.data;
  u_char* const end = begin + r->unparsed_uri.len;
  u_char* const mark = ngx_strlchr(begin, end, '?');
  ngx_memzero(out, sizeof *out);
  out->struct_size = sizeof *out;
  out->method = Slice(&r->method_name);
  out->path.data = (const char*)begin;
  out->path.size = (mark == NULL ? end : mark) - begin;
  if (mark != NULL) {
    out->query.data = (const char*)mark + 1;
    out->query.size = end - mark - 1;
  }
  out->remote_ip = Slice(&r->connection->addr_text);
  if (ReadHeaders(r, out) != NGX_OK) return NGX_ERROR;
  return ReadUrl(r, public_url, out);
}

static int IsNamed(const convoy_header* header, const char* name) {
  return header->name.size == ngx_strlen(name) &&
         ngx_strncasecmp((u_char*)header->name.data, (u_char*)name, header->name.size) == 0;
}

/* Adds a header of the library's answer, which outlives `r`. */
static ngx_int_t AddHeader(ngx_http_request_t* r, const convoy_header* header) {
  ngx_table_elt_t* line;
  ngx_str_t value;
  value.data = (u_char*)header->value.data;
  value.len = header->value.size;
  if (IsNamed(header, "Content-Length")) return NGX_OK; /* nginx knows it */
  if (IsNamed(header, "Connection")) {
    r->keepalive = 0;
    return NGX_OK;
  }
  if (IsNamed(header, "Content-Type")) {
    r->headers_out.content_type = value;
    r->headers_out.content_type_len = value.len;
    return NGX_OK;
  }
  line = ngx_list_push(&r->headers_out.headers);
  if (line == NULL) return NGX_ERROR;
  ngx_memzero(line, sizeof *line);
  line->hash = 1;
  line->key.data = (u_char*)header->name.data;
  line->key.len = header->name.size;
  line->value = value;
  if (IsNamed(header, "Content-Encoding")) r->headers_out.content_encoding = line;
  return NGX_OK;
}

/* Sends the head that `r` has, and `body`, which outlives it. */
static ngx_int_t SendBody(ngx_http_request_t* r, u_char* body, size_t size) {
  ngx_chain_t chain = {NULL, NULL};
  ngx_int_t sent;
  ngx_buf_t* buf;
  r->headers_out.content_length_n = size;
  if (size == 0) r->header_only = 1;
  sent = ngx_http_send_header(r);
  if (sent == NGX_ERROR || sent > NGX_OK || r->header_only) return sent;
  buf = ngx_calloc_buf(r->pool);
  if (buf == NULL) return NGX_ERROR;
  buf->pos = body;
  buf->last = body + size;
  buf->memory = 1;
  buf->last_buf = r == r->main;
  buf->last_in_chain = 1;
  chain.buf = buf;
  return ngx_http_output_filter(r, &chain);
}

static void FreeReply(void* reply) { convoy_reply_free(reply); }

ngx_int_t ngx_convoy_send_reply(ngx_http_request_t* r, convoy_reply* reply) {
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(r->pool, 0);
  convoy_header header;
  convoy_slice body;
  size_t i;
  if (cleanup == NULL) {
    convoy_reply_free(reply);
    return NGX_ERROR;
  }
  cleanup->handler = FreeReply;
  cleanup->data = reply;
  r->headers_out.status = convoy_reply_status(reply);
  for (i = 0; convoy_reply_header(reply, i, &header) != 0; ++i) {
    if (AddHeader(r, &header) != NGX_OK) return NGX_ERROR;
  }
  convoy_reply_body(reply, &body);
  return SendBody(r, (u_char*)body.data, body.size);
}

ngx_int_t ngx_convoy_send_refusal(ngx_http_request_t* r, ngx_uint_t status, const char* message,
                                  const char* reason) {
  static const char form[] = "{\"status\":false,\"message\":\"%s\",\"reason\":\"%s\"}";
  const size_t size_max = sizeof form + ngx_strlen(message) + ngx_strlen(reason);
  u_char* const body = ngx_pnalloc(r->pool, size_max);
  if (body == NULL) return NGX_ERROR;
  ngx_str_set(&r->headers_out.content_type, "application/json");
  r->headers_out.content_type_len = r->headers_out.content_type.len;
  r->headers_out.status = status;
  return SendBody(r, body, ngx_snprintf(body, size_max, form, message, reason) - body);
}
