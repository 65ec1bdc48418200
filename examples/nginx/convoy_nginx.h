/* Types and functions that the files of the nginx module share.
 *
 * Each worker is one thread with an event loop. Everything here runs on it, and nothing waits, but
 * for the reading of the configuration, the opening and closing of gateways, and logging. Names
 * with `ngx_convoy_` are the module's own, others with `convoy_` the library's.
 */
#ifndef CONVOY_NGINX_H_
#define CONVOY_NGINX_H_

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include <convoy.h>

/* A store and the gateway on it, of which every worker opens its own. Lives in the configuration's
 * pool; what follows `config` is each worker's. */
typedef struct {
  ngx_str_t database;
  convoy_config* config;
  unsigned has_settings : 1; /* some convoy_mount has given settings */

  convoy_gateway* handle; /* NULL: not open */
  ngx_connection_t* wake; /* convoy_gateway_wake_fd in the event loop */
  ngx_connection_t owner; /* none: what timers have as their data, with this as its own */
  ngx_event_t retry;      /* opens again what could not be opened */
  ngx_msec_t retry_ms;
  ngx_event_t hold;         /* a timer that keeps a worker that ends while requests wait */
  ngx_uint_t waiting_count; /* requests that the library is answering */
  ngx_queue_t answered;     /* answers that wait to be sent */
} ngx_convoy_gateway_t;

typedef struct {
  ngx_array_t gateways; /* of ngx_convoy_gateway_t* */
} ngx_convoy_main_t;

typedef struct {
  convoy_verifier* verifier; /* NULL: convoy_verify is off */
  ngx_str_t public_url;      /* scheme and authority; empty: as the request says */
  ngx_convoy_gateway_t* gateway;
} ngx_convoy_location_t;

/* State of one request. */
typedef struct {
  ngx_int_t status; /* of convoy_verify; NGX_DONE: the body is still coming */
  const char* reason;
  ngx_str_t event_id;
  void* exchange; /* of convoy_mount, while the body is coming */
} ngx_convoy_context_t;

extern ngx_module_t ngx_http_convoy_module;

/* ---- directives.c: each returns an error for `nginx -t` ---- */

char* ngx_convoy_set_verify(ngx_conf_t* cf, ngx_command_t* command, void* location);
char* ngx_convoy_set_mount(ngx_conf_t* cf, ngx_command_t* command, void* location);
char* ngx_convoy_set_public_url(ngx_conf_t* cf, ngx_command_t* command, void* location);

/* ---- verify.c ---- */

/* Handler of the access phase. */
ngx_int_t ngx_convoy_verify(ngx_http_request_t* r);

/* ---- mount.c ---- */

/* Handler of a location's content. */
ngx_int_t ngx_convoy_mount(ngx_http_request_t* r);
/* Sends the answers that wait in gateway->answered. */
void ngx_convoy_send_answers(ngx_convoy_gateway_t* gateway);

/* ---- gateway.c ---- */

/* Opens the gateway for this worker. If it cannot be opened, that is logged and tried again. */
void ngx_convoy_gateway_open(ngx_convoy_gateway_t* gateway, ngx_cycle_t* cycle);
/* Closes what is open; a worker calls it at its end. */
void ngx_convoy_gateway_close(ngx_convoy_gateway_t* gateway);
/* Says that one more request waits for an answer, or one less. */
void ngx_convoy_gateway_count(ngx_convoy_gateway_t* gateway, int change);

/* ---- message.c: requests and answers ---- */

/* Fills `out`, but for its body, with views into `r` and memory of its pool. */
ngx_int_t ngx_convoy_read_request(ngx_http_request_t* r, const ngx_str_t* public_url,
                                  convoy_request* out);
/* Sends an answer of the library and returns nginx's code for that. `reply` is owned by `r` from
 * here on, whatever is returned. */
ngx_int_t ngx_convoy_send_reply(ngx_http_request_t* r, convoy_reply* reply);
/* Sends a refusal as JSON: {"status":false,"message":…,"reason":…}. Both texts are literals. */
ngx_int_t ngx_convoy_send_refusal(ngx_http_request_t* r, ngx_uint_t status, const char* message,
                                  const char* reason);

/* A NUL-terminated text that is kept for as long as what it was taken from. */
static inline ngx_str_t ngx_convoy_text(const char* text) {
  ngx_str_t out;
  out.data = (u_char*)text;
  out.len = ngx_strlen(text);
  return out;
}

#endif /* CONVOY_NGINX_H_ */
