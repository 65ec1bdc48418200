/* Steps of a scenario as JSON: what they say, what was saved for them, and lists of texts. */
#ifndef CONVOY_TESTS_BINDINGS_SCENARIO_H_
#define CONVOY_TESTS_BINDINGS_SCENARIO_H_

#include <cjson/cJSON.h>

#include "../../abi/client.h"

#define SAVED_MAX 8
#define LINES_MAX 64

typedef struct Saved {
  char name[16];
  char value[256];
} Saved;

static Saved saved[SAVED_MAX];
static size_t saved_count;

static inline cJSON* At(const cJSON* object, const char* name) {
  return cJSON_GetObjectItemCaseSensitive(object, name);
}

static inline const char* Text(const cJSON* object, const char* name) {
  const char* text = cJSON_GetStringValue(At(object, name));
  return text != NULL ? text : "";
}

static inline int Number(const cJSON* object, const char* name) {
  const cJSON* number = At(object, name);
  return number != NULL ? number->valueint : 0;
}

static inline void Save(const char* name, const char* value) {
  size_t index = 0;
  while (index < saved_count && strcmp(saved[index].name, name) != 0) ++index;
  CHECK(index < SAVED_MAX && strlen(name) < sizeof saved->name &&
        strlen(value) < sizeof saved->value);
  strcpy(saved[index].name, name);
  strcpy(saved[index].value, value);
  if (index == saved_count) ++saved_count;
}

/* The text with each {name} replaced by what was saved under that name. */
static inline void Fill(const char* text, char* out, size_t out_size) {
  size_t used = 0;
  while (*text != '\0') {
    size_t index = 0, size = 0;
    for (; index < saved_count; ++index) {
      size = strlen(saved[index].name);
      if (text[0] == '{' && strncmp(text + 1, saved[index].name, size) == 0 &&
          text[size + 1] == '}') {
        break;
      }
    }
    CHECK(used + sizeof saved->value < out_size);
    if (index < saved_count) {
      used += (size_t)sprintf(out + used, "%s", saved[index].value);
      text += size + 2;
    } else {
      out[used++] = *text++;
    }
  }
  out[used] = '\0';
}

static inline cJSON* FillStep(const cJSON* step) {
  char* text = cJSON_PrintUnformatted(step);
  char filled[8192];
  cJSON* made;
  CHECK(text != NULL);
  Fill(text, filled, sizeof filled);
  free(text);
  made = cJSON_Parse(filled);
  CHECK(made != NULL);
  return made;
}

static inline void Fail(const cJSON* step, const char* what) {
  char* text = cJSON_PrintUnformatted(step);
  fprintf(stderr, "%s: %s\n", text, what);
  exit(1);
}

static inline int IsText(convoy_slice slice, const char* text) {
  return slice.size == strlen(text) && memcmp(slice.data, text, slice.size) == 0;
}

static inline const cJSON* Follow(const cJSON* value, const char* path) {
  char part[64];
  while (value != NULL && *path != '\0') {
    const size_t size = strcspn(path, ".");
    CHECK(size < sizeof part);
    memcpy(part, path, size);
    part[size] = '\0';
    value = At(value, part);
    path += size + (path[size] == '.');
  }
  return value;
}

typedef struct Lines {
  char* texts[LINES_MAX];
  size_t count;
} Lines;

static inline void Add(Lines* lines, const char* text, size_t size) {
  CHECK(lines->count < LINES_MAX);
  lines->texts[lines->count] = calloc(1, size + 1);
  memcpy(lines->texts[lines->count++], text, size);
}

static inline int CompareTexts(const void* left, const void* right) {
  return strcmp(*(char* const*)left, *(char* const*)right);
}

static inline void ExpectSame(const cJSON* step, Lines* seen, Lines* expected) {
  qsort(seen->texts, seen->count, sizeof(char*), CompareTexts);
  qsort(expected->texts, expected->count, sizeof(char*), CompareTexts);
  if (seen->count != expected->count) Fail(step, "another count");
  for (size_t i = 0; i < seen->count; ++i) {
    if (strcmp(seen->texts[i], expected->texts[i]) != 0) Fail(step, seen->texts[i]);
    free(seen->texts[i]);
    free(expected->texts[i]);
  }
}

#endif
