// Heap of a script engine: one mapping of fixed size. All of it can be set back to what it was at
// an earlier moment, whatever has happened in it since, because nothing points into it from
// outside.
//
// Memory that runs out ends the call (meter.h): no code of the engine has to cope with it.
//
// Of one thread at a time.
#pragma once

#include <stddef.h>

struct convoy_script_arena;

// NULL if the address space cannot be had. Memory is taken when it is touched.
struct convoy_script_arena* convoy_script_arena_new(size_t bytes_max);
void convoy_script_arena_free(struct convoy_script_arena* arena);

// As of the C library, for JSMallocFunctions. `opaque` is the arena.
void* convoy_script_arena_calloc(void* opaque, size_t count, size_t size);
void* convoy_script_arena_malloc(void* opaque, size_t size);
void convoy_script_arena_release(void* opaque, void* block);
void* convoy_script_arena_realloc(void* opaque, void* block, size_t size);
size_t convoy_script_arena_usable_size(const void* block);

// Remembers what is in the arena now. 0 if there is no memory for that.
int convoy_script_arena_keep(struct convoy_script_arena* arena);
// Makes it as it was then.
void convoy_script_arena_restore(struct convoy_script_arena* arena);
