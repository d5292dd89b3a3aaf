/*
 * The kernel's side of the benchmark: the same operations as bench/operations.ts, on this machine's memory manager.
 * Prints one line an operation: its name, then the nanoseconds of one operation in each round.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define PAGES 16384UL
#define PAIRS 20000UL
#define VMAS 30000UL
#define PROTECTS 20000UL
#define FORK_PAGES 65536UL
#define SCATTER 7919UL
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static int rounds;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void check(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static char *map(unsigned long pages, int prot) {
  char *at = mmap(NULL, pages * PAGE, prot, ANON, -1, 0);
  check(at != MAP_FAILED, "mmap");
  return at;
}

static void touch(char *at, unsigned long pages) {
  for (unsigned long i = 0; i < pages; i++) ((volatile char *)at)[i * PAGE] = 1;
}

/* A child that holds the pages until it is killed. */
static pid_t fork_idle(void) {
  pid_t pid = fork();
  check(pid >= 0, "fork");
  if (pid == 0) for (;;) pause();
  return pid;
}

static void end(pid_t pid) {
  kill(pid, SIGKILL);
  check(waitpid(pid, NULL, 0) == pid, "waitpid");
}

static double first_write(void) {
  char *at = map(PAGES, PROT_READ | PROT_WRITE);
  double start = now();
  touch(at, PAGES);
  double spent = now() - start;
  munmap(at, PAGES * PAGE);
  return spent / PAGES;
}

static double copy_on_write(void) {
  char *at = map(PAGES, PROT_READ | PROT_WRITE);
  touch(at, PAGES);
  pid_t child = fork_idle();
  double start = now();
  touch(at, PAGES);
  double spent = now() - start;
  end(child);
  munmap(at, PAGES * PAGE);
  return spent / PAGES;
}

static double unmap_page(void) {
  char *at = map(PAGES, PROT_READ | PROT_WRITE);
  touch(at, PAGES);
  double start = now();
  munmap(at, PAGES * PAGE);
  return (now() - start) / PAGES;
}

static double pair(void) {
  double start = now();
  for (unsigned long i = 0; i < PAIRS; i++) munmap(map(1, PROT_READ | PROT_WRITE), PAGE);
  return (now() - start) / PAIRS;
}

static char *vmas[VMAS];

/* Neighbours differ in their protection, so none merge. */
static double grow(void) {
  double start = now();
  for (unsigned long i = 0; i < VMAS; i++) vmas[i] = map(1, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE);
  return now() - start;
}

static void shrink(void) {
  for (unsigned long i = 0; i < VMAS; i++) munmap(vmas[i], PAGE);
}

static double growing(void) {
  double spent = grow();
  shrink();
  return spent / VMAS;
}

/* The number behind `at` of a row that comes to all pages in no order. */
static unsigned long shuffled(unsigned long at) { return (at * 48271) % 2147483647; }

/* Pages that may be written lie beside pages that may not: a page that changes joins both neighbours, then splits off. */
static double protect(void) {
  char *base = map(VMAS, PROT_READ | PROT_WRITE);
  touch(base, VMAS);
  for (unsigned long i = 0; i < VMAS; i += 2) mprotect(base + i * PAGE, PAGE, PROT_READ);
  unsigned long at = 1;
  double start = now();
  for (unsigned long i = 0; i < PROTECTS; i += 2) {
    at = shuffled(at);
    char *page = base + at % (VMAS - 2) / 2 * 2 * PAGE;
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    mprotect(page, PAGE, PROT_READ);
  }
  double spent = now() - start;
  munmap(base, VMAS * PAGE);
  return spent / PROTECTS;
}

/* The same VMAs of pages that nobody touched yet change their protection, and none merge and none split. */
static double protect_apart(void) {
  static const int prots[2][2] = {{PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE | PROT_EXEC}, {PROT_READ, PROT_NONE}};
  static unsigned char turn[VMAS];
  unsigned long at = 1;
  grow();
  double start = now();
  for (unsigned long i = 0; i < PROTECTS; i++) {
    at = shuffled(at);
    unsigned long page = at % VMAS;
    turn[page] ^= 1;
    mprotect(vmas[page], PAGE, prots[page % 2][turn[page]]);
  }
  double spent = now() - start;
  shrink();
  return spent / PROTECTS;
}

static double pair_written(void) {
  double start = now();
  for (unsigned long i = 0; i < PAIRS; i++) {
    char *at = map(1, PROT_READ | PROT_WRITE);
    touch(at, 1);
    munmap(at, PAGE);
  }
  return (now() - start) / PAIRS;
}

/* Each mapping joins the one before. */
static double joining(void) {
  double start = now();
  for (unsigned long i = 0; i < VMAS; i++) vmas[i] = map(1, PROT_READ | PROT_WRITE);
  double spent = now() - start;
  shrink();
  return spent / VMAS;
}

/* Page after page, in no order: VMAs are split, and go. */
static double unmap_scattered(void) {
  char *base = map(PAGES, PROT_READ | PROT_WRITE);
  touch(base, PAGES);
  double start = now();
  for (unsigned long i = 0, page = 0; i < PAGES; i++, page = (page + SCATTER) % PAGES) munmap(base + page * PAGE, PAGE);
  return (now() - start) / PAGES;
}

static double forking(void) {
  char *at = map(FORK_PAGES, PROT_READ | PROT_WRITE);
  touch(at, FORK_PAGES);
  double start = now();
  pid_t child = fork_idle();
  double spent = now() - start;
  end(child);
  munmap(at, FORK_PAGES * PAGE);
  return spent;
}

static void run(const char *name, double (*operation)(void)) {
  printf("%s", name);
  operation();
  for (int i = 0; i < rounds; i++) printf(" %.1f", operation());
  printf("\n");
  fflush(stdout);
}

int main(int argc, char **argv) {
  rounds = argc > 1 ? atoi(argv[1]) : 7;
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  run("first-write", first_write);
  run("copy-on-write", copy_on_write);
  run("munmap-page", unmap_page);
  run("mmap-munmap", pair);
  run("mmap-growing", growing);
  run("mprotect", protect);
  run("fork", forking);
  run("mmap-write-munmap", pair_written);
  run("mmap-joining", joining);
  run("munmap-scattered", unmap_scattered);
  run("mprotect-apart", protect_apart);
  return 0;
}
