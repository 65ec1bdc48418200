/* Directives and their checks. All is checked while the configuration is read, so `nginx -t` tells
 * what is wrong; nothing is opened or created then, as that is done by another user. */
#include "convoy_nginx.h"

/* A secret that is longer is none: a whole chain of certificates is shorter. */
#define SECRET_BYTES_MAX (64 * 1024)
#define WORDS_MAX 16

typedef struct {
  convoy_slice secrets[WORDS_MAX];
  size_t secrets_count;
  convoy_header parameters[WORDS_MAX];
  size_t parameters_count;
} Words;

static convoy_slice Slice(const ngx_str_t* text) {
  const convoy_slice slice = {(const char*)text->data, text->len};
  return slice;
}

/* Reports an error of the library, which is freed, at the directive's place. */
static char* Fail(ngx_conf_t* cf, convoy_error* error) {
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V: %s", cf->args->elts, convoy_error_message(error));
  convoy_error_free(error);
  return NGX_CONF_ERROR;
}

static char* FailText(ngx_conf_t* cf, const ngx_str_t* word, const char* what) {
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V: \"%V\" %s", cf->args->elts, word, what);
  return NGX_CONF_ERROR;
}

/* Reads at most SECRET_BYTES_MAX + 1 bytes; -1 is an error, with errno. */
static ssize_t ReadBytes(ngx_fd_t fd, u_char* out) {
  ssize_t size = 0;
  while (size <= SECRET_BYTES_MAX) {
    const ssize_t got = ngx_read_fd(fd, out + size, SECRET_BYTES_MAX + 1 - size);
    if (got <= 0) return got < 0 ? -1 : size;
    size += got;
  }
  return size;
}

/* Fills `out` from a file, whose one line feed at its end is dropped. */
static char* ReadSecret(ngx_conf_t* cf, ngx_str_t* path, convoy_slice* out) {
  u_char* bytes = ngx_palloc(cf->temp_pool, SECRET_BYTES_MAX + 1);
  ssize_t size;
  ngx_err_t failure;
  ngx_fd_t fd;
  if (bytes == NULL || ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) return NGX_CONF_ERROR;
  fd = ngx_open_file(path->data, NGX_FILE_RDONLY | NGX_FILE_NONBLOCK, NGX_FILE_OPEN, 0);
  if (fd == NGX_INVALID_FILE) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "%V: \"%V\" cannot be opened", cf->args->elts,
                       path);
    return NGX_CONF_ERROR;
  }
  size = ReadBytes(fd, bytes);
  failure = ngx_errno;
  ngx_close_file(fd);
  if (size < 0) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, failure, "%V: \"%V\" cannot be read", cf->args->elts,
                       path);
    return NGX_CONF_ERROR;
  }
  if (size > SECRET_BYTES_MAX) return FailText(cf, path, "is too large for a secret");
  if (size > 0 && bytes[size - 1] == '\n') --size;
  if (size > 0 && bytes[size - 1] == '\r') --size;
  if (size == 0) return FailText(cf, path, "is empty");
  out->data = (const char*)bytes;
  out->size = size;
  return NGX_CONF_OK;
}

/* The '=' of NAME=VALUE; NULL if `word` is a file. */
static u_char* FindEquals(const ngx_str_t* word) {
  if (word->data[0] == '/') return NULL;
  return ngx_strlchr(word->data, word->data + word->len, '=');
}

/* Reads the words behind the preset: files of secrets, and NAME=VALUE. */
static char* ReadWords(ngx_conf_t* cf, Words* out) {
  ngx_str_t* words = cf->args->elts;
  ngx_uint_t i;
  if (cf->args->nelts > 2 + WORDS_MAX) return "has too many words";
  for (i = 2; i < cf->args->nelts; ++i) {
    const u_char* const equals = words[i].len == 0 ? NULL : FindEquals(&words[i]);
    if (equals == NULL) {
      convoy_slice* secret = &out->secrets[out->secrets_count++];
      if (ReadSecret(cf, &words[i], secret) != NGX_CONF_OK) return NGX_CONF_ERROR;
    } else {
      convoy_header* parameter = &out->parameters[out->parameters_count++];
      parameter->name.data = (const char*)words[i].data;
      parameter->name.size = equals - words[i].data;
      parameter->value.data = (const char*)equals + 1;
      parameter->value.size = words[i].data + words[i].len - equals - 1;
    }
  }
  return NGX_CONF_OK;
}

static void FreeVerifier(void* verifier) { convoy_verifier_free(verifier); }
static void FreeConfig(void* config) { convoy_config_free(config); }

/* convoy_verify PRESET SECRET_FILE [SECRET_FILE …] [NAME=VALUE …] | off; */
char* ngx_convoy_set_verify(ngx_conf_t* cf, ngx_command_t* command, void* location) {
  ngx_convoy_location_t* conf = location;
  ngx_str_t* words = cf->args->elts;
  Words given;
  convoy_verifier_settings settings;
  convoy_error* error = NULL;
  ngx_pool_cleanup_t* cleanup;
  char* failure;
  if (conf->verifier != NGX_CONF_UNSET_PTR) return "is duplicate";
  conf->verifier = NULL;
  if (cf->args->nelts == 2 && ngx_strcmp(words[1].data, "off") == 0) return NGX_CONF_OK;

  ngx_memzero(&given, sizeof given);
  failure = ReadWords(cf, &given);
  if (failure != NGX_CONF_OK) return failure;
  ngx_memzero(&settings, sizeof settings);
  settings.struct_size = sizeof settings;
  settings.preset = Slice(&words[1]);
  settings.secrets = given.secrets;
  settings.secrets_count = given.secrets_count;
  settings.parameters = given.parameters;
  settings.parameters_count = given.parameters_count;
  cleanup = ngx_pool_cleanup_add(cf->pool, 0);
  if (cleanup == NULL) return NGX_CONF_ERROR;
  if (convoy_verifier_new_with(&settings, &conf->verifier, &error) != CONVOY_OK) {
    return Fail(cf, error);
  }
  cleanup->handler = FreeVerifier;
  cleanup->data = conf->verifier;
  return NGX_CONF_OK;
}

/* convoy_public_url URL; */
char* ngx_convoy_set_public_url(ngx_conf_t* cf, ngx_command_t* command, void* location) {
  ngx_convoy_location_t* conf = location;
  ngx_str_t* words = cf->args->elts;
  ngx_str_t* url = &words[1];
  size_t scheme = 0;
  if (conf->public_url.data != NULL) return "is duplicate";
  if (ngx_strncmp(url->data, "https://", 8) == 0) scheme = 8;
  if (ngx_strncmp(url->data, "http://", 7) == 0) scheme = 7;
  if (scheme == 0 || url->len == scheme ||
      ngx_strlchr(url->data + scheme, url->data + url->len, '/') != NULL) {
    return FailText(cf, url, "is not a scheme and a host, such as https://hooks.example.com");
  }
  conf->public_url = *url;
  return NGX_CONF_OK;
}

/* The folder of a database must be there; the file is made by the first worker. */
static char* CheckFolder(ngx_conf_t* cf, ngx_str_t* database) {
  ngx_file_info_t info;
  ngx_str_t folder;
  u_char* end = database->data + database->len;
  if (ngx_file_info(database->data, &info) != NGX_FILE_ERROR && ngx_is_dir(&info)) {
    return FailText(cf, database, "is a folder");
  }
  while (end[-1] != '/') --end;
  folder.len = end - database->data;
  folder.data = ngx_pnalloc(cf->temp_pool, folder.len + 1);
  if (folder.data == NULL) return NGX_CONF_ERROR;
  *ngx_cpymem(folder.data, database->data, folder.len) = '\0';
  if (ngx_file_info(folder.data, &info) == NGX_FILE_ERROR) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "%V: folder \"%V\" cannot be opened",
                       cf->args->elts, &folder);
    return NGX_CONF_ERROR;
  }
  return NGX_CONF_OK;
}

static void WriteLog(void* user, uint32_t level, const char* event, const char* message) {
  static const ngx_uint_t levels[] = {NGX_LOG_DEBUG, NGX_LOG_INFO, NGX_LOG_WARN, NGX_LOG_ERR};
  /* The log of the cycle has no handler, so other threads may write to it. */
  ngx_log_error(levels[ngx_min(level, CONVOY_LOG_ERROR)], ngx_cycle->log, 0, "convoy: %s", message);
}

static char* SetText(ngx_conf_t* cf, convoy_config* config, const ngx_str_t* name,
                     const ngx_str_t* value) {
  convoy_error* error = NULL;
  const convoy_slice key = Slice(name), text = Slice(value);
  if (convoy_config_set(config, key.data, key.size, text.data, text.size, &error) != CONVOY_OK) {
    return Fail(cf, error);
  }
  return NGX_CONF_OK;
}

static char* NewConfig(ngx_conf_t* cf, ngx_convoy_gateway_t* gateway) {
  static const ngx_str_t completions = ngx_string("gateway.completions");
  static const ngx_str_t poll = ngx_string("poll");
  static const ngx_str_t path = ngx_string("storage.path");
  convoy_error* error = NULL;
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(cf->pool, 0);
  if (cleanup == NULL) return NGX_CONF_ERROR;
  if (convoy_config_new(&gateway->config, &error) != CONVOY_OK) return Fail(cf, error);
  cleanup->handler = FreeConfig;
  cleanup->data = gateway->config;
  if (convoy_config_set_log(gateway->config, CONVOY_LOG_INFO, WriteLog, NULL, NULL, &error) !=
      CONVOY_OK) {
    return Fail(cf, error);
  }
  if (SetText(cf, gateway->config, &completions, &poll) != NGX_CONF_OK) return NGX_CONF_ERROR;
  return SetText(cf, gateway->config, &path, &gateway->database);
}

/* The gateway of a database, which several locations may share; NULL is an error. */
static ngx_convoy_gateway_t* FindGateway(ngx_conf_t* cf, const ngx_str_t* database) {
  ngx_convoy_main_t* conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_convoy_module);
  ngx_convoy_gateway_t** known = conf->gateways.elts;
  ngx_convoy_gateway_t* gateway;
  ngx_uint_t i;
  for (i = 0; i < conf->gateways.nelts; ++i) {
    if (known[i]->database.len == database->len &&
        ngx_strcmp(known[i]->database.data, database->data) == 0) {
      return known[i];
    }
  }
  gateway = ngx_pcalloc(cf->pool, sizeof *gateway);
  known = ngx_array_push(&conf->gateways);
  if (gateway == NULL || known == NULL) return NULL;
  *known = gateway;
  gateway->database = *database;
  return NewConfig(cf, gateway) == NGX_CONF_OK ? gateway : NULL;
}

/* Settings that the module answers for itself, or that its event loop has no use for: deliveries
 * and outcomes that no one takes would keep the descriptor readable. */
static int IsOwnSetting(const ngx_str_t* name) {
  static const char* const own[] = {"storage.path", "gateway.completions", "gateway.outcomes_max",
                                    "local.names"};
  size_t i;
  for (i = 0; i < sizeof own / sizeof own[0]; ++i) {
    if (name->len == ngx_strlen(own[i]) && ngx_strncmp(name->data, own[i], name->len) == 0) {
      return 1;
    }
  }
  return 0;
}

static char* SetWord(ngx_conf_t* cf, ngx_convoy_gateway_t* gateway, const ngx_str_t* word) {
  ngx_str_t name, value;
  u_char* const equals = ngx_strlchr(word->data, word->data + word->len, '=');
  if (equals == NULL) return FailText(cf, word, "is not NAME=VALUE");
  name.data = word->data;
  name.len = equals - word->data;
  value.data = equals + 1;
  value.len = word->len - name.len - 1;
  if (IsOwnSetting(&name)) return FailText(cf, &name, "is not to be set in nginx");
  return SetText(cf, gateway->config, &name, &value);
}

/* convoy_mount DATABASE [NAME=VALUE …]; */
char* ngx_convoy_set_mount(ngx_conf_t* cf, ngx_command_t* command, void* location) {
  ngx_convoy_location_t* conf = location;
  ngx_http_core_loc_conf_t* core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
  ngx_str_t* words = cf->args->elts;
  ngx_uint_t i;
  if (conf->gateway != NULL) return "is duplicate";
  if (words[1].len == 0) return FailText(cf, &words[1], "is not a file");
  if (ngx_conf_full_name(cf->cycle, &words[1], 0) != NGX_OK) return NGX_CONF_ERROR;
  if (CheckFolder(cf, &words[1]) != NGX_CONF_OK) return NGX_CONF_ERROR;
  conf->gateway = FindGateway(cf, &words[1]);
  if (conf->gateway == NULL) return NGX_CONF_ERROR;
  if (cf->args->nelts > 2 && conf->gateway->has_settings) {
    return FailText(cf, &words[1], "has settings already, from another convoy_mount");
  }
  for (i = 2; i < cf->args->nelts; ++i) {
    if (SetWord(cf, conf->gateway, &words[i]) != NGX_CONF_OK) return NGX_CONF_ERROR;
    conf->gateway->has_settings = 1;
  }
  core->handler = ngx_convoy_mount;
  return NGX_CONF_OK;
}
