/* Running the processes under test: resume, wait, signals, and the fault counters of /proc/PID/stat. */
#include "harness.h"
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

struct process processes[MAX_PROCESSES];
int processCount;

struct process *processFind(int pid) {
  for (int i = processCount - 1; i >= 0; i--)
    if (processes[i].pid == pid) return &processes[i];
  return NULL;
}

struct process *processAdd(int pid) {
  int alive = 0;
  for (int i = 0; i < processCount; i++) alive += processes[i].alive;
  if (processCount == MAX_PROCESSES || alive == MAX_ALIVE) return NULL;
  struct process *p = &processes[processCount++];
  *p = (struct process){ .pid = pid, .tgid = pid, .alive = true };
  return p;
}

static void onAlarm(int signal) { (void)signal; }

/* An alarm without SA_RESTART breaks a waitpid, so that a process that sleeps for ever is noticed. */
void traceSetup(void) {
  struct sigaction action = { .sa_handler = onAlarm };
  sigaction(SIGALRM, &action, NULL);
}

long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static char *statFields(int pid) {
  static char text[1024];
  char path[32];
  snprintf(path, sizeof path, "%d/stat", pid);
  int fd = openat(around.proc, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return NULL;
  text[n] = 0;
  char *end = strrchr(text, ')');
  return end ? end + 2 : NULL;
}

/* The counters since the process began to be observed; the last known ones when it is gone. */
bool faultsRead(struct process *p, struct faults *out) {
  char *fields = statFields(p->pid);
  long minor, major;
  if (!fields || sscanf(fields, "%*c %*d %*d %*d %*d %*d %*u %ld %*d %ld", &minor, &major) != 2) {
    *out = p->last;
    return false;
  }
  p->last = *out = (struct faults){ minor - p->base.minor, major - p->base.major };
  return true;
}

struct faults faultsSince(struct process *p, struct faults before) {
  struct faults now = p->last;
  if (p->alive) faultsRead(p, &now);
  return (struct faults){ now.minor - before.minor, now.major - before.major };
}

static char stateOf(int pid) {
  char *fields = statFields(pid);
  return fields ? fields[0] : 0;
}

bool tracePeek(struct process *p, uint64_t address, void *bytes, size_t length) {
  struct iovec here = { bytes, length }, there = { (void *)address, length };
  return process_vm_readv(p->pid, &here, 1, &there, 1, 0) == (ssize_t)length;
}

void traceReleaseParent(const struct process *child) {
  for (int i = 0; i < processCount; i++)
    if (processes[i].vforkChild == child->pid) processes[i].vforkChild = 0;
}

static void markDead(struct process *p, int status) {
  p->alive = false;
  p->exitStatus = status;
  traceReleaseParent(p);
}

/* Turns a wait status into a stop; an exit stop is passed on to the end of the process. */
static bool classify(struct process *p, int status, struct stop *stop) {
  memset(stop, 0, sizeof *stop);
  if (WIFEXITED(status) || WIFSIGNALED(status)) {
    markDead(p, status);
    stop->kind = STOP_DEAD;
    return true;
  }
  int signal = WSTOPSIG(status), event = status >> 16;
  if (event == PTRACE_EVENT_EXIT) {
    struct faults ignored;
    faultsRead(p, &ignored);
    ptrace(PTRACE_CONT, p->pid, 0, 0);
    return false;
  }
  if (event) {
    stop->kind = STOP_EVENT;
    stop->event = event;
    ptrace(PTRACE_GETEVENTMSG, p->pid, 0, &stop->message);
    return true;
  }
  stop->signal = signal;
  if (signal == (SIGTRAP | 0x80)) {
    stop->kind = STOP_SYSCALL;
    return true;
  }
  ptrace(PTRACE_GETSIGINFO, p->pid, 0, &stop->info);
  stop->kind = signal == SIGTRAP ? STOP_TRAP : STOP_SIGNAL;
  return true;
}

/* An execve waits for the other threads' end, and they wait in their exit stops for us. */
static void reapThreads(const struct process *p) {
  int status;
  for (int i = 0; i < processCount; i++) {
    struct process *other = &processes[i];
    while (other != p && other->alive && other->tgid == p->tgid && waitpid(other->pid, &status, __WALL | WNOHANG) == other->pid)
      classify(other, status, &(struct stop){ 0 });
  }
}

/* Waits for the end of those who were killed: p and its threads, or all. Never for one alone: each stops once more on its way
 * out, and of a group's first thread one hears only when the others are gone. */
static void awaitEnd(const struct process *p) {
  long start = milliseconds();
  for (bool waiting = true; waiting && milliseconds() - start < 5000;) {
    waiting = false;
    for (int i = 0; i < processCount; i++) {
      struct process *other = &processes[i];
      int status, got = 0;
      if (p && other->tgid != p->tgid) continue;
      while (other->alive && (got = waitpid(other->pid, &status, __WALL | WNOHANG)) == other->pid)
        classify(other, status, &(struct stop){ 0 });
      if (other->alive && got < 0 && errno == ECHILD) markDead(other, 0);
      waiting |= other->alive;
    }
    if (waiting) usleep(100);
  }
}

struct stop traceWait(struct process *p) {
  struct stop stop = { .kind = STOP_TIMEOUT };
  long start = milliseconds();
  int asleep = 0;
  struct itimerval every = { { 0, 25000 }, { 0, 25000 } }, never = { { 0, 0 }, { 0, 0 } };
  setitimer(ITIMER_REAL, &every, NULL);
  for (;;) {
    int status;
    int got = waitpid(p->pid, &status, __WALL);
    if (got == p->pid) {
      if (classify(p, status, &stop)) break;
      continue;
    }
    if (got < 0 && errno == ECHILD) { /* taken away by a thread's execve or by the end of its group */
      markDead(p, 0);
      stop.kind = STOP_DEAD;
      break;
    }
    reapThreads(p);
    char state = stateOf(p->pid);
    if (state == 'Z') { /* the first thread of a group whose other threads live on */
      markDead(p, 0);
      p->zombie = true;
      stop.kind = STOP_DEAD;
      break;
    }
    asleep = state == 'S' ? asleep + 1 : 0;
    if (asleep >= 3) { stop.kind = STOP_BLOCKED; break; }
    if (milliseconds() - start > around.stepTimeoutMs) break;
  }
  setitimer(ITIMER_REAL, &never, NULL);
  if (stop.kind == STOP_TIMEOUT) {
    kill(p->tgid, SIGKILL);
    awaitEnd(p);
    markDead(p, SIGKILL);
  }
  return stop;
}

/* Signals that do nothing by default, and those that would stop the process: none of them reaches a process under test. */
static bool harmless(int signal) {
  return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT || signal == SIGSTOP ||
         signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

struct stop traceResume(struct process *p, int request, int signal) {
  for (;;) {
    if (ptrace(request, p->pid, 0, signal) && errno == ESRCH) return traceWait(p);
    struct stop stop = traceWait(p);
    if (stop.kind != STOP_SIGNAL || !harmless(stop.signal)) return stop;
    signal = 0;
  }
}

/* PTRACE_SINGLESTEP will not do: it reads the instruction first (arch/x86/kernel/step.c: is_setting_trap_flag()), so that
 * the tracer would take the fault of a page that is not there. The trap flag, set by hand, does nothing before. */
struct stop traceRun(struct process *p, struct user_regs_struct *regs, bool whole) {
  regs->orig_rax = -1UL; /* nothing to restart */
  regs->eflags &= ~TRAP_FLAG;
  if (!whole) regs->eflags |= TRAP_FLAG;
  ptrace(PTRACE_SETREGS, p->pid, 0, regs);
  return traceResume(p, PTRACE_CONT, 0);
}

/* Brings p to the entry stop of a system call. */
struct stop traceEnterCall(struct process *p, long number, const uint64_t args[6]) {
  struct user_regs_struct regs = p->regs;
  regs.rip = p->text + STUB_SYSCALL;
  regs.eflags &= ~TRAP_FLAG;
  regs.rax = number;
  regs.rdi = args[0], regs.rsi = args[1], regs.rdx = args[2], regs.r10 = args[3], regs.r8 = args[4], regs.r9 = args[5];
  regs.orig_rax = -1UL;
  ptrace(PTRACE_SETREGS, p->pid, 0, &regs);
  return traceResume(p, PTRACE_SYSCALL, 0);
}

/* Lets a signal take its default action, to the end of the process. */
void traceDeliver(struct process *p, int signal) {
  struct stop stop = { .kind = STOP_SIGNAL };
  if (signal == SIGKILL) {
    kill(p->tgid, SIGKILL);
    while (p->alive) traceWait(p);
  }
  for (int i = 0; i < 16 && p->alive && stop.kind != STOP_DEAD; i++) stop = traceResume(p, PTRACE_CONT, signal);
  traceReap();
}

static uint64_t pendingSignals(int pid) {
  char path[32];
  snprintf(path, sizeof path, "%d/status", pid);
  size_t length;
  char *text = slurpAt(around.proc, path, &length);
  if (!text) return 0;
  uint64_t pending = 0;
  for (char *line = text; (line = strstr(line, "Pnd:\t")); line += 5) pending |= strtoull(line + 5, NULL, 16);
  free(text);
  return pending;
}

uint64_t tracePending(const struct process *p) { return pendingSignals(p->pid); }

/* A parent waits for its vfork child in a killable sleep. A deadly signal ends such a sleep at once, but not a traced one
 * (kernel/signal.c: complete_signal()): it is ended here. */
static void endSuspended(struct process *p) {
  uint64_t pending = pendingSignals(p->pid);
  if (p->handlesSegv) pending &= ~(1UL << (SIGSEGV - 1));
  if (p->handlesBus) pending &= ~(1UL << (SIGBUS - 1));
  for (int signal = 1; signal <= 64; signal++)
    if ((pending >> (signal - 1) & 1) && !harmless(signal)) return traceDeliver(p, SIGKILL);
}

/* A signal that waits for the process is met now: its handler has run, or the process dies. */
void traceMeetPending(struct process *p) {
  uint64_t pending = pendingSignals(p->pid);
  for (int signal = 1; signal <= 64; signal++) {
    if (!(pending >> (signal - 1) & 1) || harmless(signal)) continue;
    struct stop stop = traceResume(p, PTRACE_CONT, 0);
    bool handled = (stop.signal == SIGSEGV && p->handlesSegv) || (stop.signal == SIGBUS && p->handlesBus);
    if (stop.kind == STOP_SIGNAL && !handled) traceDeliver(p, stop.signal);
    return;
  }
}

/* After a kill(): everybody who was sent a deadly signal dies now, not when it next runs. */
void traceDeliverPending(void) {
  for (int i = 0; i < processCount; i++) {
    struct process *p = &processes[i];
    if (!p->alive) continue;
    if (p->suspended) endSuspended(p);
    else traceMeetPending(p);
  }
  traceReap();
}

/* The first thread of a group that ended before the others: how is told when they are gone. True while it is still to come. */
static bool reapLeader(struct process *p) {
  int status;
  for (int i = 0; i < processCount; i++)
    if (processes[i].alive && processes[i].tgid == p->tgid) return false;
  int got = waitpid(p->pid, &status, __WALL | WNOHANG);
  if (got == p->pid) p->exitStatus = status;
  if (got) p->zombie = false;
  return !got;
}

/* Notices those who died without being asked to run: by SIGKILL, or with the rest of their thread group. */
void traceReap(void) {
  for (int round = 0; round < 50; round++) {
    bool waiting = false;
    for (int i = 0; i < processCount; i++) {
      struct process *p = &processes[i];
      int status;
      if (!p->alive) continue;
      /* Who lives is stopped. This is asked before the stops are taken: one on the way out is a stop, too. */
      bool leaving = (pendingSignals(p->pid) >> (SIGKILL - 1) & 1) || stateOf(p->pid) != 't';
      while (p->alive) {
        int got = waitpid(p->pid, &status, __WALL | WNOHANG);
        if (got < 0 && errno == ECHILD) markDead(p, 0);
        if (got != p->pid) break;
        classify(p, status, &(struct stop){ 0 });
        leaving = true;
      }
      if (!p->alive) continue;
      struct process *leader = processFind(p->tgid);
      if ((leader && !leader->alive && !leader->zombie) || leaving) waiting = true;
    }
    for (int i = 0; i < processCount; i++) waiting |= processes[i].zombie && reapLeader(&processes[i]);
    if (!waiting) return;
    usleep(2000);
  }
}

void traceKillAll(void) {
  for (int i = 0; i < processCount; i++)
    if (processes[i].alive) kill(processes[i].tgid, SIGKILL);
  awaitEnd(NULL);
  while (waitpid(-1, NULL, WNOHANG | __WALL) > 0) {}
  processCount = 0;
}
