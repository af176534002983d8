/* Records the network calls of a process and the files that it creates or changes.

   Loaded before all other libraries (LD_PRELOAD), so it records native libraries as well as Python.
   Writes one line per call to the file in the variable SILENCE_LOG. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRITES (O_WRONLY | O_RDWR | O_CREAT)

static void note(const char *what, const char *about) {
    const char *log = getenv("SILENCE_LOG");
    char line[4352];
    if (!log) return;
    int length = snprintf(line, sizeof line, "%s %s\n", what, about);
    if (length >= (int)sizeof line) length = sizeof line - 1;
    int file = NEXT(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0 || write(file, line, length) != length) abort();
    close(file);
}

static void note_path(int folder, const char *path) {
    char whole[4200], link[64];
    if (path[0] == '/') {
        note("write", path);
        return;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(folder == AT_FDCWD ? "/proc/self/cwd" : link, whole, 2048);
    if (length < 0) length = 0;
    snprintf(whole + length, sizeof whole - length, "/%.2048s", path);
    note("write", whole);
}

static int is_internet(int family) { return family == AF_INET || family == AF_INET6; }

int socket(int family, int type, int protocol) {
    if (is_internet(family)) note("socket", family == AF_INET ? "AF_INET" : "AF_INET6");
    return NEXT(socket)(family, type, protocol);
}

int connect(int file, const struct sockaddr *to, socklen_t size) {
    if (to && is_internet(to->sa_family)) note("connect", "");
    return NEXT(connect)(file, to, size);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    note("getaddrinfo", node ? node : "");
    return NEXT(getaddrinfo)(node, service, hints, found);
}

struct hostent *gethostbyname(const char *name) {
    note("gethostbyname", name);
    return NEXT(gethostbyname)(name);
}

#define OPEN(name)                                                          \
    int name(const char *path, int flags, ...) {                            \
        va_list more;                                                       \
        va_start(more, flags);                                              \
        mode_t mode = va_arg(more, mode_t);                                 \
        va_end(more);                                                       \
        int file = NEXT(name)(path, flags, mode);                           \
        if (file >= 0 && flags & WRITES) note_path(AT_FDCWD, path);         \
        return file;                                                        \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                        \
    int name(int folder, const char *path, int flags, ...) {                \
        va_list more;                                                       \
        va_start(more, flags);                                              \
        mode_t mode = va_arg(more, mode_t);                                 \
        va_end(more);                                                       \
        int file = NEXT(name)(folder, path, flags, mode);                   \
        if (file >= 0 && flags & WRITES) note_path(folder, path);           \
        return file;                                                        \
    }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                         \
    FILE *name(const char *path, const char *mode) {                        \
        FILE *file = NEXT(name)(path, mode);                                \
        if (file && strpbrk(mode, "wa+")) note_path(AT_FDCWD, path);        \
        return file;                                                        \
    }
FOPEN(fopen)
FOPEN(fopen64)

int mkdir(const char *path, mode_t mode) {
    int failed = NEXT(mkdir)(path, mode);
    if (!failed) note_path(AT_FDCWD, path);
    return failed;
}

int mkdirat(int folder, const char *path, mode_t mode) {
    int failed = NEXT(mkdirat)(folder, path, mode);
    if (!failed) note_path(folder, path);
    return failed;
}
