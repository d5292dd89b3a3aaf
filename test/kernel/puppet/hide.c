/* Takes a process's arguments out of the sight of others.
 *
 * Whoever reads /proc/PID/cmdline (ps does, of every process) makes the kernel look the stack page up, which marks it as
 * referenced: `Referenced` in smaps would depend on who looks. With an empty argument area nobody touches the page. */
#include "harness.h"
#include <linux/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

/* The numbers of /proc/PID/stat, counted from the state as 3, as proc(5) does. */
static bool readStat(struct process *p, uint64_t *fields, int count) {
  char path[32];
  size_t length;
  snprintf(path, sizeof path, "%d/stat", p->pid);
  char *text = slurpAt(around.proc, path, &length), *at = text ? strrchr(text, ')') : NULL;
  int i = 4;
  if (at) at += 4; /* ") S " */
  for (; at && i < count; i++) fields[i] = strtoull(at, &at, 10);
  free(text);
  return i == count;
}

static bool put(struct process *p, uint64_t address, const uint64_t *words, int count) {
  struct stop stop;
  for (int i = 0; i < count; i++) {
    struct user_regs_struct regs = p->regs;
    regs.rip = p->text + STUB_STORE8;
    regs.rsi = address + i * 8;
    regs.rax = words ? words[i] : 0;
    stop = traceRun(p, &regs, false);
    if (stop.kind != STOP_TRAP) return false;
  }
  return true;
}

/* The argument of prctl(PR_SET_MM_MAP) lies for a moment in the page of the stack pointer, below it, where there is nothing
 * yet; all other boundaries are set to what they are. */
void hideArguments(struct process *p) {
  uint64_t f[52] = { 0 }, at = p->regs.rsp & ~(PAGE - 1);
  if ((p->regs.rsp & (PAGE - 1)) < 512 || !readStat(p, f, 52)) return;
  struct prctl_mm_map map = { .start_code = f[26], .end_code = f[27], .start_data = f[45], .end_data = f[46], .start_brk = f[47],
    .brk = f[47], .start_stack = f[28], .arg_start = f[48], .arg_end = f[48], .env_start = f[48], .env_end = f[48],
    .exe_fd = -1 };
  uint64_t words[sizeof map / 8];
  memcpy(words, &map, sizeof words);
  if (!put(p, at, words, sizeof map / 8)) return;
  uint64_t args[6] = { PR_SET_MM, PR_SET_MM_MAP, at, sizeof map, 0, 0 };
  if (traceEnterCall(p, SYS_prctl, args).kind == STOP_SYSCALL) traceResume(p, PTRACE_SYSCALL, 0);
  put(p, at, NULL, sizeof map / 8);
}
