/* Functions and variables that the compiler's libraries and this library call, and that glibc 2.28
 * or musl does not have, for the self-contained libconvoy: it then runs there, too. Hidden. */
#undef _FORTIFY_SOURCE /* its functions are defined here, in terms of those that it replaces */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* ---- Not in musl ---- */

/* Of _FORTIFY_SOURCE: they end the process rather than write beyond a buffer of `room` bytes. */
static void RequireRoom(size_t size, size_t room) {
  if (size > room) abort();
}

void* __memcpy_chk(void* to, const void* from, size_t size, size_t room) {
  RequireRoom(size, room);
  return memcpy(to, from, size);
}

void* __memset_chk(void* to, int byte, size_t size, size_t room) {
  RequireRoom(size, room);
  return memset(to, byte, size);
}

void __explicit_bzero_chk(void* to, size_t size, size_t room) {
  RequireRoom(size, room);
  explicit_bzero(to, size);
}

long __fdelt_chk(long descriptor) {
  if (descriptor < 0 || descriptor >= FD_SETSIZE) abort();
  return descriptor / NFDBITS;
}

int __vsnprintf_chk(char* to, size_t size, int flag, size_t room, const char* form,
                    va_list values) {
  (void)flag;
  RequireRoom(size, room);
  return vsnprintf(to, size, form, values);
}

int __snprintf_chk(char* to, size_t size, int flag, size_t room, const char* form, ...) {
  va_list values;
  va_start(values, form);
  const int written = __vsnprintf_chk(to, size, flag, room, form, values);
  va_end(values);
  return written;
}

int __fprintf_chk(FILE* file, int flag, const char* form, ...) {
  va_list values;
  (void)flag;
  va_start(values, form);
  const int written = vfprintf(file, form, values);
  va_end(values);
  return written;
}

size_t __strftime_l(char* to, size_t size, const char* form, const struct tm* at, locale_t locale) {
  return strftime_l(to, size, form, at, locale);
}

/* On machines of 64 bits the same. */
int fcntl64(int descriptor, int command, ...) {
  va_list values;
  va_start(values, command);
  void* const value = va_arg(values, void*);
  va_end(values);
  return fcntl(descriptor, command, value);
}

/* ---- Not in glibc 2.28 ---- */

/* 2.32. libstdc++ counts references without atomics while it is set; it never is here. */
char __libc_single_threaded = 0;

/* 2.30 */
pid_t gettid(void) { return (pid_t)syscall(SYS_gettid); }

/* 2.36. Behind std::random_device, which has no way to fail but to end the process. */
uint32_t arc4random(void) {
  uint32_t number = 0;
  while (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) continue;
  return number;
}

/* 2.33: before it these were inline, over functions that have the version of the struct. */
#ifdef __x86_64__
#define STAT_VERSION 1
#else
#define STAT_VERSION 0
#endif
int __xstat(int version, const char* path, struct stat* out);
int __lxstat(int version, const char* path, struct stat* out);
int __fxstat(int version, int fd, struct stat* out);
int __fxstatat(int version, int fd, const char* path, struct stat* out, int flags);

int stat(const char* path, struct stat* out) { return __xstat(STAT_VERSION, path, out); }
int lstat(const char* path, struct stat* out) { return __lxstat(STAT_VERSION, path, out); }
int fstat(int fd, struct stat* out) { return __fxstat(STAT_VERSION, fd, out); }
int fstatat(int fd, const char* path, struct stat* out, int flags) {
  return __fxstatat(STAT_VERSION, fd, path, out, flags);
}
/* On machines of 64 bits the two structs are one. */
int stat64(const char* path, struct stat64* out) { return stat(path, (struct stat*)out); }
int lstat64(const char* path, struct stat64* out) { return lstat(path, (struct stat*)out); }
int fstat64(int fd, struct stat64* out) { return fstat(fd, (struct stat*)out); }
int fstatat64(int fd, const char* path, struct stat64* out, int flags) {
  return fstatat(fd, path, (struct stat*)out, flags);
}

#ifdef DLFO_STRUCT_HAS_EH_DBASE
/* 2.35. The compiler's unwinder asks for the table of the object that has an address, and reads
 * nothing else of the answer. A compiler for an older glibc does not ask. */
struct search {
  uintptr_t address;
  struct dl_find_object* out;
};

static int Look(struct dl_phdr_info* info, size_t size, void* given) {
  struct search* search = given;
  void* table = NULL;
  int is_here = 0;
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)* segment = &info->dlpi_phdr[i];
    const uintptr_t begin = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_GNU_EH_FRAME) table = (void*)begin;
    if (segment->p_type != PT_LOAD || search->address - begin >= segment->p_memsz) continue;
    is_here = 1;
    search->out->dlfo_map_start = (void*)begin;
    search->out->dlfo_map_end = (void*)(begin + segment->p_memsz);
  }
  if (!is_here || table == NULL) return 0;
  search->out->dlfo_eh_frame = table;
  return 1;
}

int _dl_find_object(void* address, struct dl_find_object* out) {
  struct search search = {(uintptr_t)address, out};
  memset(out, 0, sizeof *out);
  return dl_iterate_phdr(Look, &search) == 1 ? 0 : -1;
}
#endif
