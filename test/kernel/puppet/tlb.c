/* Empties the TLB of what it holds of the processes under test.
 *
 * When the kernel makes a present page writable on its own account (MADV_POPULATE_WRITE, mlock, read() into a buffer), x86
 * does not flush the entry: a later store may take a spurious fault, which counts as a minor one, or may not, as the TLB
 * happens to remember. A CPU keeps TLB_NR_DYN_ASIDS = 6 address spaces apart (arch/x86/mm/tlb.c: choose_new_asid()); after
 * running twelve others it has recycled them all. */
#include "harness.h"

#define OTHERS 12

static int first = -1, last = -1;

void tlbSetup(void) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC)) return;
  first = in[1];
  for (int i = 0; i < OTHERS; i++) {
    if (pipe2(out, O_CLOEXEC)) return;
    int pid = fork();
    if (pid == 0) {
      char token;
      close(first);
      while (read(in[0], &token, 1) == 1 && write(out[1], &token, 1) == 1) {}
      _exit(0);
    }
    close(in[0]);
    close(out[1]);
    in[0] = out[0];
  }
  last = in[0];
}

void tlbForget(void) {
  char token = 0;
  if (last >= 0 && write(first, &token, 1) == 1 && read(last, &token, 1) != 1) last = -1;
}
