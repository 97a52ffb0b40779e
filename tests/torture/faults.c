/* Faults below Python: wraps the calls of libc that change a file system, and counts those that concern paths below a
 * given directory. One of them, by its number, fails, is done by half, or is the last that the process makes.
 *
 *   cc -shared -fPIC -O2 -o faults.so faults.c -ldl;  LD_PRELOAD=./faults.so python -m tests.torture
 *
 * torture_arm(directory, number, fault) begins a trial, torture_count() says how many calls it saw. With number 0
 * nothing fails. SQLite and Python both come through here, because both call libc. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { NONE, FAIL_EIO, FAIL_ENOSPC, FAIL_EROFS, FAIL_EINTR, SHORT_WRITE, KILL_BEFORE, KILL_AFTER, STAYS_FULL };

static char below[PATH_MAX];
static size_t below_length;
static long armed_at, seen;
static enum fault armed;
static int met;

void torture_arm(const char *directory, long number, int fault) {
    snprintf(below, sizeof below, "%s", directory);
    below_length = strlen(below);
    armed_at = number;
    armed = fault;
    seen = 0;
    met = 0;
}

long torture_count(void) { return seen; }
int torture_met(void) { return met; }

static int is_below(const char *path) {
    return below_length && strncmp(path, below, below_length) == 0;
}

static int concerns_descriptor(int fd) {
    char link[64], path[PATH_MAX];
    if (!below_length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static int concerns(int directory, const char *path) {
    char here[PATH_MAX];
    if (!below_length || !path) return 0;
    if (path[0] == '/') return is_below(path);
    if (directory != AT_FDCWD) return concerns_descriptor(directory);
    return getcwd(here, sizeof here) && is_below(here);
}

static int concerns_one(int at, const char *path) { return path ? concerns(at, path) : concerns_descriptor(at); }

static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

/* What becomes of a call: 0 it is made, -1 it fails with errno set, 1 half of it is made. `grows`: it needs room. */
static int turn(int grows) {
    long number = ++seen;
    if (armed == STAYS_FULL && armed_at && number >= armed_at && grows) { met = 1; errno = ENOSPC; return -1; }
    if (number != armed_at) return 0;
    switch (armed) {
        case FAIL_EIO: met = 1; errno = EIO; return -1;
        case FAIL_ENOSPC: if (!grows) return 0; met = 1; errno = ENOSPC; return -1;
        case FAIL_EROFS: met = 1; errno = EROFS; return -1;
        case FAIL_EINTR: met = 1; errno = EINTR; return -1;
        case SHORT_WRITE: met = 1; return 1;
        case KILL_BEFORE: die(); return -1;
        default: return 0;
    }
}

static long done(long result) {
    if (armed == KILL_AFTER && seen == armed_at) { int kept = errno; die(); errno = kept; }
    return result;
}

#define REAL(name) ({ static __typeof__(&name) found; if (!found) found = dlsym(RTLD_NEXT, #name); found; })
#define GUARD(is_ours, grows, call) \
    do { if (!(is_ours)) return call; if (turn(grows) < 0) return -1; return done(call); } while (0)

ssize_t write(int fd, const void *data, size_t size) {
    if (!concerns_descriptor(fd)) return REAL(write)(fd, data, size);
    int part = turn(1);
    if (part < 0) return -1;
    return done(REAL(write)(fd, data, part && size > 1 ? size / 2 : size));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    if (!concerns_descriptor(fd)) return REAL(pwrite)(fd, data, size, at);
    int part = turn(1);
    if (part < 0) return -1;
    return done(REAL(pwrite)(fd, data, part && size > 1 ? size / 2 : size, at));
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return pwrite(fd, data, size, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) { GUARD(concerns_descriptor(fd), 1, REAL(writev)(fd, parts, count)); }
int fsync(int fd) { GUARD(concerns_descriptor(fd), 0, REAL(fsync)(fd)); }
int fdatasync(int fd) { GUARD(concerns_descriptor(fd), 0, REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t size) { GUARD(concerns_descriptor(fd), 1, REAL(ftruncate)(fd, size)); }
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }
int fchmod(int fd, mode_t mode) { GUARD(concerns_descriptor(fd), 0, REAL(fchmod)(fd, mode)); }
int fchown(int fd, uid_t owner, gid_t group) { GUARD(concerns_descriptor(fd), 0, REAL(fchown)(fd, owner, group)); }
int futimens(int fd, const struct timespec times[2]) { GUARD(concerns_descriptor(fd), 0, REAL(futimens)(fd, times)); }
int utimensat(int at, const char *path, const struct timespec times[2], int flags) {
    GUARD(concerns_one(at, path), 0, REAL(utimensat)(at, path, times, flags));
}
int posix_fallocate(int fd, off_t at, off_t size) {
    if (!concerns_descriptor(fd)) return REAL(posix_fallocate)(fd, at, size);
    if (turn(1) < 0) return errno;
    return (int)done(REAL(posix_fallocate)(fd, at, size));
}

int rename(const char *from, const char *to) { GUARD(concerns(AT_FDCWD, from) || concerns(AT_FDCWD, to), 0, REAL(rename)(from, to)); }
int renameat(int a, const char *from, int b, const char *to) {
    GUARD(concerns(a, from) || concerns(b, to), 0, REAL(renameat)(a, from, b, to));
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    GUARD(concerns(a, from) || concerns(b, to), 0, (int)syscall(SYS_renameat2, a, from, b, to, flags));
}
int link(const char *from, const char *to) { GUARD(concerns(AT_FDCWD, to), 1, REAL(link)(from, to)); }
int linkat(int a, const char *from, int b, const char *to, int flags) {
    GUARD(concerns(b, to), 1, REAL(linkat)(a, from, b, to, flags));
}
int symlinkat(const char *target, int at, const char *path) { GUARD(concerns(at, path), 1, REAL(symlinkat)(target, at, path)); }
int unlink(const char *path) { GUARD(concerns(AT_FDCWD, path), 0, REAL(unlink)(path)); }
int unlinkat(int at, const char *path, int flags) { GUARD(concerns(at, path), 0, REAL(unlinkat)(at, path, flags)); }
int rmdir(const char *path) { GUARD(concerns(AT_FDCWD, path), 0, REAL(rmdir)(path)); }
int mkdir(const char *path, mode_t mode) { GUARD(concerns(AT_FDCWD, path), 1, REAL(mkdir)(path, mode)); }
int mkdirat(int at, const char *path, mode_t mode) { GUARD(concerns(at, path), 1, REAL(mkdirat)(at, path, mode)); }

#define OPENS(name) \
int name(const char *path, int flags, ...) { \
    va_list more; va_start(more, flags); mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; va_end(more); \
    GUARD((flags & (O_CREAT | O_TRUNC)) && concerns(AT_FDCWD, path), 1, REAL(name)(path, flags, mode)); }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name) \
int name(int at, const char *path, int flags, ...) { \
    va_list more; va_start(more, flags); mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; va_end(more); \
    GUARD((flags & (O_CREAT | O_TRUNC)) && concerns(at, path), 1, REAL(name)(at, path, flags, mode)); }
OPENS_AT(openat)
OPENS_AT(openat64)

ssize_t sendfile(int to, int from, off_t *at, size_t size);
ssize_t sendfile(int to, int from, off_t *at, size_t size) {
    if (!concerns_descriptor(to)) return REAL(sendfile)(to, from, at, size);
    int part = turn(1);
    if (part < 0) return -1;
    return done(REAL(sendfile)(to, from, at, part && size > 1 ? size / 2 : size));
}
ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t size, unsigned flags) {
    if (!concerns_descriptor(to)) return REAL(copy_file_range)(from, a, to, b, size, flags);
    int part = turn(1);
    if (part < 0) return -1;
    return done(REAL(copy_file_range)(from, a, to, b, part && size > 1 ? size / 2 : size, flags));
}
