/* What the parts of the driver share: the processes under test, the constants table and the protocol's output. */
#ifndef HARNESS_H
#define HARNESS_H
#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/user.h>

#define PAGE 4096UL
#define MAX_PROCESSES 4096 /* in one run, dead ones included */
#define MAX_ALIVE 256
#define TRAP_FLAG 0x100UL
#define USER_ID 1000
#define FIRST_PID 1000

/* Byte offsets, in the first text page of every generated image, of the instructions a step executes. */
enum { STUB_NOP = 0x00, STUB_SYSCALL = 0x10, STUB_LOAD1 = 0x20, STUB_STORE1 = 0x30, STUB_FILL = 0x40, STUB_LOAD8 = 0x50,
       STUB_STORE8 = 0x60, CONSTANTS_START = 0x80 };

struct faults { long minor, major; };

struct process {
  int pid, tgid;
  bool alive, suspended, zombie;       /* suspended: in vfork until its child execs or exits */
  int vforkChild;
  uint64_t text;                /* address of the page that holds the stubs */
  bool vectorsValid;            /* the pointers in the constants table fit this load address */
  bool handlesSegv, handlesBus;
  struct faults base;           /* counted before the execve of spawn */
  struct faults last;           /* last figures read, for a process that is gone */
  int exitStatus;
  struct user_regs_struct regs; /* registers that every step starts from */
};

extern struct process processes[MAX_PROCESSES];
extern int processCount;

/* --- main.c: the driver's surroundings, opened before chroot --- */
struct surroundings {
  int oldRoot;       /* the machine's own root directory */
  int proc;          /* a /proc of the private pid namespace */
  int kpageflags, kpagecount, pagesOfNobody;
  int stdinNull, stdoutNull;
  int inflight;      /* requests that the file system's device has not answered; -1 without a device */
  int cgroupProcs;   /* -1 without a memory controller */
  bool tmpfs, largeFolios, exclusive;
  int cpu;
  char fileDisk[64]; /* what the file system lies on; empty: a loop device */
  char swapDevice[64];
  bool swapOn;
  long stepTimeoutMs;
};
extern struct surroundings around;

/* --- global.c: settings of the whole machine, shared by all drivers that run --- */
struct globalOptions { bool exclusive; unsigned long swapBytes; char swapDevice[64]; long waitMs; bool beside; };
int globalEnter(struct globalOptions *options, char *why, size_t whySize);
void globalLeave(void);
/* Somebody waits who cannot run beside this driver: who can, makes room between two scenarios. */
bool globalWanted(void);
/* Notes what a driver that is killed would leave: a setting and its old value, or a directory to remove. */
void globalRemember(const char *key, const char *value);
/* A zram device: the one kind of disk here that completes its I/O before it returns, so that what is read is there when a
 * step ends. False, with an empty name or a device to remove, where there is none. */
bool globalDiskAdd(unsigned long bytes, char *device, size_t deviceSize);
void globalDiskRemove(const char *device);
/* Sets a file below the machine's root and remembers its old content. Exclusive drivers only. */
int globalSet(int root, const char *path, const char *value);

/* --- elf.c --- */
struct shape { bool pie, library; uint64_t text, rodata, data, bss; const char *interp; };
int constantAdd(const uint8_t *bytes, size_t length);
int constantVector(const int *items, int count);
void constantsClear(void);
/* Address of constant `index` in process p, or 0 when it has none. */
uint64_t constantAddress(const struct process *p, int index);
int imageWrite(int fd, const struct shape *shape);
/* IMAGE_FOREIGN has no stubs, IMAGE_ELSEWHERE has constants whose pointers are meant for another address. */
enum imageKind { IMAGE_FOREIGN, IMAGE_ELSEWHERE, IMAGE_OWN };
enum imageKind imageCheck(const uint8_t *page, uint64_t text);

/* --- files.c --- */
int fileParents(const char *path);
int filePattern(const char *path, uint64_t size);
int fileBytes(const char *path, const uint8_t *bytes, size_t length);
int fileProgram(const char *path, const struct shape *shape, mode_t mode);
int filesSettle(bool warm);
int filesEvict(void);
int fileCached(const char *path);
int filesRemoveAll(void);
int filesPrepareRoot(void);

/* --- trace.c --- */
enum stopKind { STOP_TRAP, STOP_SYSCALL, STOP_EVENT, STOP_SIGNAL, STOP_DEAD, STOP_BLOCKED, STOP_TIMEOUT };
struct stop { enum stopKind kind; int event; unsigned long message; int signal; siginfo_t info; };
struct process *processFind(int pid);
struct process *processAdd(int pid);
void traceSetup(void);
/* Resumes p with a ptrace request and waits for its next stop; signals that a process ignores by default are dropped. */
struct stop traceResume(struct process *p, int request, int signal);
struct stop traceWait(struct process *p);
/* Runs one instruction at `ip` (or until the int3 behind it, with `whole`). */
struct stop traceRun(struct process *p, struct user_regs_struct *regs, bool whole);
struct stop traceEnterCall(struct process *p, long number, const uint64_t args[6]);
void traceDeliver(struct process *p, int signal);
void traceMeetPending(struct process *p);
void traceDeliverPending(void);
/* The signals that wait for p or its group, bit 0 for signal 1. */
uint64_t tracePending(const struct process *p);
void traceReap(void);
void traceReleaseParent(const struct process *child); /* the parent that waits in vfork for it may go on */
void traceKillAll(void);
/* Copies memory of p that is present; touches no page that is not. */
bool tracePeek(struct process *p, uint64_t address, void *bytes, size_t length);
bool faultsRead(struct process *p, struct faults *out);
struct faults faultsSince(struct process *p, struct faults before);

/* --- steps.c and access.c: each step writes one line of JSON --- */
struct measure { struct faults before, own; long started; };
/* Makes p ready to run a stub, and begins to count; false (and an error is written) when p cannot run. */
bool stepBegin(struct process *p, struct measure *m);
/* Ends the line that a step began with `{…`: the faults of the step, and whether p is gone. */
void stepEnd(struct process *p, const struct measure *m);
/* Writes what a fault signal was, and lets it take its action: nothing with a handler, else the end of p. */
void stepSignal(struct process *p, const struct stop *stop);
/* True when the step has run too long; the process is then killed and the line written. */
bool stepExpired(struct process *p, const struct measure *m);
long milliseconds(void);
void stepDeath(struct process *p);
/* False, and an error is written, when the process is gone or had to be killed. */
bool stepSettled(struct process *p, const struct stop *stop);
void stepSpawn(const char *path, char **argv, char **envp);
void stepSyscall(struct process *p, long number, const uint64_t args[6]);
void stepLoad(struct process *p, uint64_t address, uint64_t length);
void stepStore(struct process *p, uint64_t address, const uint8_t *bytes, uint64_t length);
void stepFill(struct process *p, uint64_t address, uint8_t value, uint64_t length);
void stepFetch(struct process *p, uint64_t address);
void stepLimit(struct process *p, int resource, uint64_t soft, uint64_t hard, bool hasHard);

/* --- inspect.c --- */
#define DUMP_MAPS 1
#define DUMP_SMAPS 2
#define DUMP_STATUS 4
#define DUMP_PAGES 8
void inspectDump(struct process *p, unsigned what);
void inspectWaitForReads(void);
void inspectSettle(void);

/* --- hide.c --- */
void hideArguments(struct process *p);

/* --- tlb.c --- */
void tlbSetup(void);
void tlbForget(void);

/* --- main.c: output --- */
void outText(const char *bytes, size_t length); /* a JSON string with its quotes */
void outError(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *slurpAt(int dir, const char *path, size_t *length);
#endif
