/* Generates the programs and libraries under test, byte for byte, with the stubs and constants in their first text page. */
#include "harness.h"
#include <elf.h>

static uint8_t table[PAGE];
static size_t tableUsed = CONSTANTS_START;
#define MAX_CONSTANTS 1024
static struct { size_t offset; int count; int items[64]; } constants[MAX_CONSTANTS];
static int constantCount;

static const struct { int offset; uint8_t bytes[4]; int length; } stubs[] = {
  { STUB_NOP, { 0x90, 0xcc }, 2 },                      /* nop */
  { STUB_SYSCALL, { 0x0f, 0x05, 0xcc }, 3 },            /* syscall */
  { STUB_LOAD1, { 0x8a, 0x06, 0xcc }, 3 },              /* mov (%rsi),%al */
  { STUB_STORE1, { 0x88, 0x06, 0xcc }, 3 },             /* mov %al,(%rsi) */
  { STUB_FILL, { 0xf3, 0xaa, 0xcc }, 3 },               /* rep stosb */
  { STUB_LOAD8, { 0x48, 0x8b, 0x06, 0xcc }, 4 },        /* mov (%rsi),%rax */
  { STUB_STORE8, { 0x48, 0x89, 0x06, 0xcc }, 4 },       /* mov %rax,(%rsi) */
};

void constantsClear(void) {
  memset(table, 0xcc, sizeof table);
  for (size_t i = 0; i < sizeof stubs / sizeof *stubs; i++)
    memcpy(table + stubs[i].offset, stubs[i].bytes, stubs[i].length);
  tableUsed = CONSTANTS_START;
  constantCount = 0;
}

static int constantPlace(size_t length, size_t align) {
  size_t at = (tableUsed + align - 1) / align * align;
  if (constantCount == MAX_CONSTANTS || at + length > PAGE) return -1;
  constants[constantCount].offset = at;
  constants[constantCount].count = 0;
  tableUsed = at + length;
  return constantCount++;
}

int constantAdd(const uint8_t *bytes, size_t length) {
  int index = constantPlace(length, 8);
  if (index >= 0) memcpy(table + constants[index].offset, bytes, length);
  return index;
}

int constantVector(const int *items, int count) {
  if (count > 63) return -1;
  int index = constantPlace((count + 1) * 8, 8);
  if (index < 0) return -1;
  constants[index].count = count + 1;
  for (int i = 0; i < count; i++) constants[index].items[i] = items[i];
  constants[index].items[count] = -1;
  return index;
}

uint64_t constantAddress(const struct process *p, int index) {
  if (index < 0 || index >= constantCount) return 0;
  if (constants[index].count && !p->vectorsValid) return 0;
  return p->text + constants[index].offset;
}

static uint64_t pageUp(uint64_t n) { return (n + PAGE - 1) & ~(PAGE - 1); }

struct layout { uint64_t text, rodata, data, fileEnd, end; };

static struct layout layoutOf(const struct shape *s) {
  struct layout l;
  l.text = PAGE;
  l.rodata = l.text + pageUp(s->text);
  l.data = l.rodata + pageUp(s->rodata);
  l.fileEnd = l.data + s->data;
  l.end = pageUp(l.data + s->data + s->bss);
  return l;
}

/* Where Linux puts the text page with randomization off: fs/binfmt_elf.c: load_elf_binary(). */
static uint64_t expectedText(const struct shape *s) {
  if (!s->pie && !s->library) return 0x400000 + PAGE;
  if (s->interp) return 0x555555554000 + PAGE;
  return 0x7ffff7fff000 - layoutOf(s).end + PAGE;
}

static void segment(Elf64_Ehdr *header, Elf64_Phdr *phdrs, uint64_t base, uint32_t flags, uint64_t offset,
                    uint64_t fileSize, uint64_t memorySize) {
  if (!memorySize) return;
  phdrs[header->e_phnum++] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = flags, .p_offset = offset, .p_vaddr = base + offset,
    .p_paddr = base + offset, .p_filesz = fileSize, .p_memsz = memorySize, .p_align = PAGE };
}

static void headerPage(uint8_t *page, const struct shape *s, const struct layout *l, uint64_t base) {
  Elf64_Ehdr *h = (Elf64_Ehdr *)page;
  Elf64_Phdr *phdrs = (Elf64_Phdr *)(page + sizeof *h);
  memcpy(h->e_ident, "\177ELF\2\1\1", 7);
  h->e_type = s->pie || s->library ? ET_DYN : ET_EXEC;
  h->e_machine = EM_X86_64;
  h->e_version = EV_CURRENT;
  h->e_entry = base + l->text;
  h->e_phoff = sizeof *h;
  h->e_ehsize = sizeof *h;
  h->e_phentsize = sizeof *phdrs;
  if (s->interp) {
    size_t length = strlen(s->interp) + 1;
    memcpy(page + 1024, s->interp, length);
    phdrs[h->e_phnum++] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_flags = PF_R, .p_offset = 1024, .p_vaddr = base + 1024,
      .p_paddr = base + 1024, .p_filesz = length, .p_memsz = length, .p_align = 1 };
  }
  segment(h, phdrs, base, PF_R, 0, PAGE, PAGE);
  segment(h, phdrs, base, PF_R | PF_X, l->text, s->text, s->text);
  segment(h, phdrs, base, PF_R, l->rodata, s->rodata, s->rodata);
  segment(h, phdrs, base, PF_R | PF_W, l->data, s->data, s->data + s->bss);
  phdrs[h->e_phnum++] = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16 };
}

/* Copies the table, with every vector's pointers made absolute for an image whose text is at `text`. */
static void textPage(uint8_t *page, uint64_t text) {
  memcpy(page, table, PAGE);
  for (int i = 0; i < constantCount; i++) {
    uint64_t *slots = (uint64_t *)(page + constants[i].offset);
    for (int k = 0; k < constants[i].count; k++)
      slots[k] = constants[i].items[k] < 0 ? 0 : text + constants[constants[i].items[k]].offset;
  }
}

/* Compares a text page in memory with what was generated for that address. */
enum imageKind imageCheck(const uint8_t *page, uint64_t text) {
  uint8_t expected[PAGE] __attribute__((aligned(16)));
  if (memcmp(page, table, CONSTANTS_START)) return IMAGE_FOREIGN;
  textPage(expected, text);
  return memcmp(page, expected, PAGE) ? IMAGE_ELSEWHERE : IMAGE_OWN;
}

int imageWrite(int fd, const struct shape *s) {
  struct layout l = layoutOf(s);
  uint64_t base = s->pie || s->library ? 0 : 0x400000;
  uint64_t end = s->data ? l.fileEnd : s->rodata ? l.rodata + s->rodata : l.text + pageUp(s->text);
  uint8_t page[PAGE] __attribute__((aligned(16)));
  for (uint64_t at = 0; at < end; at += PAGE) {
    uint64_t length = end - at < PAGE ? end - at : PAGE;
    memset(page, at < l.rodata ? 0xcc : at < l.data ? 0xd0 : 0xd2, sizeof page);
    if (at == 0) {
      memset(page, 0, sizeof page);
      headerPage(page, s, &l, base);
    }
    if (at == l.text) textPage(page, expectedText(s));
    if (write(fd, page, length) != (ssize_t)length) return -1;
  }
  return 0;
}
