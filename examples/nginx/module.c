/* Module definition: directives, variables, and what happens when a worker begins and ends. */
#include "convoy_nginx.h"

static ngx_command_t commands[] = {
    {ngx_string("convoy_verify"), NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_1MORE,
     ngx_convoy_set_verify, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("convoy_public_url"),
     NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
     ngx_convoy_set_public_url, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("convoy_mount"), NGX_HTTP_LOC_CONF | NGX_CONF_1MORE, ngx_convoy_set_mount,
     NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    ngx_null_command};

static void* CreateMain(ngx_conf_t* cf) {
  ngx_convoy_main_t* conf = ngx_pcalloc(cf->pool, sizeof *conf);
  if (conf == NULL ||
      ngx_array_init(&conf->gateways, cf->pool, 1, sizeof(ngx_convoy_gateway_t*)) != NGX_OK) {
    return NULL;
  }
  return conf;
}

static void* CreateLocation(ngx_conf_t* cf) {
  ngx_convoy_location_t* conf = ngx_pcalloc(cf->pool, sizeof *conf);
  if (conf == NULL) return NULL;
  conf->verifier = NGX_CONF_UNSET_PTR;
  return conf;
}

/* A mount is that of its location alone, as every handler of content, and of the blocks `if` and
 * `limit_except` in it: those have no name, and settings of their own. */
static char* MergeLocation(ngx_conf_t* cf, void* parent, void* child) {
  ngx_http_core_loc_conf_t* core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
  ngx_convoy_location_t* outer = parent;
  ngx_convoy_location_t* inner = child;
  ngx_conf_merge_ptr_value(inner->verifier, outer->verifier, NULL);
  ngx_conf_merge_str_value(inner->public_url, outer->public_url, "");
  if (core->noname && inner->gateway == NULL) inner->gateway = outer->gateway;
  if (core->lmt_excpt && core->handler == NULL && inner->gateway != NULL) {
    core->handler = ngx_convoy_mount;
  }
  return NGX_CONF_OK;
}

static ngx_int_t GetReason(ngx_http_request_t* r, ngx_http_variable_value_t* value,
                           uintptr_t data) {
  const ngx_convoy_context_t* context = ngx_http_get_module_ctx(r, ngx_http_convoy_module);
  if (context == NULL || context->reason == NULL) {
    value->not_found = 1;
    return NGX_OK;
  }
  value->data = (u_char*)context->reason;
  value->len = ngx_strlen(context->reason);
  value->valid = 1;
  return NGX_OK;
}

static ngx_int_t GetEventId(ngx_http_request_t* r, ngx_http_variable_value_t* value,
                            uintptr_t data) {
  const ngx_convoy_context_t* context = ngx_http_get_module_ctx(r, ngx_http_convoy_module);
  if (context == NULL || context->event_id.len == 0) {
    value->not_found = 1;
    return NGX_OK;
  }
  value->data = context->event_id.data;
  value->len = context->event_id.len;
  value->valid = 1;
  return NGX_OK;
}

static ngx_int_t AddVariable(ngx_conf_t* cf, const char* name, ngx_http_get_variable_pt get) {
  ngx_str_t text = ngx_convoy_text(name);
  ngx_http_variable_t* variable = ngx_http_add_variable(cf, &text, NGX_HTTP_VAR_NOCACHEABLE);
  if (variable == NULL) return NGX_ERROR;
  variable->get_handler = get;
  return NGX_OK;
}

static ngx_int_t AddVariables(ngx_conf_t* cf) {
  if (AddVariable(cf, "convoy_reason", GetReason) != NGX_OK) return NGX_ERROR;
  return AddVariable(cf, "convoy_event_id", GetEventId);
}

static ngx_int_t AddHandlers(ngx_conf_t* cf) {
  ngx_http_core_main_conf_t* core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
  ngx_http_handler_pt* handler = ngx_array_push(&core->phases[NGX_HTTP_ACCESS_PHASE].handlers);
  if (handler == NULL) return NGX_ERROR;
  *handler = ngx_convoy_verify;
  return NGX_OK;
}

static ngx_http_module_t hooks = {.preconfiguration = AddVariables,
                                  .postconfiguration = AddHandlers,
                                  .create_main_conf = CreateMain,
                                  .create_loc_conf = CreateLocation,
                                  .merge_loc_conf = MergeLocation};

/* The gateways of a configuration; NULL if it has no http block. */
static const ngx_array_t* GatewaysOf(ngx_cycle_t* cycle) {
  const ngx_convoy_main_t* conf = NULL;
  if (cycle->conf_ctx[ngx_http_module.index] != NULL) {
    conf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_convoy_module);
  }
  return conf == NULL ? NULL : &conf->gateways;
}

/* Gateways belong to the process that opened them, so each worker opens them for itself. */
static ngx_int_t BeginWorker(ngx_cycle_t* cycle) {
  const ngx_array_t* gateways = GatewaysOf(cycle);
  ngx_uint_t i;
  if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) return NGX_OK;
  for (i = 0; gateways != NULL && i < gateways->nelts; ++i) {
    ngx_convoy_gateway_open(((ngx_convoy_gateway_t**)gateways->elts)[i], cycle);
  }
  return NGX_OK;
}

static void EndWorker(ngx_cycle_t* cycle) {
  const ngx_array_t* gateways = GatewaysOf(cycle);
  ngx_uint_t i;
  for (i = 0; gateways != NULL && i < gateways->nelts; ++i) {
    ngx_convoy_gateway_close(((ngx_convoy_gateway_t**)gateways->elts)[i]);
  }
}

ngx_module_t ngx_http_convoy_module = {
    NGX_MODULE_V1, &hooks, commands, NGX_HTTP_MODULE, NULL, NULL,
    BeginWorker,   NULL,   NULL,     EndWorker,       NULL, NGX_MODULE_V1_PADDING};
