/* Gateways in the event loop of a worker.
 *
 * A gateway runs on threads of its own, where commits wait for the disk, and has its callbacks run
 * by convoy_gateway_poll. Its descriptor is an event like those of connections, so answers are sent
 * by the loop, and nothing in the loop waits for the store.
 */
#include <pthread.h>
#include <signal.h>

#include "convoy_nginx.h"

#define RETRY_LEAST_MS 1000
#define RETRY_MOST_MS 30000
#define HOLD_MS 1000
/* How long a worker that ends gracefully, or at once, waits for deliveries that are on their way.
 * The master kills workers that it has told to end at once after a second. */
#define PATIENCE_MS 5000
#define PATIENCE_AT_ONCE_MS 300
/* Answers for each turn of the loop, so that other connections have theirs. */
#define ANSWERS_MAX 64

static void OnWake(ngx_event_t* event) {
  const ngx_connection_t* const connection = event->data;
  ngx_convoy_gateway_t* const gateway = connection->data;
  convoy_gateway_poll(gateway->handle, ANSWERS_MAX, NULL, NULL);
  ngx_convoy_send_answers(gateway);
}

/* A worker that ends gracefully goes on while there is a timer, so this one holds it until all
 * requests are answered. */
static void OnHold(ngx_event_t* event) { ngx_add_timer(event, HOLD_MS); }

void ngx_convoy_gateway_count(ngx_convoy_gateway_t* gateway, int change) {
  gateway->waiting_count += change;
  if (gateway->waiting_count > 0 && !gateway->hold.timer_set) {
    ngx_add_timer(&gateway->hold, HOLD_MS);
  } else if (gateway->waiting_count == 0 && gateway->hold.timer_set) {
    ngx_del_timer(&gateway->hold);
  }
}

/* Threads of the library inherit that they get no signals: those are for nginx's thread. */
static convoy_status OpenAndStart(ngx_convoy_gateway_t* gateway, convoy_error** error) {
  sigset_t all, before;
  convoy_status status;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  status = convoy_gateway_open(gateway->config, &gateway->handle, error);
  if (status == CONVOY_OK) {
    status = convoy_gateway_start(gateway->handle, error);
    if (status != CONVOY_OK) {
      convoy_gateway_free(gateway->handle);
      gateway->handle = NULL;
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return status;
}

/* The descriptor stays the gateway's. */
static ngx_int_t Watch(ngx_convoy_gateway_t* gateway, ngx_log_t* log) {
  int32_t fd = -1;
  ngx_connection_t* connection;
  if (convoy_gateway_wake_fd(gateway->handle, &fd, NULL) != CONVOY_OK) return NGX_ERROR;
  connection = ngx_get_connection(fd, log);
  if (connection == NULL) return NGX_ERROR;
  connection->data = gateway;
  connection->read->handler = OnWake;
  connection->read->log = log;
  /* Level-triggered, as a turn may leave answers. */
  if (ngx_add_event(connection->read, NGX_READ_EVENT, 0) != NGX_OK) {
    ngx_free_connection(connection);
    return NGX_ERROR;
  }
  gateway->wake = connection;
  return NGX_OK;
}

static void Open(ngx_convoy_gateway_t* gateway, ngx_log_t* log) {
  convoy_error* error = NULL;
  if (OpenAndStart(gateway, &error) == CONVOY_OK) {
    if (Watch(gateway, log) == NGX_OK) return;
    convoy_gateway_free(gateway->handle);
    gateway->handle = NULL;
  }
  gateway->retry_ms = ngx_min(2 * gateway->retry_ms, RETRY_MOST_MS);
  ngx_log_error(
      NGX_LOG_EMERG, log, 0, "convoy_mount: \"%V\": %s; trying again in %M ms", &gateway->database,
      error == NULL ? "no connection is free" : convoy_error_message(error), gateway->retry_ms);
  convoy_error_free(error);
  ngx_add_timer(&gateway->retry, gateway->retry_ms);
}

static void OnRetry(ngx_event_t* event) {
  const ngx_connection_t* const owner = event->data;
  Open(owner->data, event->log);
}

void ngx_convoy_gateway_open(ngx_convoy_gateway_t* gateway, ngx_cycle_t* cycle) {
  ngx_queue_init(&gateway->answered);
  gateway->retry_ms = RETRY_LEAST_MS / 2;
  gateway->owner.fd = (ngx_socket_t)-1;
  gateway->owner.data = gateway;
  gateway->hold.handler = OnHold;
  gateway->hold.data = &gateway->owner;
  gateway->hold.log = cycle->log;
  gateway->retry.handler = OnRetry;
  gateway->retry.data = &gateway->owner;
  gateway->retry.log = cycle->log;
  gateway->retry.cancelable = 1; /* a worker that ends does not wait for it */
  Open(gateway, cycle->log);
}

void ngx_convoy_gateway_close(ngx_convoy_gateway_t* gateway) {
  ngx_connection_t* const wake = gateway->wake;
  convoy_error* error = NULL;
  if (gateway->handle == NULL) return;
  ngx_del_event(wake->read, NGX_READ_EVENT, 0);
  ngx_free_connection(wake);
  wake->fd = (ngx_socket_t)-1;
  if (convoy_gateway_close(gateway->handle, ngx_exiting ? PATIENCE_MS : PATIENCE_AT_ONCE_MS,
                           &error) != CONVOY_OK) {
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0, "convoy_mount: \"%V\": %s", &gateway->database,
                  convoy_error_message(error));
    convoy_error_free(error);
  }
  convoy_gateway_free(gateway->handle);
  gateway->handle = NULL;
}
