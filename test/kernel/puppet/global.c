/* Settings of the whole machine. Drivers that run at once share them: the first sets them, the last restores them. */
#include "harness.h"
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <linux/fs.h>

#define STATE_DIR "/run/vas-kernel"
#define STATE_FILE "run/vas-kernel/state" /* below the machine root */
#define SWAP_PRIORITY 32000

static int gate = -1, life = -1, queue = -1, machineRoot = -1;

static bool readText(int dir, const char *path, char *text, size_t size) {
  int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t n = read(fd, text, size - 1);
  close(fd);
  if (n < 0) return false;
  text[n] = 0;
  text[strcspn(text, "\n")] = 0;
  return true;
}

static bool writeText(int dir, const char *path, const char *text) {
  int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  close(fd);
  return done;
}

void globalRemember(const char *key, const char *value) {
  int fd = openat(machineRoot, STATE_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  dprintf(fd, "%s %s\n", key, value);
  close(fd);
}

int globalSet(int root, const char *path, const char *value) {
  char old[256];
  if (!readText(root, path, old, sizeof old)) return -1;
  if (!strcmp(old, value)) return 0;
  char *chosen = strchr(old, '['); /* "always [madvise] never" */
  char *word = chosen ? chosen + 1 : old;
  if (chosen) word[strcspn(word, "]")] = 0;
  globalRemember(path, word);
  return writeText(root, path, value) ? 0 : -1;
}

/* Writes the header of a swap area over the whole device. */
static bool formatSwap(const char *device, unsigned long bytes) {
  int fd = open(device, O_RDWR | O_CLOEXEC | O_SYNC);
  if (fd < 0) return false;
  static uint8_t page[PAGE];
  uint32_t header[3] = { 1, bytes / PAGE - 1, 0 };
  memcpy(page + 1024, header, sizeof header);
  memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
  bool done = pwrite(fd, page, PAGE, 0) == (ssize_t)PAGE;
  close(fd);
  return done;
}

void globalDiskRemove(const char *device) {
  char path[64];
  const char *id = device + strlen("/dev/zram");
  swapoff(device);
  snprintf(path, sizeof path, "sys/block/zram%s/reset", id);
  for (int i = 0; i < 200 && !writeText(machineRoot, path, "1") && errno == EBUSY; i++) usleep(5000);
  writeText(machineRoot, "sys/class/zram-control/hot_remove", id);
}

bool globalDiskAdd(unsigned long bytes, char *device, size_t deviceSize) {
  char id[16], path[64], size[32];
  device[0] = 0;
  if (!readText(machineRoot, "sys/class/zram-control/hot_add", id, sizeof id)) return false;
  snprintf(device, deviceSize, "/dev/zram%s", id);
  globalRemember("disk", device);
  snprintf(path, sizeof path, "sys/block/zram%s/disksize", id);
  snprintf(size, sizeof size, "%lu", bytes);
  bool sized = writeText(machineRoot, path, size);
  for (int i = 0; i < 100 && access(device, R_OK); i++) usleep(10000);
  return sized;
}

static void swapAdd(unsigned long bytes) {
  char device[64];
  if (globalDiskAdd(bytes, device, sizeof device) && formatSwap(device, bytes) &&
      !swapon(device, SWAP_FLAG_PREFER | SWAP_PRIORITY))
    globalRemember("swap", device);
}

static void restore(void) {
  size_t length;
  char *state = slurpAt(machineRoot, STATE_FILE, &length);
  for (char *line = state; line && *line;) {
    char *end = line + strcspn(line, "\n"), *space = strchr(line, ' ');
    char *next = *end ? end + 1 : end;
    *end = 0;
    if (space) {
      *space = 0;
      if (!strcmp(line, "disk")) globalDiskRemove(space + 1);
      else if (!strcmp(line, "directory")) rmdir(space + 1);
      else if (strcmp(line, "swap")) writeText(machineRoot, line, space + 1);
    }
    line = next;
  }
  free(state);
  unlinkat(machineRoot, STATE_FILE, 0);
}

static void establish(unsigned long swapBytes) {
  restore(); /* what a driver left that was killed */
  globalSet(machineRoot, "proc/sys/vm/page-cluster", "0");
  globalSet(machineRoot, "proc/sys/vm/mmap_min_addr", "65536");
  globalSet(machineRoot, "proc/sys/vm/overcommit_memory", "0");
  globalSet(machineRoot, "sys/kernel/mm/transparent_hugepage/shmem_enabled", "never");
  swapAdd(swapBytes);
}

static void findSwap(char *device, size_t size) {
  size_t length;
  char *state = slurpAt(machineRoot, STATE_FILE, &length), *line = state ? strstr(state, "swap /") : NULL;
  device[0] = 0;
  if (line) snprintf(device, size, "%.*s", (int)strcspn(line + 5, "\n"), line + 5);
  free(state);
}

/* Who waits holds `queue`; who runs looks at it between two scenarios and makes room (globalWanted). */
static bool take(int fd, int how, long *patience) {
  for (; *patience > 0; --*patience) {
    if (!flock(fd, how | LOCK_NB)) return true;
    usleep(20000);
  }
  return false;
}

bool globalWanted(void) {
  if (flock(queue, LOCK_SH | LOCK_NB)) return true;
  flock(queue, LOCK_UN);
  return false;
}

static bool join(struct globalOptions *o) {
  bool inside = false;
  flock(gate, LOCK_EX);
  if (!flock(life, LOCK_EX | LOCK_NB)) {
    establish(o->exclusive ? o->swapBytes : 1UL << 30);
    if (!o->exclusive) flock(life, LOCK_SH);
    inside = true;
  } else if (!o->exclusive && !flock(life, LOCK_SH | LOCK_NB)) inside = true;
  if (inside) findSwap(o->swapDevice, sizeof o->swapDevice);
  flock(gate, LOCK_UN);
  return inside;
}

int globalEnter(struct globalOptions *o, char *why, size_t whySize) {
  long patience = o->waitMs / 20 + 1;
  bool inside = false;
  mkdir(STATE_DIR, 0700);
  machineRoot = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gate = open(STATE_DIR "/gate", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  life = open(STATE_DIR "/life", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  queue = open(STATE_DIR "/queue", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (gate < 0 || life < 0 || queue < 0) return snprintf(why, whySize, "no lock file: %s", strerror(errno)), -1;
  /* Who holds a machine already must not stand behind somebody who waits for its end. */
  if (o->beside) inside = join(o);
  if (!inside && take(queue, LOCK_EX, &patience)) {
    for (; !(inside = join(o)) && patience > 0; --patience) usleep(20000);
    flock(queue, LOCK_UN);
  }
  if (!inside) snprintf(why, whySize, "another run holds the machine");
  return inside ? 0 : -1;
}

void globalLeave(void) {
  if (gate < 0) return;
  flock(gate, LOCK_EX);
  flock(life, LOCK_UN);
  if (!flock(life, LOCK_EX | LOCK_NB)) restore();
  flock(life, LOCK_UN);
  flock(gate, LOCK_UN);
}
