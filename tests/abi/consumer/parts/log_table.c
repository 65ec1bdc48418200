/* The log: batches one after the other, each a head and its changes. A head has the size and a sum
 * of what follows, so that a batch which was cut off by the death of the process is found, and left
 * out, when the file is opened. The rows are an array in the order of their keys. */
#include "log_table.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_SIZE 16

typedef struct {
  char* key;
  char* value;
  uint32_t key_size;
  uint32_t value_size;
} row;

typedef struct {
  convoy_storage table;
  enum table_flaw flaw;
  int file;
  pthread_mutex_t mutex; /* of what follows */
  row* rows;
  size_t rows_count;
  size_t rows_room;
  char* pending; /* batches that are not in the file yet; only with a flaw */
  size_t pending_size;
  off_t log_size; /* up to the last whole batch */
  int batches_count;
  convoy_status write_answer;
  convoy_status sync_answer;
} log_table;

static int open_count = 0;

int log_tables_count(void) { return open_count; }

static convoy_status fail(convoy_failure* failure, convoy_status code, const char* text) {
  snprintf(failure->text, failure->text_size, "%s", text);
  return code;
}

static convoy_status fail_by_errno(convoy_failure* failure) {
  const int code = errno;
  const char* const text = strerror(code);
  if (code == ENOSPC || code == EDQUOT || code == ENOMEM || code == EFBIG) {
    return fail(failure, CONVOY_E_NO_MEMORY, text);
  }
  if (code == EROFS || code == EACCES || code == EPERM) return fail(failure, CONVOY_E_DENIED, text);
  return fail(failure, CONVOY_E_INTERNAL, text);
}

/* ---- Rows ---- */

static int compare(const log_table* self, const char* a, size_t a_size, const char* b,
                   size_t b_size) {
  const size_t common = a_size < b_size ? a_size : b_size;
  size_t i;
  int order = 0;
  if (self->flaw == TABLE_MISORDERS) {
    for (i = 0; i < common && order == 0; ++i) order = (signed char)a[i] - (signed char)b[i];
  } else if (self->flaw == TABLE_ENDS_KEYS_AT_ZERO) {
    order = strncmp(a, b, common);
    if (order == 0 && memchr(a, 0, common) != NULL) return 0;
  } else {
    order = memcmp(a, b, common);
  }
  return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* The position of the first row whose key is not below the given one. */
static size_t find(const log_table* self, const char* key, size_t key_size) {
  size_t begin = 0, end = self->rows_count;
  while (begin < end) {
    const size_t middle = begin + (end - begin) / 2;
    const row* at = &self->rows[middle];
    if (compare(self, at->key, at->key_size, key, key_size) < 0) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

static char* copy_bytes(const char* bytes, size_t size) {
  char* copy = malloc(size + 1);
  if (size > 0) memcpy(copy, bytes, size);
  copy[size] = '\0';
  return copy;
}

static void apply(log_table* self, int is_removal, const char* key, size_t key_size,
                  const char* value, size_t value_size) {
  const size_t at = find(self, key, key_size);
  row* place = &self->rows[at];
  const int is_there =
      at < self->rows_count && compare(self, place->key, place->key_size, key, key_size) == 0;
  if (is_removal && !is_there) return;
  if (is_removal) {
    free(place->key);
    free(place->value);
    memmove(place, place + 1, (self->rows_count - at - 1) * sizeof *place);
    --self->rows_count;
    return;
  }
  if (is_there) {
    free(place->value);
  } else {
    if (self->rows_count == self->rows_room) {
      self->rows_room = self->rows_room * 2 + 64;
      self->rows = realloc(self->rows, self->rows_room * sizeof *self->rows);
      place = &self->rows[at];
    }
    memmove(place + 1, place, (self->rows_count - at) * sizeof *place);
    ++self->rows_count;
    place->key = copy_bytes(key, key_size);
    place->key_size = (uint32_t)key_size;
  }
  place->value = copy_bytes(value, value_size);
  place->value_size = (uint32_t)value_size;
}

/* ---- Log ---- */

static uint64_t sum_of(const char* bytes, size_t size) {
  uint64_t sum = 14695981039346656037u;
  size_t i;
  for (i = 0; i < size; ++i) sum = (sum ^ (unsigned char)bytes[i]) * 1099511628211u;
  return sum;
}

/* A batch in the form of the log; free it. */
static char* encode(const convoy_change* changes, size_t changes_count, size_t* out_size) {
  size_t i, size = HEAD_SIZE;
  uint64_t sum, body_size;
  char *batch, *at;
  for (i = 0; i < changes_count; ++i) size += 12 + changes[i].key.size + changes[i].value.size;
  batch = malloc(size);
  at = batch + HEAD_SIZE;
  for (i = 0; i < changes_count; ++i) {
    const uint32_t numbers[3] = {(uint32_t)changes[i].is_removal, (uint32_t)changes[i].key.size,
                                 (uint32_t)changes[i].value.size};
    memcpy(at, numbers, sizeof numbers);
    at += sizeof numbers;
    memcpy(at, changes[i].key.data, changes[i].key.size);
    at += changes[i].key.size;
    if (changes[i].value.size > 0) memcpy(at, changes[i].value.data, changes[i].value.size);
    at += changes[i].value.size;
  }
  body_size = size - HEAD_SIZE;
  sum = sum_of(batch + HEAD_SIZE, body_size);
  memcpy(batch, &body_size, 8);
  memcpy(batch + 8, &sum, 8);
  *out_size = size;
  return batch;
}

/* Applies the changes of a batch's body. */
static void replay(log_table* self, const char* at, const char* end) {
  while (at < end) {
    uint32_t numbers[3];
    memcpy(numbers, at, sizeof numbers);
    at += sizeof numbers;
    apply(self, (int)numbers[0], at, numbers[1], at + numbers[1], numbers[2]);
    at += numbers[1] + numbers[2];
  }
}

/* Writes all bytes at the end of the log, or takes back those that it could write. */
static int append(log_table* self, const char* bytes, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t count =
        pwrite(self->file, bytes + done, size - done, self->log_size + (off_t)done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int code = errno;
      if (ftruncate(self->file, self->log_size) != 0) return -1;
      errno = code;
      return -1;
    }
    done += (size_t)count;
  }
  self->log_size += (off_t)size;
  return 0;
}

static convoy_status load(log_table* self, convoy_failure* failure) {
  struct stat found;
  char* bytes;
  size_t size, at = 0;
  if (fstat(self->file, &found) != 0) return fail_by_errno(failure);
  size = (size_t)found.st_size;
  bytes = malloc(size + 1);
  if (pread(self->file, bytes, size, 0) != (ssize_t)size) {
    free(bytes);
    return fail_by_errno(failure);
  }
  while (size - at >= HEAD_SIZE) {
    uint64_t body_size, sum;
    const char* body = bytes + at + HEAD_SIZE;
    memcpy(&body_size, bytes + at, 8);
    memcpy(&sum, bytes + at + 8, 8);
    if (body_size > size - at - HEAD_SIZE) break; /* cut off */
    if (sum_of(body, body_size) != sum) {
      const int is_last = at + HEAD_SIZE + body_size == size;
      if (is_last) break;
      free(bytes);
      return fail(failure, CONVOY_E_CORRUPT, "a batch in the middle of the log is damaged");
    }
    replay(self, body, body + body_size);
    at += HEAD_SIZE + body_size;
  }
  free(bytes);
  self->log_size = (off_t)at;
  if (at < size && ftruncate(self->file, self->log_size) != 0) return fail_by_errno(failure);
  return CONVOY_OK;
}

/* ---- The table of functions ---- */

static convoy_status table_scan(void* self_, const convoy_slice* from, const convoy_slice* until,
                                uint64_t rows_max, convoy_row_fn emit, void* sink,
                                convoy_failure* failure) {
  static char shared[64]; /* of a flaw */
  log_table* self = self_;
  uint64_t count = 0;
  size_t at;
  (void)failure;
  if (self->flaw == TABLE_IGNORES_COUNT && rows_max < UINT64_MAX) ++rows_max;
  pthread_mutex_lock(&self->mutex);
  for (at = find(self, from->data, from->size); at < self->rows_count && count < rows_max;
       ++at, ++count) {
    const row* each = &self->rows[at];
    convoy_slice key, value;
    if (until->size > 0 && self->flaw != TABLE_IGNORES_UNTIL &&
        compare(self, each->key, each->key_size, until->data, until->size) >= 0) {
      break;
    }
    key.data = each->key;
    key.size = each->key_size;
    value.data = each->value;
    value.size = each->value_size;
    if (self->flaw == TABLE_REUSES_MEMORY && value.size < sizeof shared) {
      memcpy(shared, value.data, value.size);
      value.data = shared;
    }
    if (self->flaw == TABLE_REUSES_MEMORY || self->flaw == TABLE_CHANGES_UNDER_SCAN) {
      pthread_mutex_unlock(&self->mutex);
      emit(sink, &key, &value);
      pthread_mutex_lock(&self->mutex);
    } else {
      emit(sink, &key, &value);
    }
  }
  pthread_mutex_unlock(&self->mutex);
  return CONVOY_OK;
}

/* Writes each change as a batch of its own. */
static int append_torn(log_table* self, const convoy_change* changes, size_t changes_count) {
  size_t i, size;
  for (i = 0; i < changes_count; ++i) {
    char* const batch = encode(&changes[i], 1, &size);
    const int is_written = append(self, batch, size) == 0;
    free(batch);
    if (!is_written) return -1;
    usleep(20);
  }
  return 0;
}

static int keep_pending(log_table* self, const char* batch, size_t size) {
  self->pending = realloc(self->pending, self->pending_size + size);
  memcpy(self->pending + self->pending_size, batch, size);
  self->pending_size += size;
  return 0;
}

static int write_log(log_table* self, const convoy_change* changes, size_t changes_count) {
  size_t size;
  char* batch;
  int result;
  if (self->flaw == TABLE_TEARS_BATCHES) return append_torn(self, changes, changes_count);
  batch = encode(changes, changes_count, &size);
  if (self->flaw == TABLE_LIES_ABOUT_SYNC || self->flaw == TABLE_FORGETS_AT_CLOSE) {
    result = keep_pending(self, batch, size);
  } else {
    result = append(self, batch, size);
  }
  free(batch);
  return result;
}

static convoy_status table_write(void* self_, const convoy_change* changes, size_t changes_count,
                                 convoy_failure* failure) {
  log_table* self = self_;
  convoy_status status = CONVOY_OK;
  size_t i;
  pthread_mutex_lock(&self->mutex);
  ++self->batches_count;
  if (self->write_answer != CONVOY_OK) {
    status = fail(failure, self->write_answer, "writes fail on request");
  } else if (self->flaw == TABLE_LOSES_BATCHES && self->batches_count % 8 == 0) {
    status = CONVOY_OK;
  } else if (write_log(self, changes, changes_count) != 0) {
    status = fail_by_errno(failure);
  } else {
    for (i = 0; i < changes_count; ++i) {
      apply(self, changes[i].is_removal, changes[i].key.data, changes[i].key.size,
            changes[i].value.data, changes[i].value.size);
    }
  }
  pthread_mutex_unlock(&self->mutex);
  return status;
}

static convoy_status table_sync(void* self_, convoy_failure* failure) {
  log_table* self = self_;
  if (self->sync_answer != CONVOY_OK) {
    return fail(failure, self->sync_answer, "syncs fail on request");
  }
  if (self->flaw == TABLE_LIES_ABOUT_SYNC) return CONVOY_OK;
  if (self->flaw == TABLE_FORGETS_AT_CLOSE) {
    int is_written;
    pthread_mutex_lock(&self->mutex);
    is_written = append(self, self->pending, self->pending_size) == 0;
    self->pending_size = 0;
    pthread_mutex_unlock(&self->mutex);
    if (!is_written) return fail_by_errno(failure);
  }
  return fdatasync(self->file) == 0 ? CONVOY_OK : fail_by_errno(failure);
}

static void table_destroy(void* self_) {
  log_table* self = self_;
  size_t i;
  if (self->flaw == TABLE_LIES_ABOUT_SYNC) append(self, self->pending, self->pending_size);
  for (i = 0; i < self->rows_count; ++i) {
    free(self->rows[i].key);
    free(self->rows[i].value);
  }
  free(self->rows);
  free(self->pending);
  close(self->file);
  pthread_mutex_destroy(&self->mutex);
  free(self);
  --open_count;
}

void log_table_fail(const convoy_storage* table, convoy_status writes, convoy_status syncs) {
  log_table* self = table->self;
  pthread_mutex_lock(&self->mutex);
  self->write_answer = writes;
  self->sync_answer = syncs;
  pthread_mutex_unlock(&self->mutex);
}

convoy_status log_table_open(const char* path, enum table_flaw flaw, convoy_storage* out,
                             convoy_failure* failure) {
  log_table* self = calloc(1, sizeof *self);
  convoy_status status = CONVOY_OK;
  self->flaw = flaw;
  pthread_mutex_init(&self->mutex, NULL);
  ++open_count;
  self->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (self->file < 0) {
    status = fail_by_errno(failure);
  } else if (flock(self->file, LOCK_EX | LOCK_NB) != 0) {
    status = fail(failure, CONVOY_E_BUSY, "the file is open already");
  } else {
    status = load(self, failure);
  }
  if (status != CONVOY_OK) {
    table_destroy(self);
    return status;
  }
  memset(out, 0, sizeof *out);
  out->struct_size = sizeof *out;
  out->self = self;
  out->destroy = table_destroy;
  out->name = "log";
  out->scan = table_scan;
  out->write = table_write;
  out->sync = table_sync;
  return CONVOY_OK;
}
