/* Access phase of convoy_verify: a request goes on only if its signature is genuine.
 *
 * The body is read first, within client_max_body_size and the bound below, since that is where
 * signatures are computed over. Handshakes of the provider are answered here; what is forged is
 * refused here; what is genuine goes on with the bytes that came.
 */
#include "convoy_nginx.h"

/* A body is in memory while it is verified; those of providers are smaller (GitHub: 25 MB). */
#define BODY_BYTES_MAX (32 * 1024 * 1024)
#define EVENT_ID_BYTES_MAX 1024

static int64_t NowMicros(void) {
  const ngx_time_t* const now = ngx_timeofday();
  return (int64_t)now->sec * 1000000 + (int64_t)now->msec * 1000;
}

/* Under `satisfy any` another condition may still let the request in, so nginx gets the status
 * alone; else the answer is sent here. */
static ngx_int_t Refuse(ngx_http_request_t* r, ngx_uint_t status, const char* message,
                        const char* reason) {
  const ngx_http_core_loc_conf_t* const core =
      ngx_http_get_module_loc_conf(r, ngx_http_core_module);
  ngx_convoy_context_t* const context = ngx_http_get_module_ctx(r, ngx_http_convoy_module);
  context->reason = reason;
  ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "convoy_verify: %s: %s", message, reason);
  if (core->satisfy == NGX_HTTP_SATISFY_ANY) return status;
  ngx_http_finalize_request(r, ngx_convoy_send_refusal(r, status, message, reason));
  return NGX_DONE;
}

/* The rest of the body, if there is one, is not waited for. */
static ngx_int_t RefuseSize(ngx_http_request_t* r) {
  r->keepalive = 0;
  r->lingering_close = 1;
  return Refuse(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "the body exceeds 32 MiB", "too_large");
}

/* A status of the library that is no verdict. */
static ngx_int_t RefuseOnError(ngx_http_request_t* r, convoy_error* error) {
  ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "convoy_verify: %s",
                convoy_error_message(error));
  convoy_error_free(error);
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

static off_t BodySize(const ngx_http_request_t* r) {
  const ngx_chain_t* link = r->request_body == NULL ? NULL : r->request_body->bufs;
  off_t size = 0;
  for (; link != NULL; link = link->next) size += ngx_buf_size(link->buf);
  return size;
}

/* Copies the body, which may be in several buffers and in a file, to `out`. */
static ngx_int_t CopyBody(const ngx_http_request_t* r, u_char* out) {
  const ngx_chain_t* link;
  for (link = r->request_body->bufs; link != NULL; link = link->next) {
    ngx_buf_t* const buf = link->buf;
    const size_t size = ngx_buf_size(buf);
    if (ngx_buf_in_memory(buf)) {
      out = ngx_cpymem(out, buf->pos, size);
      continue;
    }
    if (ngx_read_file(buf->file, out, size, buf->file_pos) != (ssize_t)size) return NGX_ERROR;
    out += size;
  }
  return NGX_OK;
}

static ngx_int_t Answer(ngx_http_request_t* r, convoy_reply* reply, const convoy_buf* secret,
                        const convoy_buf* visit_url) {
  ngx_convoy_context_t* const context = ngx_http_get_module_ctx(r, ngx_http_convoy_module);
  if (secret->size > 0) {
    convoy_reply_free(reply);
    return Refuse(r, NGX_HTTP_FORBIDDEN,
                  "the provider hands over its secret, which convoy_mount keeps",
                  "handshake_with_secret");
  }
  if (visit_url->size > 0) {
    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "convoy_verify: to confirm the subscription, open once: %s", visit_url->data);
  }
  context->reason = "handshake";
  ngx_http_finalize_request(r, ngx_convoy_send_reply(r, reply));
  return NGX_DONE;
}

static ngx_int_t KeepEventId(ngx_http_request_t* r, const convoy_verifier* verifier,
                             const convoy_request* request) {
  ngx_convoy_context_t* const context = ngx_http_get_module_ctx(r, ngx_http_convoy_module);
  char id[EVENT_ID_BYTES_MAX];
  size_t size = 0;
  if (convoy_verifier_event_id(verifier, request, id, sizeof id, &size, NULL) != CONVOY_OK ||
      size == 0) {
    return NGX_OK;
  }
  context->event_id.data = ngx_pnalloc(r->pool, size);
  if (context->event_id.data == NULL) return NGX_ERROR;
  ngx_memcpy(context->event_id.data, id, size);
  context->event_id.len = size;
  return NGX_OK;
}

/* Verifies `request`, whose body is there; returns what the access phase is to do. */
static ngx_int_t VerifyRequest(ngx_http_request_t* r, const convoy_verifier* verifier,
                               const convoy_request* request) {
  ngx_convoy_context_t* const context = ngx_http_get_module_ctx(r, ngx_http_convoy_module);
  convoy_verdict_view view = {.struct_size = sizeof view};
  convoy_buf secret = {NULL, 0}, visit_url = {NULL, 0};
  convoy_reply* reply = NULL;
  convoy_error* error = NULL;
  convoy_status status =
      convoy_verifier_answer(verifier, request, NowMicros(), &reply, &secret, &visit_url, &error);
  if (status == CONVOY_OK) {
    const ngx_int_t answered = Answer(r, reply, &secret, &visit_url);
    convoy_buf_free(&secret);
    convoy_buf_free(&visit_url);
    return answered;
  }
  if (status != CONVOY_DECLINED) return RefuseOnError(r, error);

  status = convoy_verifier_check(verifier, request, NowMicros(), &view, &error);
  if (status != CONVOY_OK) return RefuseOnError(r, error);
  if (view.is_accepted == 0) {
    const ngx_uint_t status_expected = view.refusal_status;
    return Refuse(r, status_expected == 0 ? NGX_HTTP_FORBIDDEN : status_expected,
                  "the request is not verified", view.reason);
  }
  context->reason = view.reason;
  return KeepEventId(r, verifier, request);
}

static ngx_int_t VerifyWithBody(ngx_http_request_t* r) {
  const ngx_convoy_location_t* const conf = ngx_http_get_module_loc_conf(r, ngx_http_convoy_module);
  const off_t size = BodySize(r);
  u_char* copy = NULL;
  convoy_request request;
  ngx_int_t verified;
  if (size > BODY_BYTES_MAX) return RefuseSize(r);
  if (ngx_convoy_read_request(r, &conf->public_url, &request) != NGX_OK) return NGX_ERROR;
  request.body.size = size;
  if (size > 0 && r->request_body->bufs->next == NULL &&
      ngx_buf_in_memory(r->request_body->bufs->buf)) {
    request.body.data = (const char*)r->request_body->bufs->buf->pos;
  } else if (size > 0) {
    copy = ngx_alloc(size, r->connection->log);
    if (copy == NULL || CopyBody(r, copy) != NGX_OK) {
      ngx_free(copy);
      return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    request.body.data = (const char*)copy;
  }
  verified = VerifyRequest(r, conf->verifier, &request);
  ngx_free(copy);
  return verified;
}

static void OnBody(ngx_http_request_t* r) {
  ngx_convoy_context_t* const context = ngx_http_get_module_ctx(r, ngx_http_convoy_module);
  const ngx_int_t verified = VerifyWithBody(r);
  if (verified == NGX_DONE) return; /* `r` is answered, and may be gone */
  context->status = verified;
  r->preserve_body = 1;
  r->write_event_handler = ngx_http_core_run_phases;
  ngx_http_core_run_phases(r);
}

ngx_int_t ngx_convoy_verify(ngx_http_request_t* r) {
  const ngx_convoy_location_t* const conf = ngx_http_get_module_loc_conf(r, ngx_http_convoy_module);
  ngx_convoy_context_t* context;
  ngx_int_t begun;
  if (conf->verifier == NULL) return NGX_DECLINED;
  context = ngx_http_get_module_ctx(r, ngx_http_convoy_module);
  if (context != NULL) return context->status;
  context = ngx_pcalloc(r->pool, sizeof *context);
  if (context == NULL) return NGX_ERROR;
  context->status = NGX_DONE;
  ngx_http_set_ctx(r, context, ngx_http_convoy_module);
  if (r->headers_in.content_length_n > BODY_BYTES_MAX) return RefuseSize(r);
  begun = ngx_http_read_client_request_body(r, OnBody);
  if (begun >= NGX_HTTP_SPECIAL_RESPONSE) return begun;
  /* The count of reading, which goes on by itself. */
  ngx_http_finalize_request(r, NGX_DONE);
  return NGX_DONE;
}
