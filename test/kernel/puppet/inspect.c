/* Reads what /proc says about a process: maps, smaps, status, and page by page pagemap, kpageflags and kpagecount. */
#include "harness.h"
#include <linux/types.h>
#include <sys/ioctl.h>

#define PM_PRESENT (1UL << 63)
#define PM_SWAPPED (1UL << 62)
#define PM_GUARD (1UL << 58)
#define PM_PFN ((1UL << 55) - 1)

/* Of linux/fs.h, kernel 6.7 and later; spelled out because the installed headers may be older than the kernel. */
struct scanRegion { __u64 start, end, categories; };
struct scanArguments {
  __u64 size, flags, start, end, walk_end, vec, vec_len, max_pages, category_inverted, category_mask, category_anyof_mask,
    return_mask;
};
#define SCAN_PAGEMAP _IOWR('f', 16, struct scanArguments)
#define SCAN_PRESENT (1 << 3)
#define SCAN_SWAPPED (1 << 4)
#define REGIONS 512

static uint64_t entryOf(int fd, uint64_t index) {
  uint64_t value = 0;
  return fd >= 0 && pread(fd, &value, 8, index * 8) == 8 ? value : 0;
}

/* One page: [va, pagemap entry, kpageflags, kpagecount]; pages that are neither present nor swapped are left out. */
static void page(uint64_t address, uint64_t entry, const char **comma) {
  if (!(entry & (PM_PRESENT | PM_SWAPPED)) || (entry & PM_GUARD && !(entry & PM_PRESENT))) return;
  uint64_t pfn = entry & PM_PRESENT ? entry & PM_PFN : 0;
  printf("%s[\"%lx\",\"%lx\",\"%lx\",%ld]", *comma, address, entry, pfn ? entryOf(around.kpageflags, pfn) : 0,
         pfn ? (long)entryOf(around.kpagecount, pfn) : 0);
  *comma = ",";
}

static void region(int fd, const struct scanRegion *r, const char **comma) {
  uint64_t entries[512];
  for (uint64_t at = r->start; at < r->end;) {
    size_t want = (r->end - at) / PAGE;
    ssize_t got = pread(fd, entries, (want < 512 ? want : 512) * 8, at / PAGE * 8);
    if (got <= 0) return;
    for (ssize_t i = 0; i < got / 8; i++) page(at + i * PAGE, entries[i], comma);
    at += got / 8 * PAGE;
  }
}

static void pages(struct process *p) {
  char path[32];
  const char *comma = "";
  static struct scanRegion found[REGIONS];
  struct scanArguments scan = { .size = sizeof scan, .end = 0x7ffffffff000, .vec = (uintptr_t)found, .vec_len = REGIONS,
    .category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED, .return_mask = SCAN_PRESENT | SCAN_SWAPPED };
  snprintf(path, sizeof path, "%d/pagemap", p->pid);
  int fd = openat(around.proc, path, O_RDONLY | O_CLOEXEC);
  printf(",\"pages\":[");
  while (fd >= 0 && scan.start < scan.end) {
    int count = ioctl(fd, SCAN_PAGEMAP, &scan);
    if (count < 0) break;
    for (int i = 0; i < count; i++) region(fd, &found[i], &comma);
    if (scan.walk_end <= scan.start) break;
    scan.start = scan.walk_end;
  }
  if (fd >= 0) close(fd);
  printf("]");
}

static void textFile(struct process *p, const char *name) {
  char path[32];
  size_t length;
  snprintf(path, sizeof path, "%d/%s", p->pid, name);
  char *text = slurpAt(around.proc, path, &length);
  printf(",\"%s\":", name);
  outText(text ? text : "", text ? length : 0);
  free(text);
}

void inspectDump(struct process *p, unsigned what) {
  struct faults f = p->last;
  if (p->alive) faultsRead(p, &f);
  printf("{\"alive\":%s,\"minflt\":%ld,\"majflt\":%ld", p->alive ? "true" : "false", f.minor, f.major);
  if (!p->alive) printf(",\"status\":%d", p->exitStatus);
  if (p->alive && what & DUMP_MAPS) textFile(p, "maps");
  if (p->alive && what & DUMP_SMAPS) textFile(p, "smaps");
  if (p->alive && what & DUMP_STATUS) textFile(p, "status");
  if (p->alive && what & DUMP_PAGES) pages(p);
  printf("}\n");
}

/* mm/fadvise.c: POSIX_FADV_DONTNEED drains this CPU's folio batches first. Pages then are where the kernel means to put
 * them (on the LRU, marked lazyfree), instead of waiting in a batch for others. */
static void drain(void) { posix_fadvise(around.pagesOfNobody, 1L << 40, PAGE, POSIX_FADV_DONTNEED); }

/* Readahead goes on behind the back of who caused it; the next step shall find it done. */
void inspectWaitForReads(void) {
  char text[64];
  unsigned long reads, writes;
  for (int i = 0; around.inflight >= 0 && i < 2000; i++) {
    ssize_t n = pread(around.inflight, text, sizeof text - 1, 0);
    if (n <= 0) return;
    text[n] = 0;
    if (sscanf(text, "%lu %lu", &reads, &writes) != 2 || reads + writes == 0) return;
    usleep(100);
  }
}

void inspectSettle(void) {
  inspectWaitForReads();
  drain();
}
