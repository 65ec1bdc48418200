/* Content handler of convoy_mount: requests go to the gateway while they are read, and are answered
 * when what they did is durable.
 *
 * The library is given the head before the body is read, so what it refuses is refused early; then
 * each piece of the body as it comes, so no temporary file is written, and its own limits hold.
 *
 * An exchange is not in the pool of its request: nginx may drop that while the library works for it
 * (the client went away, the worker is made to end). Then the answer goes nowhere.
 */
#include "convoy_nginx.h"

typedef struct {
  ngx_queue_t link;
  ngx_convoy_gateway_t* gateway;
  ngx_http_request_t* request; /* NULL: dropped */
  ngx_pool_cleanup_t* cleanup; /* in the pool of `request` */
  convoy_http* http;           /* NULL once the library has the whole request */
  convoy_reply* reply;         /* NULL until the library has answered */
} Exchange;

static const char kUnavailable[] = "the store is not available, try again later";

/* The request goes before its answer has come. */
static void OnRequestGone(void* data) {
  Exchange* const exchange = data;
  exchange->request = NULL;
  if (exchange->http == NULL) return; /* the library owns the exchange until it answers */
  convoy_http_free(exchange->http);
  ngx_free(exchange);
}

/* Frees the exchange and leaves its request to the caller. */
static void FreeExchange(Exchange* exchange) {
  if (exchange->request != NULL) exchange->cleanup->handler = NULL;
  convoy_http_free(exchange->http);
  ngx_free(exchange);
}

static ngx_int_t RefuseUnavailable(ngx_http_request_t* r) {
  if (!r->reading_body) ngx_http_discard_request_body(r);
  return ngx_convoy_send_refusal(r, NGX_HTTP_SERVICE_UNAVAILABLE, kUnavailable, "unavailable");
}

/* Runs inside convoy_gateway_poll, where the library must not be called again by what nginx does
 * after an answer: so answers are sent after it. */
static void OnReply(void* user, convoy_reply* reply) {
  Exchange* const exchange = user;
  exchange->reply = reply;
  ngx_queue_insert_tail(&exchange->gateway->answered, &exchange->link);
}

void ngx_convoy_send_answers(ngx_convoy_gateway_t* gateway) {
  while (!ngx_queue_empty(&gateway->answered)) {
    Exchange* const exchange = ngx_queue_data(ngx_queue_head(&gateway->answered), Exchange, link);
    ngx_http_request_t* const r = exchange->request;
    convoy_reply* const reply = exchange->reply;
    ngx_connection_t* connection;
    ngx_queue_remove(&exchange->link);
    ngx_convoy_gateway_count(gateway, -1);
    FreeExchange(exchange);
    if (r == NULL) {
      convoy_reply_free(reply);
      continue;
    }
    connection = r->connection;
    ngx_http_set_log_request(connection->log, r);
    ngx_http_finalize_request(r, ngx_convoy_send_reply(r, reply));
    ngx_http_run_posted_requests(connection);
  }
}

/* Gives the whole request to the library. */
static void Finish(Exchange* exchange) {
  ngx_http_request_t* const r = exchange->request;
  convoy_http* const http = exchange->http;
  convoy_error* error = NULL;
  /* A client that goes away now changes nothing. */
  r->read_event_handler = ngx_http_block_reading;
  exchange->http = NULL;
  ngx_convoy_gateway_count(exchange->gateway, 1);
  if (convoy_http_finish_async(http, OnReply, exchange, &error) != CONVOY_OK) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "convoy_mount: %s",
                  convoy_error_message(error));
    convoy_error_free(error);
    ngx_convoy_gateway_count(exchange->gateway, -1);
    FreeExchange(exchange);
    ngx_http_finalize_request(r, RefuseUnavailable(r));
  }
  convoy_http_free(http);
}

/* Feeds one buffer; nginx puts bodies that another handler has read before into files. */
static convoy_status FeedBuffer(Exchange* exchange, ngx_buf_t* buf, convoy_reply** out_reply) {
  u_char piece[16 * 1024];
  convoy_status status;
  if (ngx_buf_in_memory(buf)) {
    status = convoy_http_feed(exchange->http, buf->pos, buf->last - buf->pos, out_reply, NULL);
    buf->pos = buf->last;
    return status;
  }
  while (buf->file_pos < buf->file_last) {
    const off_t left = buf->file_last - buf->file_pos;
    const ssize_t size =
        ngx_read_file(buf->file, piece, ngx_min(left, (off_t)sizeof piece), buf->file_pos);
    if (size <= 0) return CONVOY_E_INTERNAL;
    buf->file_pos += size;
    status = convoy_http_feed(exchange->http, piece, size, out_reply, NULL);
    if (status != CONVOY_OK || *out_reply != NULL) return status;
  }
  return CONVOY_OK;
}

/* Feeds what nginx has read. Otherwise than NGX_OK, the exchange is freed and the request
 * finalized. */
static ngx_int_t Feed(Exchange* exchange) {
  ngx_http_request_t* const r = exchange->request;
  const ngx_chain_t* link = r->request_body == NULL ? NULL : r->request_body->bufs;
  for (; link != NULL; link = link->next) {
    convoy_reply* reply = NULL;
    const convoy_status status = FeedBuffer(exchange, link->buf, &reply);
    if (status == CONVOY_OK && reply == NULL) continue;
    FreeExchange(exchange);
    ngx_http_finalize_request(
        r, reply == NULL ? NGX_HTTP_INTERNAL_SERVER_ERROR : ngx_convoy_send_reply(r, reply));
    return NGX_DONE;
  }
  if (r->request_body != NULL) r->request_body->bufs = NULL;
  return NGX_OK;
}

/* Reads on, as far as the body is there. */
static void Read(ngx_http_request_t* r) {
  const ngx_convoy_context_t* const context = ngx_http_get_module_ctx(r, ngx_http_convoy_module);
  Exchange* const exchange = context->exchange;
  for (;;) {
    ngx_int_t read;
    if (Feed(exchange) != NGX_OK) return;
    if (!r->reading_body) {
      Finish(exchange);
      return;
    }
    read = ngx_http_read_unbuffered_request_body(r);
    if (read >= NGX_HTTP_SPECIAL_RESPONSE) {
      FreeExchange(exchange);
      ngx_http_finalize_request(r, read);
      return;
    }
    if (r->reading_body && r->request_body->bufs == NULL) return;
  }
}

/* The first piece of the body. */
static void OnBody(ngx_http_request_t* r) {
  r->read_event_handler = Read;
  Read(r);
}

/* The state of `r`, which convoy_verify may have made. */
static ngx_convoy_context_t* ContextOf(ngx_http_request_t* r) {
  ngx_convoy_context_t* context = ngx_http_get_module_ctx(r, ngx_http_convoy_module);
  if (context != NULL) return context;
  context = ngx_pcalloc(r->pool, sizeof *context);
  if (context != NULL) ngx_http_set_ctx(r, context, ngx_http_convoy_module);
  return context;
}

static ngx_int_t Begin(ngx_http_request_t* r, ngx_convoy_gateway_t* gateway, convoy_http* http) {
  ngx_convoy_context_t* const context = ContextOf(r);
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(r->pool, 0);
  Exchange* const exchange = ngx_calloc(sizeof *exchange, r->connection->log);
  ngx_int_t begun;
  if (context == NULL || exchange == NULL || cleanup == NULL) {
    ngx_free(exchange);
    convoy_http_free(http);
    return NGX_ERROR;
  }
  context->exchange = exchange;
  exchange->gateway = gateway;
  exchange->request = r;
  exchange->http = http;
  exchange->cleanup = cleanup;
  cleanup->handler = OnRequestGone;
  cleanup->data = exchange;
  r->request_body_no_buffering = 1;
  begun = ngx_http_read_client_request_body(r, OnBody);
  return begun >= NGX_HTTP_SPECIAL_RESPONSE ? begun : NGX_DONE;
}

ngx_int_t ngx_convoy_mount(ngx_http_request_t* r) {
  const ngx_convoy_location_t* const conf = ngx_http_get_module_loc_conf(r, ngx_http_convoy_module);
  convoy_request request;
  convoy_http* http = NULL;
  convoy_reply* reply = NULL;
  convoy_error* error = NULL;
  convoy_status status;
  if (conf->gateway == NULL) return NGX_DECLINED;
  if (conf->gateway->handle == NULL) return RefuseUnavailable(r);
  if (ngx_convoy_read_request(r, &conf->public_url, &request) != NGX_OK) return NGX_ERROR;
  status = convoy_http_begin(conf->gateway->handle, &request, &http, &reply, &error);
  if (status == CONVOY_DECLINED) return NGX_DECLINED;
  if (status != CONVOY_OK) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "convoy_mount: %s",
                  convoy_error_message(error));
    convoy_error_free(error);
    return RefuseUnavailable(r);
  }
  if (http != NULL) return Begin(r, conf->gateway, http);
  ngx_http_discard_request_body(r);
  return ngx_convoy_send_reply(r, reply);
}
