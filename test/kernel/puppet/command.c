/* The protocol: one command a line on standard input, one line of JSON for each on standard output. */
#include "harness.h"
#include <sched.h>
#include <sys/swap.h>

/* A line's words. Integers are decimal or 0x…; bytes are hexadecimal behind an `x:`; `@N` is constant N. */
static char *words[256];
static int wordCount;

static void split(char *line) {
  wordCount = 0;
  for (char *word = strtok(line, " \n"); word && wordCount < 256; word = strtok(NULL, " \n")) words[wordCount++] = word;
}

static const char *word(int i) { return i < wordCount ? words[i] : ""; }
static uint64_t integer(int i) { return strtoull(word(i), NULL, 0); }

static int digit(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

/* Decodes word i in place; a NUL follows the bytes. */
static uint8_t *bytes(int i, size_t *length) {
  static uint8_t empty[1];
  *length = 0;
  if (strncmp(word(i), "x:", 2)) return empty;
  char *hex = words[i] + 2;
  uint8_t *to = (uint8_t *)words[i];
  size_t n = strlen(hex) / 2;
  for (size_t k = 0; k < n; k++) to[k] = digit(hex[2 * k]) << 4 | digit(hex[2 * k + 1]);
  to[n] = 0;
  *length = n;
  return to;
}

static char *string(int i) {
  size_t length;
  return (char *)bytes(i, &length);
}

static void done(int failed) {
  if (failed) outError("%s: %s", words[0], strerror(errno));
  else printf("{\"ok\":true}\n");
}

static struct process *subject(void) {
  struct process *p = processFind(integer(1));
  if (!p) outError("%s: no process %s", words[0], word(1));
  return p;
}

static void commandImage(bool library) {
  struct shape shape = { .library = library };
  int at = 2;
  if (!library) shape.pie = !strcmp(word(at++), "pie");
  shape.text = integer(at), shape.rodata = integer(at + 1), shape.data = integer(at + 2), shape.bss = integer(at + 3);
  if (!library && at + 4 < wordCount) shape.interp = string(at + 4);
  done(fileProgram(string(1), &shape, 0755));
}

static void commandConstant(void) {
  size_t length;
  uint8_t *content = bytes(1, &length);
  int index = constantAdd(content, length);
  if (index < 0) { outError("constants: the first text page is full"); return; }
  if (length && content[0] == '/') fileParents((char *)content);
  printf("{\"constant\":%d}\n", index);
}

static void commandVector(void) {
  int items[64], count = 0;
  for (int i = 1; i < wordCount && count < 64; i++) items[count++] = integer(i);
  int index = constantVector(items, count);
  if (index < 0) outError("constants: the first text page is full");
  else printf("{\"constant\":%d}\n", index);
}

/* spawn PATH argc ARG… ENV… */
static void commandSpawn(void) {
  char *argv[128] = { 0 }, *envp[128] = { 0 };
  int count = integer(2), at = 3, env = 0;
  for (int i = 0; i < count && i < 127; i++) argv[i] = string(at++);
  while (at < wordCount && env < 127) envp[env++] = string(at++);
  char *path = string(1);
  if (!count) argv[0] = path;
  stepSpawn(path, argv, envp);
}

static void commandSyscall(struct process *p) {
  uint64_t args[6] = { 0 };
  for (int i = 0; i < 6 && i + 3 < wordCount; i++) {
    if (word(i + 3)[0] != '@') { args[i] = integer(i + 3); continue; }
    args[i] = constantAddress(p, atoi(word(i + 3) + 1));
    if (!args[i]) { outError("syscall: constant %s has no address in process %d", word(i + 3), p->pid); return; }
  }
  stepSyscall(p, integer(2), args);
}

static void commandSignal(struct process *p) {
  bool handler = !strcmp(word(3), "handler");
  if (!p->alive) { outError("process %d is dead", p->pid); return; }
  for (int i = 0; i < processCount; i++) {
    if (processes[i].tgid != p->tgid) continue;
    if (integer(2) == SIGSEGV) processes[i].handlesSegv = handler;
    if (integer(2) == SIGBUS) processes[i].handlesBus = handler;
  }
  done(0);
}

static void commandSwap(bool on) {
  if (!around.exclusive) { outError("%s: needs the machine for itself", words[0]); return; }
  if (!around.swapDevice[0]) { outError("%s: there is no swap device", words[0]); return; }
  int here = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), failed = fchdir(around.oldRoot);
  const char *device = around.swapDevice + 1;
  if (!failed) failed = on ? swapon(device, SWAP_FLAG_PREFER | 32000) : swapoff(device);
  int error = errno;
  if (fchdir(here)) abort();
  close(here);
  errno = error;
  done(failed);
}

static void nextPid(int pid) {
  char text[16];
  snprintf(text, sizeof text, "%d", pid - 1);
  int fd = openat(around.proc, "sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) outError("ns_last_pid: %s", strerror(errno));
  if (fd >= 0) close(fd);
}

/* Forgets everything: the next scenario starts as if the driver had just been started. */
static void reset(void) {
  traceKillAll();
  constantsClear();
  filesRemoveAll();
  unshare(CLONE_NEWIPC);
  nextPid(FIRST_PID);
}

static bool kernelCommand(void) {
  const char *name = words[0];
  if (!strcmp(name, "drop_caches")) done(filesEvict());
  else if (!strcmp(name, "writeback")) {
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    done(syncfs(fd));
    close(fd);
  } else if (!strcmp(name, "truncate")) done(truncate(string(1), integer(2)));
  else if (!strcmp(name, "swapoff")) commandSwap(false);
  else if (!strcmp(name, "swapon")) commandSwap(true);
  else if (!strcmp(name, "cached")) { if (fileCached(string(1))) done(-1); }
  else if (!strcmp(name, "set")) {
    if (around.exclusive) done(globalSet(around.oldRoot, string(1), string(2)));
    else outError("set: needs the machine for itself");
  } else return false;
  return true;
}

static bool setupCommand(void) {
  const char *name = words[0];
  size_t length;
  if (!strcmp(name, "constant")) commandConstant();
  else if (!strcmp(name, "vector")) commandVector();
  else if (!strcmp(name, "program")) commandImage(false);
  else if (!strcmp(name, "library")) commandImage(true);
  else if (!strcmp(name, "pattern")) done(filePattern(string(1), integer(2)));
  else if (!strcmp(name, "file")) {
    uint8_t *content = bytes(2, &length);
    done(fileBytes(string(1), content, length));
  } else if (!strcmp(name, "settle")) done(filesSettle(!strcmp(word(1), "warm")));
  else if (!strcmp(name, "reset")) {
    reset();
    printf("{\"ok\":true,\"wanted\":%s}\n", globalWanted() ? "true" : "false");
  }
  else return false;
  return true;
}

static bool stepCommand(void) {
  const char *name = words[0];
  if (!strcmp(name, "spawn")) { commandSpawn(); return true; }
  static const char *const known[] = { "syscall", "load", "store", "fill", "fetch", "limit", "signal", "dump", NULL };
  int which = 0;
  while (known[which] && strcmp(known[which], name)) which++;
  if (!known[which]) return false;
  struct process *p = subject();
  if (!p) return true;
  size_t length;
  switch (which) {
    case 0: commandSyscall(p); break;
    case 1: stepLoad(p, integer(2), integer(3)); break;
    case 2: {
      uint8_t *content = bytes(3, &length);
      stepStore(p, integer(2), content, length);
      break;
    }
    case 3: stepFill(p, integer(2), integer(3), integer(4)); break;
    case 4: stepFetch(p, integer(2)); break;
    case 5: stepLimit(p, integer(2), integer(3), integer(4), wordCount > 4); break;
    case 6: commandSignal(p); break;
    default: inspectDump(p, integer(2));
  }
  return true;
}

void commandLoop(void) {
  char *line = NULL;
  size_t size = 0;
  nextPid(FIRST_PID);
  printf("{\"ready\":true,\"swap\":%s,\"memoryLimit\":%s,\"cpu\":%d}\n", around.swapOn ? "\"zram\"" : "null",
         around.cgroupProcs >= 0 ? "true" : "false", around.cpu);
  fflush(stdout);
  while (getline(&line, &size, stdin) > 0) {
    split(line);
    if (!wordCount) continue;
    if (!strcmp(words[0], "quit")) break;
    if (!setupCommand() && !stepCommand() && !kernelCommand()) outError("unknown command %s", words[0]);
    inspectSettle();
    fflush(stdout);
  }
  traceKillAll();
  free(line);
}
