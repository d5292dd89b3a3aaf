/* The steps of a process: spawn, system calls and what follows from them (children, execve, death). */
#include "harness.h"
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <grp.h>

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
                 PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)

static bool textPresent(struct process *p) {
  char path[32];
  uint64_t entry = 0;
  snprintf(path, sizeof path, "%d/pagemap", p->pid);
  int fd = openat(around.proc, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  if (pread(fd, &entry, 8, p->text / PAGE * 8) != 8) entry = 0;
  close(fd);
  return entry >> 63;
}

/* A parent that waits in vfork goes on once its child has another address space or none. */
static bool resumeFromVfork(struct process *p) {
  if (!p->suspended) return true;
  struct process *child = processFind(p->vforkChild);
  if (child && child->alive) return false;
  struct stop stop = traceResume(p, PTRACE_SYSCALL, 0);
  while (stop.kind == STOP_EVENT) stop = traceResume(p, PTRACE_SYSCALL, 0);
  p->suspended = false;
  if (stop.kind != STOP_SYSCALL) return false;
  traceMeetPending(p); /* sent while it waited */
  return p->alive;
}

bool stepSettled(struct process *p, const struct stop *stop) {
  if (stop->kind == STOP_DEAD) {
    outError("process %d died (status 0x%x)", p->pid, p->exitStatus);
    return false;
  }
  if (stop->kind == STOP_TIMEOUT) {
    outError("process %d ran longer than a step may and was killed", p->pid);
    return false;
  }
  return true;
}

bool stepExpired(struct process *p, const struct measure *m) {
  if (milliseconds() - m->started <= around.stepTimeoutMs) return false;
  traceDeliver(p, SIGKILL);
  outError("process %d ran longer than a step may and was killed", p->pid);
  return true;
}

bool stepBegin(struct process *p, struct measure *m) {
  m->own = (struct faults){ 0, 0 };
  m->started = milliseconds();
  if (!p->alive) return outError("process %d is dead", p->pid), false;
  if (!resumeFromVfork(p)) return outError("process %d waits in vfork", p->pid), false;
  faultsRead(p, &m->before);
  if (textPresent(p)) return true;
  struct user_regs_struct regs = p->regs;
  regs.rip = p->text + STUB_NOP;
  struct stop stop = traceRun(p, &regs, false);
  if (!stepSettled(p, &stop)) return false;
  if (stop.kind != STOP_TRAP) return outError("the text page of process %d cannot be executed", p->pid), false;
  m->own = faultsSince(p, m->before);
  faultsRead(p, &m->before);
  return true;
}

void stepEnd(struct process *p, const struct measure *m) {
  struct faults f = faultsSince(p, m->before);
  printf(",\"minflt\":%ld,\"majflt\":%ld", f.minor, f.major);
  if (m->own.minor || m->own.major) printf(",\"own\":[%ld,%ld]", m->own.minor, m->own.major);
  if (!p->alive) printf(",\"died\":true,\"status\":%d", p->exitStatus);
  printf("}\n");
}

/* The end of a process that was killed by others, such as the OOM killer, or that ended by itself. */
void stepDeath(struct process *p) {
  if (WIFSIGNALED(p->exitStatus)) printf("{\"signal\":%d,\"code\":0,\"addr\":\"0x0\"", WTERMSIG(p->exitStatus));
  else printf("{\"value\":\"0x0\"");
}

void stepSignal(struct process *p, const struct stop *stop) {
  printf("{\"signal\":%d,\"code\":%d,\"addr\":\"0x%lx\"", stop->signal, stop->info.si_code,
         stop->info.si_code > 0 ? (unsigned long)stop->info.si_addr : 0); /* who sent it lies in the same place */
  bool handled = (stop->signal == SIGSEGV && p->handlesSegv) || (stop->signal == SIGBUS && p->handlesBus);
  if (!handled) traceDeliver(p, stop->signal);
}

/* Executes the first instruction of a new image and learns where it is. If it dies of it, the line begins with the signal. */
enum entered { ENTER_FAILED, ENTER_DIED, ENTER_DONE };

static enum entered enterImage(struct process *p) {
  uint8_t page[PAGE];
  ptrace(PTRACE_GETREGS, p->pid, 0, &p->regs);
  struct stop stop = traceRun(p, &p->regs, false);
  if (stop.kind == STOP_SIGNAL) {
    p->handlesSegv = p->handlesBus = false;
    return stepSignal(p, &stop), ENTER_DIED;
  }
  if (!stepSettled(p, &stop)) return ENTER_FAILED;
  if (stop.kind != STOP_TRAP) return outError("process %d: its first instruction failed", p->pid), ENTER_FAILED;
  p->regs.eflags &= ~TRAP_FLAG;
  p->text = p->regs.rip & ~(PAGE - 1);
  p->handlesSegv = p->handlesBus = false;
  if (!tracePeek(p, p->text, page, PAGE)) return outError("process %d: no text page", p->pid), ENTER_FAILED;
  enum imageKind kind = imageCheck(page, p->text);
  if (kind == IMAGE_FOREIGN) return outError("process %d runs a program that was not declared", p->pid), ENTER_FAILED;
  p->vectorsValid = kind == IMAGE_OWN;
  hideArguments(p);
  return ENTER_DONE;
}

static void limit(int resource, rlim_t soft, rlim_t hard) { setrlimit(resource, &(struct rlimit){ soft, hard }); }

static void becomeUser(void) {
  for (int i = 1; i < 32; i++) signal(i, SIG_DFL);
  setsid();
  dup2(around.stdinNull, 0);
  dup2(around.stdoutNull, 1);
  dup2(around.stdoutNull, 2);
  syscall(SYS_close_range, 3, ~0U, 0);
  limit(RLIMIT_STACK, 8 << 20, RLIM_INFINITY);
  limit(RLIMIT_MEMLOCK, 8 << 20, 8 << 20);
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY);
  limit(RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY);
  personality(ADDR_NO_RANDOMIZE);
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  umask(022);
  if (chdir("/") || setgroups(0, NULL) || setresgid(USER_ID, USER_ID, USER_ID) || setresuid(USER_ID, USER_ID, USER_ID))
    _exit(126);
}

static void joinCgroup(void) {
  if (around.cgroupProcs >= 0 && write(around.cgroupProcs, "0", 1) < 0) _exit(126);
  int fd = openat(around.proc, "self/oom_score_adj", O_WRONLY);
  if (fd >= 0 && write(fd, "1000", 4) < 0) _exit(126);
}

void stepSpawn(const char *path, char **argv, char **envp) {
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    joinCgroup();
    becomeUser();
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    execve(path, argv, envp);
    _exit(127);
  }
  struct process *p = pid < 0 ? NULL : processAdd(pid);
  if (!p) {
    if (pid > 0) kill(pid, SIGKILL), waitpid(pid, NULL, 0);
    outError("spawn: no more processes");
    return;
  }
  struct stop stop = traceWait(p);
  if (stop.kind != STOP_SIGNAL) { outError("spawn: the new process did not start (0x%x)", p->exitStatus); return; }
  ptrace(PTRACE_SETOPTIONS, pid, 0, OPTIONS);
  struct user_regs_struct regs = { 0 };
  do {
    stop = traceResume(p, PTRACE_SYSCALL, 0);
    if (stop.kind == STOP_SYSCALL) ptrace(PTRACE_GETREGS, pid, 0, &regs);
  } while (stop.kind == STOP_SYSCALL && !(regs.orig_rax == SYS_execve && regs.rax == -(uint64_t)ENOSYS));
  struct faults before;
  faultsRead(p, &before);
  p->base = before;
  while (stop.kind == STOP_SYSCALL || stop.kind == STOP_EVENT) {
    stop = traceResume(p, PTRACE_SYSCALL, 0);
    if (stop.kind == STOP_SYSCALL) break;
  }
  ptrace(PTRACE_GETREGS, pid, 0, &regs);
  if (stop.kind != STOP_SYSCALL || regs.rax) {
    if (stop.kind == STOP_SYSCALL) printf("{\"errno\":%d}\n", (int)-regs.rax);
    else outError("spawn: execve ended in signal %d", p->exitStatus);
    traceDeliver(p, SIGKILL);
    return;
  }
  enum entered entered = enterImage(p);
  if (entered == ENTER_FAILED) return;
  printf(entered == ENTER_DIED ? ",\"pid\":%d" : "{\"pid\":%d", pid);
  stepEnd(p, &(struct measure){ 0 });
}

/* A child stops before its first instruction; it executes one, as spawn does. */
static bool startChild(struct process *child) {
  struct stop stop = { 0 };
  struct user_regs_struct regs;
  ptrace(PTRACE_GETREGS, child->pid, 0, &child->regs);
  regs = child->regs;
  regs.rip = child->text + STUB_NOP;
  for (int i = 0; i < 3; i++) {
    stop = traceRun(child, &regs, false);
    if (stop.kind != STOP_TRAP) break;
    ptrace(PTRACE_GETREGS, child->pid, 0, &regs);
    if (regs.rip == child->text + STUB_NOP + 1) return true;
    regs.rip = child->text + STUB_NOP;
  }
  return false;
}

static struct process *adoptChild(struct process *parent, int pid, bool thread) {
  struct process *child = processAdd(pid);
  if (!child) { /* too many: as if the fork had failed */
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) == pid && !kill(pid, 0)) ptrace(PTRACE_CONT, pid, 0, 0);
    return NULL;
  }
  child->text = parent->text;
  child->vectorsValid = parent->vectorsValid;
  child->handlesSegv = parent->handlesSegv;
  child->handlesBus = parent->handlesBus;
  if (thread) child->tgid = parent->tgid, child->base = parent->base;
  traceWait(child);
  return child;
}

static void stopSleeping(struct process *p) {
  syscall(SYS_tgkill, p->tgid, p->pid, SIGSTOP);
  traceWait(p);
}

/* What a system call went through between its entry and its end. */
struct call {
  struct process *child;
  bool replaced; /* by execve */
  bool limited;  /* a child that is one too many */
  uint64_t flags;
};

/* Runs a system call from its entry stop to its exit stop; children and new images are handled on the way. */
static struct stop finishCall(struct process *p, struct call *call) {
  struct stop stop;
  for (;;) {
    stop = traceResume(p, PTRACE_SYSCALL, 0);
    if (stop.kind != STOP_EVENT) return stop;
    if (stop.event == PTRACE_EVENT_EXEC) call->replaced = true;
    if (stop.event == PTRACE_EVENT_FORK || stop.event == PTRACE_EVENT_VFORK || stop.event == PTRACE_EVENT_CLONE) {
      call->child = adoptChild(p, stop.message, call->flags & CLONE_THREAD);
      call->limited = !call->child;
    }
    if (stop.event == PTRACE_EVENT_VFORK && call->child) {
      p->suspended = true;
      p->vforkChild = stop.message;
      return stop;
    }
  }
}

static void childReport(struct process *child) {
  struct faults before = { 0, 0 };
  faultsRead(child, &before);
  if (!startChild(child)) {
    printf(",\"child\":{\"pid\":%d,\"failed\":true}", child->pid);
    return;
  }
  struct faults f = faultsSince(child, before);
  printf(",\"child\":{\"pid\":%d,\"minflt\":%ld,\"majflt\":%ld}", child->pid, f.minor, f.major);
}

static void deadReport(const bool *before, int count) {
  const char *comma = "";
  printf(",\"dead\":[");
  for (int i = 0; i < count; i++)
    if (before[i] && !processes[i].alive) printf("%s%d", comma, processes[i].pid), comma = ",";
  printf("]");
}

/* The signal that a call has sent its caller, so that its result is seen by nobody; 0 for none. An execve that fails behind
 * the point where the old image is gone is forced a SIGSEGV, who exceeds RLIMIT_FSIZE gets a SIGXFSZ. */
static int sentByCall(long number, const struct call *call) {
  if (number == SYS_execve) return call->replaced ? 0 : SIGSEGV;
  bool grows = number == SYS_write || number == SYS_pwrite64 || number == SYS_ftruncate;
  return grows ? SIGXFSZ : 0;
}

static void meetSignal(struct process *p, int signal, struct stop *stop) {
  if (!signal || !(tracePending(p) >> (signal - 1) & 1)) return;
  if (signal == SIGSEGV) p->handlesSegv = false;
  *stop = traceResume(p, PTRACE_CONT, 0);
}

static void writeResult(uint64_t rax) {
  if (rax > -4096UL) printf("{\"errno\":%d", (int)-rax);
  else printf("{\"value\":\"0x%lx\"", rax);
}

static bool killsOthers(long number) {
  return number == SYS_kill || number == SYS_tkill || number == SYS_tgkill || number == SYS_exit_group || number == SYS_exit;
}

static bool returned(struct process *p, const struct call *call) {
  struct user_regs_struct regs = { 0 };
  if (!ptrace(PTRACE_GETREGS, p->pid, 0, &regs)) /* fails when it was killed on the way out */
    p->regs.fs_base = regs.fs_base, p->regs.gs_base = regs.gs_base;
  if (call->replaced) {
    traceReleaseParent(p);
    enum entered entered = enterImage(p);
    if (entered != ENTER_DONE) return entered == ENTER_DIED;
  }
  writeResult(call->limited ? -(uint64_t)EAGAIN : regs.rax);
  return true;
}

/* Begins the line with the outcome; false when it is complete already. */
static bool callOutcome(struct process *p, const struct stop *stop, const struct call *call) {
  if (stop->kind == STOP_TIMEOUT) return stepSettled(p, stop);
  if (stop->kind == STOP_BLOCKED) {
    stopSleeping(p);
    printf("{\"blocked\":true");
  } else if (stop->kind == STOP_SIGNAL) stepSignal(p, stop);
  else if (stop->kind == STOP_DEAD) stepDeath(p);
  else if (p->suspended) printf("{\"value\":\"0x%x\"", p->vforkChild);
  else return returned(p, call);
  return true;
}

void stepSyscall(struct process *p, long number, const uint64_t args[6]) {
  static bool before[MAX_PROCESSES];
  struct measure m;
  struct call call = { .flags = number == SYS_clone ? args[0] : 0 };
  int count = processCount;
  if (call.flags & CLONE_UNTRACED) { outError("clone: CLONE_UNTRACED cannot be followed"); return; }
  if (number == SYS_execve && p->tgid != p->pid) { outError("execve: not the first thread of its group"); return; }
  if (!stepBegin(p, &m)) return;
  for (int i = 0; i < count; i++) before[i] = processes[i].alive;
  struct stop stop = traceEnterCall(p, number, args);
  if (stop.kind == STOP_SYSCALL) stop = finishCall(p, &call);
  if (stop.kind == STOP_SYSCALL) meetSignal(p, sentByCall(number, &call), &stop);
  if (!callOutcome(p, &stop, &call)) return;
  if (killsOthers(number)) traceDeliverPending();
  if (call.child) childReport(call.child);
  deadReport(before, count);
  struct faults taken = faultsSince(p, m.before);
  if (taken.minor || taken.major) tlbForget();
  stepEnd(p, &m);
}

/* prlimit() on behalf of the process, with its user's rights: it needs no memory there. */
void stepLimit(struct process *p, int resource, uint64_t soft, uint64_t hard, bool hasHard) {
  struct rlimit old, new = { soft, hard };
  if (!p->alive) { outError("process %d is dead", p->pid); return; }
  if (syscall(SYS_setresgid, USER_ID, USER_ID, 0) || syscall(SYS_setresuid, USER_ID, USER_ID, 0)) abort();
  int failed = prlimit(p->tgid, resource, NULL, &old) ? errno : 0;
  if (!failed && !hasHard) new.rlim_max = old.rlim_max;
  if (!failed) failed = prlimit(p->tgid, resource, &new, NULL) ? errno : 0;
  if (syscall(SYS_setresuid, 0, 0, 0) || syscall(SYS_setresgid, 0, 0, 0)) abort();
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of user clears it */
  if (failed) printf("{\"errno\":%d,\"minflt\":0,\"majflt\":0}\n", failed);
  else printf("{\"value\":\"0x0\",\"minflt\":0,\"majflt\":0}\n");
}
