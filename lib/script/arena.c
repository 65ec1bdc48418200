// Allocation by size classes over a pointer that only grows; see arena.h. Blocks of a class that
// have been released are given out again; they are not joined, since no call lives long.
#include "lib/script/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/script/meter.h"

#define ALIGNMENT 16u
#define SMALL_MAX 1024u                        // up to here a class for each multiple of 16
#define SMALL_CLASSES (SMALL_MAX / ALIGNMENT)  // beyond, four classes for each power of two
#define CLASSES (SMALL_CLASSES + 4 * 32)
// So much of the memory that it has touched a restored arena keeps.
#define KEPT_BYTES (4u << 20)

// In front of every block.
struct header {
  uint64_t size;   // of the block behind it
  uint64_t class;  // where it goes when it is released
};

struct free_block {
  struct free_block* next;
};

struct state {
  size_t used;
  struct free_block* released[CLASSES];
};

struct convoy_script_arena {
  char* base;
  size_t bytes_max;
  size_t touched;  // the most that was ever used since memory was last given back
  struct state state;
  struct state kept_state;
  char* kept;
};

// Of `size`, which is not 0: its class, and the size that all blocks of the class have.
static unsigned class_of(size_t size, size_t* out_size) {
  if (size <= SMALL_MAX) {
    const unsigned units = (unsigned)((size + ALIGNMENT - 1) / ALIGNMENT);
    *out_size = (size_t)units * ALIGNMENT;
    return units - 1;
  }
  const unsigned power = 63u - (unsigned)__builtin_clzll(size - 1);  // 2^power < size
  const size_t quarter = (size_t)1 << (power - 2);
  const size_t quarters = (size - 1) / quarter + 1;  // 5 to 8
  *out_size = quarters * quarter;
  return SMALL_CLASSES + 4 * (power - 10) + (unsigned)(quarters - 5);
}

static struct header* header_of(const void* block) { return (struct header*)block - 1; }

struct convoy_script_arena* convoy_script_arena_new(size_t bytes_max) {
  struct convoy_script_arena* const arena = calloc(1, sizeof(*arena));
  if (arena == NULL) return NULL;
  arena->bytes_max = bytes_max;
  void* const base = mmap(NULL, bytes_max, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    free(arena);
    return NULL;
  }
  arena->base = base;
  return arena;
}

void convoy_script_arena_free(struct convoy_script_arena* arena) {
  if (arena == NULL) return;
  munmap(arena->base, arena->bytes_max);
  free(arena->kept);
  free(arena);
}

void* convoy_script_arena_malloc(void* opaque, size_t size) {
  struct convoy_script_arena* const arena = opaque;
  struct state* const state = &arena->state;
  if (size > arena->bytes_max) convoy_script_stop(CONVOY_SCRIPT_TOO_MUCH_MEMORY);
  size_t block_size;
  const unsigned class = class_of(size == 0 ? 1 : size, &block_size);
  struct free_block* const released = state->released[class];
  if (released != NULL) {
    state->released[class] = released->next;
    return released;
  }
  if (block_size + sizeof(struct header) > arena->bytes_max - state->used) {
    convoy_script_stop(CONVOY_SCRIPT_TOO_MUCH_MEMORY);
  }
  struct header* const header = (struct header*)(arena->base + state->used);
  state->used += sizeof(struct header) + block_size;
  if (state->used > arena->touched) arena->touched = state->used;
  convoy_script_metered(4 * block_size);  // the system has to find and clear pages
  header->size = block_size;
  header->class = class;
  return header + 1;
}

void* convoy_script_arena_calloc(void* opaque, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    convoy_script_stop(CONVOY_SCRIPT_TOO_MUCH_MEMORY);
  }
  void* const block = convoy_script_arena_malloc(opaque, bytes);
  return memset(block, 0, convoy_script_metered(bytes));
}

void convoy_script_arena_release(void* opaque, void* block) {
  if (block == NULL) return;
  struct convoy_script_arena* const arena = opaque;
  struct free_block* const released = block;
  const uint64_t class = header_of(block)->class;
  released->next = arena->state.released[class];
  arena->state.released[class] = released;
}

// The last block may become larger where it stands, as texts do that are written piece by piece.
static int grow_in_place(struct convoy_script_arena* arena, struct header* header, size_t size) {
  const char* const end = (const char*)(header + 1) + header->size;
  if (size <= header->size || size > arena->bytes_max) return 0;
  if (end != arena->base + arena->state.used) return 0;
  size_t block_size;
  const unsigned class = class_of(size, &block_size);
  const size_t more = block_size - header->size;
  if (more > arena->bytes_max - arena->state.used) return 0;
  arena->state.used += more;
  if (arena->state.used > arena->touched) arena->touched = arena->state.used;
  convoy_script_metered(4 * more);
  header->size = block_size;
  header->class = class;
  return 1;
}

void* convoy_script_arena_realloc(void* opaque, void* block, size_t size) {
  if (block == NULL) return convoy_script_arena_malloc(opaque, size);
  if (size == 0) {
    convoy_script_arena_release(opaque, block);
    return NULL;
  }
  const size_t before = header_of(block)->size;
  // A block that shrinks to less than half is worth moving.
  if (size <= before && size >= before / 2) return block;
  if (grow_in_place(opaque, header_of(block), size)) return block;
  void* const moved = convoy_script_arena_malloc(opaque, size);
  memcpy(moved, block, convoy_script_metered(size < before ? size : before));
  convoy_script_arena_release(opaque, block);
  return moved;
}

size_t convoy_script_arena_usable_size(const void* block) {
  return block == NULL ? 0 : header_of(block)->size;
}

int convoy_script_arena_keep(struct convoy_script_arena* arena) {
  char* const kept = malloc(arena->state.used);
  if (kept == NULL) return 0;
  memcpy(kept, arena->base, arena->state.used);
  free(arena->kept);
  arena->kept = kept;
  arena->kept_state = arena->state;
  return 1;
}

void convoy_script_arena_restore(struct convoy_script_arena* arena) {
  if (arena->touched > KEPT_BYTES) {
    madvise(arena->base + KEPT_BYTES, arena->bytes_max - KEPT_BYTES, MADV_DONTNEED);
    arena->touched = KEPT_BYTES;
  }
  memcpy(arena->base, arena->kept, arena->kept_state.used);
  arena->state = arena->kept_state;
}
