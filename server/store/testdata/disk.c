/* The disk of one process, as a test wants it: it stands between SQLite and libc
 * (LD_PRELOAD), writes down what reaches the files of a database, and fails one call.
 *
 * DISK_JOURNAL  file in which every call is noted: kind, file, offset, length, bytes
 * DISK_FAIL     call that fails, counted from 1; 0 is none
 * DISK_KINDS    calls that count: w (writes and truncations), s (syncs), or both
 * DISK_HOW      once, from (that one and all later ones), half (half of it is written
 *               first), kill (the process ends before the call)
 * DISK_ERRNO    number of the error
 * DISK_SWITCH   file: while it is there and says w or s, such calls fail: the disk is
 *               full, or does not keep what it was given
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static long fail_at, calls;
static const char *kinds = "", *how = "", *switched;
static int error = EIO;

static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_truncate)(int, off64_t), (*real_unlink)(const char *);

__attribute__((constructor)) static void begin(void) {
	real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
	real_write = dlsym(RTLD_NEXT, "write");
	real_fsync = dlsym(RTLD_NEXT, "fsync");
	real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	real_truncate = dlsym(RTLD_NEXT, "ftruncate64");
	real_unlink = dlsym(RTLD_NEXT, "unlink");
	const char *s;
	if ((s = getenv("DISK_JOURNAL"))) journal = open(s, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if ((s = getenv("DISK_FAIL"))) fail_at = atol(s);
	if ((s = getenv("DISK_KINDS"))) kinds = s;
	if ((s = getenv("DISK_HOW"))) how = s;
	if ((s = getenv("DISK_ERRNO"))) error = atoi(s);
	switched = getenv("DISK_SWITCH");
}

/* which file of the database it is: d(atabase), w(rite-ahead log), j(ournal), or 0 */
static char named(const char *path) {
	const char *at = strstr(path, "volenti.db");
	if (!at) return 0;
	at += strlen("volenti.db");
	return !*at ? 'd' : !strcmp(at, "-wal") ? 'w' : !strcmp(at, "-journal") ? 'j' : 0;
}

static char file_of(int fd) {
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n < 0) return 0;
	path[n] = 0;
	return named(path);
}

static void note(char kind, char file, int64_t at, const void *bytes, uint32_t n) {
	if (journal < 0) return;
	static char record[1 << 20];
	if (n > sizeof record - 14) abort();
	record[0] = kind, record[1] = file;
	memcpy(record + 2, &at, 8), memcpy(record + 10, &n, 4);
	if (n) memcpy(record + 14, bytes, n);
	if (real_write(journal, record, 14 + n) != 14 + n) abort();
}

/* whether this call is one that fails */
static int hit(char kind) {
	if (switched) {
		char says = 0;
		int fd = open(switched, O_RDONLY | O_CLOEXEC);
		if (fd < 0) return 0;
		ssize_t n = read(fd, &says, 1);
		close(fd);
		error = kind == 'w' ? ENOSPC : EIO;
		return n == 1 && says == kind;
	}
	if (!fail_at || !strchr(kinds, kind)) return 0;
	calls++;
	if (calls != fail_at && !(calls > fail_at && !strcmp(how, "from"))) return 0;
	if (!strcmp(how, "kill")) kill(getpid(), SIGKILL), pause();
	return 1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
	char file = file_of(fd);
	if (!file) return real_pwrite(fd, bytes, n, at);
	pthread_mutex_lock(&one);
	ssize_t done = -1;
	int failing = hit('w');
	if (!failing) done = real_pwrite(fd, bytes, n, at);
	else if (!strcmp(how, "half")) done = real_pwrite(fd, bytes, n / 2, at), fail_at++, how = "once";
	int e = errno;
	if (done > 0) note('W', file, at, bytes, done);
	pthread_mutex_unlock(&one);
	errno = failing ? error : e;
	return done;
}

static int synced(int (*really)(int), int fd) {
	char file = file_of(fd);
	if (!file) return really(fd);
	pthread_mutex_lock(&one);
	int failing = hit('s'), done = failing ? -1 : really(fd), e = errno;
	note(done ? 'F' : 'S', file, 0, 0, 0);
	pthread_mutex_unlock(&one);
	errno = failing ? error : e;
	return done;
}

int fsync(int fd) { return synced(real_fsync, fd); }
int fdatasync(int fd) { return synced(real_fdatasync, fd); }

int ftruncate64(int fd, off64_t size) {
	char file = file_of(fd);
	if (!file) return real_truncate(fd, size);
	pthread_mutex_lock(&one);
	int failing = hit('w'), done = failing ? -1 : real_truncate(fd, size), e = errno;
	if (!done) note('T', file, size, 0, 0);
	pthread_mutex_unlock(&one);
	errno = failing ? error : e;
	return done;
}

int unlink(const char *path) {
	char file = named(path);
	if (!file) return real_unlink(path);
	pthread_mutex_lock(&one);
	int done = real_unlink(path), e = errno;
	if (!done) note('U', file, 0, 0, 0);
	pthread_mutex_unlock(&one);
	errno = e;
	return done;
}
