/* The driver's two processes: a guardian, which sets the machine up and cleans it up again, and the driver itself, which is
 * the first process of a pid namespace of its own: when it ends, everything it started ends. */
#include "harness.h"
#include <sched.h>
#include <poll.h>
#include <stdarg.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FILE_DISK_BYTES (2L << 30)

void commandLoop(void);

struct surroundings around = { .cgroupProcs = -1, .inflight = -1, .stepTimeoutMs = 5000 };
static char directory[64], cgroup[96];
static volatile sig_atomic_t driverPid;

void outText(const char *bytes, size_t length) {
  putchar('"');
  for (size_t i = 0; i < length; i++) {
    unsigned char c = bytes[i];
    if (c == '\n') fputs("\\n", stdout);
    else if (c == '\t') fputs("\\t", stdout);
    else if (c == '"' || c == '\\') printf("\\%c", c);
    else if (c < 0x20) printf("\\u%04x", c);
    else putchar(c);
  }
  putchar('"');
}

void outError(const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  fputs("{\"error\":", stdout);
  outText(text, strlen(text));
  fputs("}\n", stdout);
}

char *slurpAt(int dir, const char *path, size_t *length) {
  int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  size_t size = 65536, used = 0;
  char *text = malloc(size);
  for (ssize_t n; text && (n = read(fd, text + used, size - used - 1)) > 0;) {
    used += n;
    if (size - used < 32768) text = realloc(text, size *= 2);
  }
  close(fd);
  if (text) text[used] = 0;
  *length = used;
  return text;
}

static void fail(const char *what) {
  outError("%s: %s", what, strerror(errno));
  fflush(stdout);
  exit(1);
}

static int writeAll(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = write(fd, text, strlen(text));
  close(fd);
  return n < 0 ? -1 : 0;
}

/* A memory cgroup for the processes under test, of either version; none where there is no controller. */
static void cgroupMake(unsigned long bytes) {
  char path[160], text[32];
  bool v1 = !access("/sys/fs/cgroup/memory/memory.limit_in_bytes", F_OK);
  snprintf(cgroup, sizeof cgroup, "/sys/fs/cgroup/%svas-%d", v1 ? "memory/" : "", getpid());
  if (mkdir(cgroup, 0755)) { cgroup[0] = 0; return; }
  snprintf(path, sizeof path, "%s/%s", cgroup, v1 ? "memory.limit_in_bytes" : "memory.max");
  snprintf(text, sizeof text, "%lu", bytes);
  globalRemember("directory", cgroup);
  if (writeAll(path, text)) { rmdir(cgroup); cgroup[0] = 0; return; }
  snprintf(path, sizeof path, "%s/%s", cgroup, v1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max");
  snprintf(text, sizeof text, "%lu", v1 ? 2 * bytes : bytes);
  writeAll(path, text);
  snprintf(path, sizeof path, "%s/cgroup.procs", cgroup);
  around.cgroupProcs = open(path, O_WRONLY | O_CLOEXEC);
}

/* Makes an ext4. With the encrypt feature it uses no large folios: each page is a folio of its own. */
static void makeFileSystem(const char *device) {
  int status, pid = fork();
  if (pid == 0) {
    dup2(around.stdoutNull, 1);
    dup2(around.stdoutNull, 2);
    char *features = around.largeFolios ? "^has_journal" : "^has_journal,encrypt";
    execlp("mkfs.ext4", "mkfs.ext4", "-F", "-q", "-b", "4096", "-m", "0", "-N", "1024", "-E", "nodiscard", "-O", features,
           device, NULL);
    _exit(127);
  }
  waitpid(pid, &status, 0);
  if (status) { errno = ENOENT; fail("mkfs.ext4"); }
}

/* Attaches a file in memory to a loop device that frees itself on its last close. */
static int loopAttach(char *device, size_t size) {
  int image = memfd_create("vas-disk", MFD_CLOEXEC);
  if (image < 0 || ftruncate(image, FILE_DISK_BYTES)) fail("disk");
  int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  struct loop_config config = { .fd = image, .info = { .lo_flags = LO_FLAGS_AUTOCLEAR } };
  for (int i = 0; control >= 0 && i < 200; i++) {
    int number = ioctl(control, LOOP_CTL_GET_FREE);
    snprintf(device, size, "/dev/loop%d", number);
    int fd = number < 0 ? -1 : open(device, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && !ioctl(fd, LOOP_CONFIGURE, &config)) { close(control); return fd; }
    if (fd >= 0) close(fd);
    usleep(5000);
  }
  if (control >= 0) close(control);
  return -1;
}

static void readAhead(const char *device, long kilobytes) {
  char path[96], text[32];
  snprintf(path, sizeof path, "/sys/block/%s/queue/read_ahead_kb", device + 5);
  snprintf(text, sizeof text, "%ld", kilobytes);
  writeAll(path, text);
}

static int inflightOpen(const char *device) {
  char path[96];
  snprintf(path, sizeof path, "/sys/block/%s/inflight", device + 5);
  return open(path, O_RDONLY | O_CLOEXEC);
}

/* Mounts the scenario's own file tree and makes it the root directory. */
static void enterTree(long readahead) {
  char tree[96], device[64];
  snprintf(tree, sizeof tree, "%s/root", directory);
  around.oldRoot = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) fail("private mounts");
  if (mount("proc", tree, "proc", 0, NULL)) fail("mount proc");
  around.proc = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  around.kpageflags = openat(around.proc, "kpageflags", O_RDONLY | O_CLOEXEC);
  around.kpagecount = openat(around.proc, "kpagecount", O_RDONLY | O_CLOEXEC);
  if (umount2(tree, MNT_DETACH)) fail("umount proc");
  around.pagesOfNobody = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (around.tmpfs) {
    if (mount("tmpfs", tree, "tmpfs", 0, "size=1G")) fail("mount tmpfs");
  } else {
    snprintf(device, sizeof device, "%s", around.fileDisk);
    int loop = device[0] ? -1 : loopAttach(device, sizeof device);
    if (loop < 0 && !around.fileDisk[0]) fail("loop device");
    makeFileSystem(device);
    readAhead(device, readahead);
    around.inflight = inflightOpen(device);
    /* A file that was emptied and written again would be flushed whenever anybody closes it, the harness too. */
    if (mount(device, tree, "ext4", 0, "noauto_da_alloc")) fail("mount ext4");
    if (loop >= 0) close(loop);
  }
  if (chroot(tree) || chdir("/")) fail("chroot");
  rmdir("/lost+found");
  if (filesPrepareRoot()) fail("file tree");
}

static void onEnd(int signal) {
  (void)signal;
  if (driverPid > 0) kill(driverPid, SIGKILL);
}

/* Waits for the end of the driver. When nobody is left to read its answers, it gets three seconds to notice that. */
static void guard(int pid) {
  int status, gone = syscall(SYS_pidfd_open, pid, 0);
  struct pollfd watched[2] = { { gone, POLLIN, 0 }, { 0, POLLRDHUP, 0 } };
  driverPid = pid;
  while (gone >= 0) {
    int n = poll(watched, 2, -1);
    if (n < 0 && errno == EINTR) continue;
    if (!watched[0].revents && watched[1].revents) poll(watched, 1, 3000);
    break;
  }
  kill(pid, SIGKILL);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
}

static void cleanUp(void) {
  char tree[96];
  snprintf(tree, sizeof tree, "%s/root", directory);
  umount2(tree, MNT_DETACH);
  rmdir(tree);
  rmdir(directory);
  for (int i = 0; cgroup[0] && rmdir(cgroup) && errno == EBUSY && i < 100; i++) usleep(10000);
  if (around.fileDisk[0]) globalDiskRemove(around.fileDisk);
  globalLeave();
}

static int option(int argc, char **argv, const char *name, char **value) {
  size_t length = strlen(name);
  for (int i = 1; i < argc; i++)
    if (!strncmp(argv[i], name, length) && argv[i][length] == '=') return *value = argv[i] + length + 1, 1;
  return 0;
}

static long number(int argc, char **argv, const char *name, long otherwise) {
  char *value;
  return option(argc, argv, name, &value) ? strtol(value, NULL, 0) : otherwise;
}

static void driver(int argc, char **argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(around.cpu, &cpus);
  if (sched_setaffinity(0, sizeof cpus, &cpus)) fail("affinity");
  traceSetup();
  tlbSetup();
  constantsClear();
  enterTree(number(argc, argv, "readahead", 128));
  commandLoop();
}

int main(int argc, char **argv) {
  char *text, why[256], base[32] = "/tmp";
  if (option(argc, argv, "dir", &text)) snprintf(base, sizeof base, "%s", text);
  around.tmpfs = option(argc, argv, "fs", &text) && !strcmp(text, "tmpfs");
  around.largeFolios = option(argc, argv, "folios", &text) && !strcmp(text, "large");
  around.exclusive = number(argc, argv, "exclusive", 0);
  around.stepTimeoutMs = number(argc, argv, "step-timeout", 5000);
  around.cpu = number(argc, argv, "cpu", sched_getcpu());
  around.stdinNull = open("/dev/null", O_RDONLY | O_CLOEXEC);
  around.stdoutNull = open("/dev/null", O_WRONLY | O_CLOEXEC);
  struct sigaction end = { .sa_handler = onEnd };
  sigaction(SIGTERM, &end, NULL);
  sigaction(SIGHUP, &end, NULL);
  sigaction(SIGINT, &end, NULL);
  signal(SIGPIPE, SIG_IGN);
  struct globalOptions options = { around.exclusive, number(argc, argv, "swap", 1L << 30), "",
                                   number(argc, argv, "wait", 300000), number(argc, argv, "beside", 0) };
  if (globalEnter(&options, why, sizeof why)) { outError("%s", why); return 1; }
  snprintf(around.swapDevice, sizeof around.swapDevice, "%s", options.swapDevice);
  around.swapOn = options.swapDevice[0];
  snprintf(directory, sizeof directory, "%s/vas-kernel-XXXXXX", base);
  if (!mkdtemp(directory)) { globalLeave(); fail("mkdtemp"); }
  char tree[96];
  snprintf(tree, sizeof tree, "%s/root", directory);
  mkdir(tree, 0755);
  globalRemember("directory", tree);
  globalRemember("directory", directory);
  if (!around.tmpfs && !globalDiskAdd(FILE_DISK_BYTES, around.fileDisk, sizeof around.fileDisk)) around.fileDisk[0] = 0;
  cgroupMake(number(argc, argv, "memory", 1L << 30));
  if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC)) { cleanUp(); fail("unshare"); }
  int pid = fork();
  if (pid == 0) {
    driver(argc, argv);
    fflush(stdout);
    _exit(0);
  }
  guard(pid);
  cleanUp();
  return 0;
}
