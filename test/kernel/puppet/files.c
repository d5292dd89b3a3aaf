/* The file tree that a scenario sees, and the state of its page cache. */
#include "harness.h"
#include <dirent.h>
#include <ftw.h>
#include <linux/types.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

static char declared[256][256];
static int declaredCount;

static void declare(const char *path) {
  for (int i = 0; i < declaredCount; i++)
    if (!strcmp(declared[i], path)) return;
  if (declaredCount < 256) snprintf(declared[declaredCount++], sizeof declared[0], "%s", path);
}

/* Makes every directory above `path`, owned by the user of the scenario. */
int fileParents(const char *path) {
  char copy[4096];
  if (strlen(path) >= sizeof copy) return -1;
  strcpy(copy, path);
  for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (!mkdir(copy, 0755) && chown(copy, USER_ID, USER_ID)) return -1;
    *slash = '/';
  }
  return 0;
}

static int removeOne(const char *path, const struct stat *st, int type, struct FTW *at) {
  (void)st;
  if (at->level) (void)(type == FTW_DP || type == FTW_DNR ? rmdir(path) : unlink(path));
  return 0;
}

static int create(const char *path, mode_t mode) {
  if (fileParents(path)) return -1;
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EISDIR) { /* made for a path below it, which will find a file in its way */
    nftw(path, removeOne, 16, FTW_PHYS | FTW_DEPTH | FTW_MOUNT);
    rmdir(path);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  }
  if (fd < 0) return -1;
  if (fchown(fd, USER_ID, USER_ID) || fchmod(fd, mode)) { close(fd); return -1; }
  declare(path);
  return fd;
}

/* Byte i of the file is i / 4096 + 1 modulo 256. */
int filePattern(const char *path, uint64_t size) {
  int fd = create(path, 0644);
  if (fd < 0) return -1;
  uint8_t page[PAGE];
  for (uint64_t at = 0; at < size; at += PAGE) {
    size_t length = size - at < PAGE ? size - at : PAGE;
    memset(page, (at / PAGE + 1) & 0xff, length);
    if (write(fd, page, length) != (ssize_t)length) { close(fd); return -1; }
  }
  return close(fd);
}

int fileBytes(const char *path, const uint8_t *bytes, size_t length) {
  int fd = create(path, 0644);
  if (fd < 0) return -1;
  if (write(fd, bytes, length) != (ssize_t)length) { close(fd); return -1; }
  return close(fd);
}

int fileProgram(const char *path, const struct shape *shape, mode_t mode) {
  int fd = create(path, mode);
  if (fd < 0) return -1;
  if (imageWrite(fd, shape)) { close(fd); return -1; }
  return close(fd);
}

/* Reads a file in page by page, so that each page becomes a folio of its own. */
static void warmUp(int fd) {
  char page[PAGE];
  posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
  for (off_t at = 0; pread(fd, page, sizeof page, at) > 0; at += PAGE) {}
}

/* Puts the declared files on disk and out of the page cache, then, if warm, back into it. */
int filesSettle(bool warm) {
  for (int i = 0; i < declaredCount; i++) {
    int fd = open(declared[i], O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    fsync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (warm) warmUp(fd);
    close(fd);
  }
  return 0;
}

struct cachestat_range { __u64 off, len; };
struct cachestat { __u64 nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted; };

/* POSIX_FADV_DONTNEED writes dirty pages out first, drop_caches leaves them alone: so pass over them. */
static int evictClean(const char *path, const struct stat *st, int type, struct FTW *at) {
  (void)at;
  if (type != FTW_F || !S_ISREG(st->st_mode)) return 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  for (off_t page = 0; page < st->st_size; page += PAGE) {
    struct cachestat_range range = { page, PAGE };
    struct cachestat state = { 0 };
    if (syscall(SYS_cachestat, fd, &range, &state, 0) == 0 && (state.nr_dirty || !state.nr_cache)) continue;
    posix_fadvise(fd, page, PAGE, POSIX_FADV_DONTNEED);
  }
  close(fd);
  return 0;
}

/* What drop_caches does, for the files of this tree only: clean pages that nobody maps leave the page cache. */
int filesEvict(void) { return nftw("/", evictClean, 16, FTW_PHYS | FTW_MOUNT); }

/* Prints which pages of a file are in the page cache, as a string of 0 and 1. */
int fileCached(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st)) return -1;
  size_t pages = (st.st_size + PAGE - 1) / PAGE;
  printf("{\"cached\":\"");
  if (pages) {
    unsigned char *bits = malloc(pages);
    void *map = mmap(NULL, pages * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED && bits && !mincore(map, pages * PAGE, bits))
      for (size_t i = 0; i < pages; i++) putchar(bits[i] & 1 ? '1' : '0');
    if (map != MAP_FAILED) munmap(map, pages * PAGE);
    free(bits);
  }
  printf("\"}\n");
  close(fd);
  return 0;
}

int filesRemoveAll(void) {
  declaredCount = 0;
  nftw("/", removeOne, 16, FTW_PHYS | FTW_DEPTH | FTW_MOUNT);
  return filesPrepareRoot();
}

int filesPrepareRoot(void) {
  if (chown("/", USER_ID, USER_ID) || chmod("/", 0755)) return -1;
  mkdir("/dev", 0755);
  mode_t old = umask(0);
  int failed = mknod("/dev/zero", S_IFCHR | 0666, makedev(1, 5)) | mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3));
  umask(old);
  return failed && errno != EEXIST ? -1 : 0;
}
