/* What the CPU does between system calls: single loads, stores and instruction fetches. */
#include "harness.h"
#include <sys/ptrace.h>

/* Base + index * scale of any two registers with this value is not canonical: an instruction that touches memory through
 * them traps without a page fault, whatever its bytes are. */
#define POISON 0x10000000f0f0f0f0UL

/* One byte or word through a stub; false when it ended in a signal, which is then in `stop`. */
static bool touch(struct process *p, int stub, uint64_t address, uint64_t *value, struct stop *stop) {
  struct user_regs_struct regs = p->regs;
  regs.rip = p->text + stub;
  regs.rsi = address;
  regs.rax = *value;
  if (!(address & (PAGE - 1))) inspectWaitForReads();
  *stop = traceRun(p, &regs, false);
  if (stop->kind != STOP_TRAP) return false;
  if (stub == STUB_LOAD1 || stub == STUB_LOAD8) {
    ptrace(PTRACE_GETREGS, p->pid, 0, &regs);
    *value = stub == STUB_LOAD1 ? regs.rax & 0xff : regs.rax;
  }
  return true;
}

/* Ends a step whose access failed. */
static void failed(struct process *p, const struct stop *stop, const struct measure *m) {
  if (stop->kind != STOP_DEAD && !stepSettled(p, stop)) return;
  if (stop->kind == STOP_DEAD) stepDeath(p);
  else stepSignal(p, stop);
  stepEnd(p, m);
}

static uint64_t nextPage(uint64_t address) { return (address & ~(PAGE - 1)) + PAGE; }

/* Reads bytes of pages that have just been touched. */
static bool readOut(struct process *p, uint64_t address, uint8_t *bytes, size_t length, struct stop *stop) {
  size_t done = 0;
  while (done < length) {
    bool word = length - done >= 8;
    uint64_t value = 0;
    if (!touch(p, word ? STUB_LOAD8 : STUB_LOAD1, address + done, &value, stop)) return false;
    memcpy(bytes + done, &value, word ? 8 : 1);
    done += word ? 8 : 1;
  }
  return true;
}

void stepLoad(struct process *p, uint64_t address, uint64_t length) {
  struct measure m;
  struct stop stop;
  uint8_t bytes[256];
  uint64_t value = 0, end = address + length;
  size_t shown = length < sizeof bytes ? length : sizeof bytes;
  if (!stepBegin(p, &m)) return;
  for (uint64_t at = address; at - address < length; at = nextPage(at)) {
    if (!touch(p, STUB_LOAD1, at, &value, &stop)) { failed(p, &stop, &m); return; }
    if (stepExpired(p, &m)) return;
    if (at == address) bytes[0] = value;
    if (nextPage(at) < at || end < address) break;
  }
  if (shown > 1 && !readOut(p, address, bytes, shown, &stop)) { failed(p, &stop, &m); return; }
  printf("{\"bytes\":\"");
  for (size_t i = 0; i < shown; i++) printf("%02x", bytes[i]);
  printf("\"");
  stepEnd(p, &m);
}

/* Byte after byte; behind the first byte of a page nothing can fault, so the rest goes eight at a time. */
void stepStore(struct process *p, uint64_t address, const uint8_t *bytes, uint64_t length) {
  struct measure m;
  struct stop stop;
  if (!stepBegin(p, &m)) return;
  for (uint64_t done = 0; done < length;) {
    uint64_t at = address + done, left = nextPage(at) - at, value = bytes[done];
    if (left > length - done) left = length - done;
    bool word = (at & (PAGE - 1)) && done && left >= 8;
    if (word) memcpy(&value, bytes + done, 8);
    if (!touch(p, word ? STUB_STORE8 : STUB_STORE1, at, &value, &stop)) { failed(p, &stop, &m); return; }
    if (stepExpired(p, &m)) return;
    done += word ? 8 : 1;
  }
  printf("{\"value\":\"0x0\"");
  stepEnd(p, &m);
}

void stepFill(struct process *p, uint64_t address, uint8_t fill, uint64_t length) {
  struct measure m;
  struct stop stop;
  if (!stepBegin(p, &m)) return;
  for (uint64_t done = 0; done < length;) {
    uint64_t at = address + done, here = nextPage(at) - at, value = fill;
    if (here > length - done) here = length - done;
    if (!touch(p, STUB_STORE1, at, &value, &stop)) { failed(p, &stop, &m); return; }
    if (here > 1) {
      struct user_regs_struct regs = p->regs;
      regs.rip = p->text + STUB_FILL;
      regs.rdi = at + 1, regs.rcx = here - 1, regs.rax = fill;
      regs.eflags &= ~0x400UL; /* upwards */
      stop = traceRun(p, &regs, true);
      if (stop.kind != STOP_TRAP) { failed(p, &stop, &m); return; }
    }
    if (stepExpired(p, &m)) return;
    done += here;
  }
  printf("{\"value\":\"0x0\"");
  stepEnd(p, &m);
}

static bool canonical(uint64_t address) { return (int64_t)(address << 16) >> 16 == (int64_t)address; }

/* The signal of a fetch itself, apart from those that the fetched bytes raise when they are executed. */
static bool fetchFailed(const struct stop *stop, uint64_t address) {
  if (stop->signal != SIGSEGV && stop->signal != SIGBUS) return false;
  if (stop->info.si_code == SI_KERNEL) return !canonical(address);
  return (uint64_t)stop->info.si_addr == address;
}

/* Jumps to the address for one instruction. Whatever its bytes mean, it finds no register that leads to memory. */
void stepFetch(struct process *p, uint64_t address) {
  struct measure m;
  if (!stepBegin(p, &m)) return;
  struct user_regs_struct regs = p->regs;
  regs.rax = regs.rbx = regs.rcx = regs.rdx = regs.rsi = regs.rdi = regs.rbp = regs.rsp = POISON;
  regs.r8 = regs.r9 = regs.r10 = regs.r11 = regs.r12 = regs.r13 = regs.r14 = regs.r15 = POISON;
  regs.rip = address;
  struct stop stop = traceRun(p, &regs, false);
  if (stop.kind == STOP_SIGNAL && fetchFailed(&stop, address)) { failed(p, &stop, &m); return; }
  if (stop.kind == STOP_DEAD || stop.kind == STOP_TIMEOUT) { failed(p, &stop, &m); return; }
  printf("{\"value\":\"0x0\"");
  stepEnd(p, &m);
}
