/* A disk that fails, as a library that is loaded before all others.

   What is to fail, and where, is told by the environment:
     FAULT_CALLS   names of calls, between commas: read, write, fsync, rename, open
     FAULT_PATH    a part of the path that they are about
     FAULT_AT      the first that fails, counted from 1; 0: none, they are only counted
     FAULT_TIMES   how many fail in succession; all others succeed
     FAULT_HOW     "error": the call fails with EIO; "truncate": the file loses its second half
                   just before it is read
     FAULT_COUNT   a file into which the number of calls is written at the end
     FAULT_CLOCK   calls:seconds: after so many looks at the clock it is set back by so much
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static long seen, looks;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int strikes(const char *call, const char *path) {
    const char *calls = getenv("FAULT_CALLS"), *part = getenv("FAULT_PATH");
    char between[64], wanted[256];
    if (calls == NULL || part == NULL || strstr(path, part) == NULL) return 0;
    snprintf(between, sizeof between, ",%s,", call);
    snprintf(wanted, sizeof wanted, ",%s,", calls);
    if (strstr(wanted, between) == NULL) return 0;
    long at = atol(getenv("FAULT_AT")), times = atol(getenv("FAULT_TIMES"));
    long now = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    if (at == 0 || now < at || now >= at + times) return 0;
    if (strcmp(getenv("FAULT_HOW"), "truncate") == 0) {
        struct stat status;
        if (stat(path, &status) == 0 && truncate(path, status.st_size / 2) != 0) abort();
        return 0;
    }
    errno = EIO;
    return 1;
}

static int strikes_file(const char *call, int file) {
    char link[64], path[4096];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    errno = before;
    if (size <= 0) return 0;
    path[size] = 0;
    return strikes(call, path);
}

ssize_t read(int file, void *data, size_t size) {
    return strikes_file("read", file) ? -1 : REAL(read)(file, data, size);
}
ssize_t pread(int file, void *data, size_t size, off_t at) {
    return strikes_file("read", file) ? -1 : REAL(pread)(file, data, size, at);
}
ssize_t pread64(int file, void *data, size_t size, off64_t at) {
    return strikes_file("read", file) ? -1 : REAL(pread64)(file, data, size, at);
}
size_t fread(void *data, size_t size, size_t count, FILE *file) {
    return strikes_file("read", fileno(file)) ? 0 : REAL(fread)(data, size, count, file);
}
ssize_t write(int file, const void *data, size_t size) {
    return strikes_file("write", file) ? -1 : REAL(write)(file, data, size);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    return strikes_file("write", file) ? -1 : REAL(pwrite)(file, data, size, at);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    return strikes_file("write", file) ? -1 : REAL(pwrite64)(file, data, size, at);
}
size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    return strikes_file("write", fileno(file)) ? 0 : REAL(fwrite)(data, size, count, file);
}
int fsync(int file) { return strikes_file("fsync", file) ? -1 : REAL(fsync)(file); }
int rename(const char *from, const char *to) {
    return strikes("rename", to) ? -1 : REAL(rename)(from, to);
}
int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return strikes("open", path) ? -1 : REAL(open)(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return strikes("open", path) ? -1 : REAL(open64)(path, flags, mode);
}
FILE *fopen64(const char *path, const char *mode) {
    return strikes("open", path) ? NULL : REAL(fopen64)(path, mode);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = REAL(clock_gettime)(clock, time);
    const char *change = getenv("FAULT_CLOCK"), *colon = change ? strchr(change, ':') : NULL;
    if (clock == CLOCK_REALTIME && colon != NULL) {
        if (__atomic_add_fetch(&looks, 1, __ATOMIC_SEQ_CST) > atol(change))
            time->tv_sec -= atol(colon + 1);
    }
    return result;
}

__attribute__((destructor)) static void tell(void) {
    const char *name = getenv("FAULT_COUNT");
    FILE *file = name ? REAL(fopen64)(name, "w") : NULL;
    if (file != NULL) {
        fprintf(file, "%ld", seen);
        fclose(file);
    }
}
