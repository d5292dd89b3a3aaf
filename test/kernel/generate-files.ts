/** Random calls on files, memfds and System V segments, and mappings of them. */
import { at, type Descriptor, hex, type Operation, PAGE, size, type Writer } from './scenario-writer.ts';

function descriptor(writer: Writer): Descriptor {
  const { random, descriptors } = writer;
  if (descriptors.length === 0 || random.chance(2)) return { name: random.pick(['-1', '77']), pages: 4 };
  return random.pick(descriptors);
}

function mapOf(writer: Writer, fd: Descriptor): void {
  const { random } = writer;
  const large = fd.pages >= 512;
  const first =
    large && random.chance(50)
      ? random.pick([0, 1, 256, 511, 512, 513, 1024])
      : random.weighted([
          [5, 0],
          [4, random.below(fd.pages + 1)],
          [1, fd.pages + 2],
        ]);
  const pages =
    large && random.chance(70)
      ? random.pick([511, 512, 513, 768, 1024, 1100])
      : random.weighted([
          [4, Math.max(1, fd.pages - first)],
          [4, random.between(1, Math.max(1, fd.pages - first))],
          [2, random.between(1, 8)],
          [1, Math.max(1, fd.pages - first) + 2],
        ]);
  const sharing = random.weighted([
    [5, 'MAP_SHARED'],
    [6, 'MAP_PRIVATE'],
    [1, 'MAP_SHARED_VALIDATE'],
  ]);
  // Thousands of pages at once would tell no more than a few do, and take long.
  const extra = large
    ? ''
    : random.weighted([
        [12, ''],
        [2, '|MAP_POPULATE'],
        [1, '|MAP_LOCKED'],
        [1, '|MAP_NORESERVE'],
        [1, '|MAP_GROWSDOWN'],
        [1, '|MAP_SYNC'],
      ]);
  const offset = random.chance(4)
    ? random.pick(['100', hex(-4096n), '0x7ffffffffffff000'])
    : size(BigInt(first) * PAGE);
  const length = size(BigInt(pages) * PAGE - (random.chance(15) ? 100n : 0n));
  const process = writer.process();
  if (random.chance(50)) {
    const value = writer.arenaAddress();
    writer.say(
      process,
      `mmap(${hex(value)}, ${length}, ${writer.prot()}, ${sharing}${extra}|MAP_FIXED, ${fd.name}, ${offset})`,
    );
    writer.addRegion({ value }, pages);
  } else {
    const name = writer.bind(
      process,
      `mmap(NULL, ${length}, ${writer.prot()}, ${sharing}${extra}, ${fd.name}, ${offset})`,
    );
    writer.addRegion({ name, value: 0n }, pages);
  }
}

function mapFile(writer: Writer): void {
  mapOf(writer, descriptor(writer));
}

function open(writer: Writer): void {
  const { random } = writer;
  const process = writer.process();
  if (random.chance(25) && writer.descriptors.length > 0) {
    writer.say(process, `close(${random.pick(writer.descriptors).name})`);
    return;
  }
  if (random.chance(15) && writer.descriptors.length > 0) {
    const old = random.pick(writer.descriptors);
    writer.descriptors.push({ ...old, name: writer.bind(process, `dup(${old.name})`, 'f') });
    return;
  }
  const file = random.pick(writer.files);
  const flags = random.weighted([
    [6, 'O_RDWR'],
    [4, 'O_RDONLY'],
    [1, 'O_WRONLY'],
    [1, 'O_RDWR|O_TRUNC'],
    [1, 'O_RDWR|O_CREAT'],
    [1, 'O_RDWR|O_CREAT|O_EXCL'],
    [1, 'O_RDWR|O_APPEND'],
  ]);
  const path = random.chance(90) ? file.path : random.pick(['/data/none', '/bin/main', '/data/new']);
  const call = random.weighted([
    [12, `open("${path}", ${flags})`],
    [3, `openat(AT_FDCWD, "${path}", ${flags}|O_CLOEXEC)`],
    [1, `openat(77, "${path}", ${flags})`],
    [1, `creat("${random.chance(50) ? path : '/data/new'}", 0644)`],
  ]);
  const name = writer.bind(process, call, 'f');
  writer.descriptors.push({ name, path, pages: file.pages });
}

/** Removes a name; who has the file open or mapped keeps it. */
function unlink(writer: Writer): void {
  const { random } = writer;
  const path = random.chance(85) ? random.pick(writer.files).path : random.pick(['/data/none', '/data/new']);
  writer.say(writer.process(), `unlink("${path}")`);
}

function newLength(writer: Writer, pages: number): string {
  const { random } = writer;
  return random.weighted([
    [5, size(BigInt(random.below(pages + 1)) * PAGE)],
    [5, size(BigInt(random.below(pages + 1)) * PAGE + BigInt(random.pick([1, 100, 4095])))],
    [3, size(BigInt(pages + random.between(0, 6)) * PAGE + BigInt(random.pick([0, 7])))],
    [1, random.pick(['0', hex(-1n), '1M'])],
  ]);
}

function truncate(writer: Writer): void {
  const { random } = writer;
  if (writer.files.length > 0 && random.chance(30)) {
    const file = random.pick(writer.files);
    const length = newLength(writer, file.pages);
    if (!length.startsWith('0xffff')) writer.kernel(`truncate("${file.path}", ${length})`);
    return;
  }
  const fd = descriptor(writer);
  writer.say(writer.process(), `ftruncate(${fd.name}, ${newLength(writer, fd.pages)})`);
}

function caches(writer: Writer): void {
  const { random } = writer;
  if (random.chance(40) && writer.descriptors.length > 0) {
    writer.say(writer.process(), `fsync(${random.pick(writer.descriptors).name})`);
  } else writer.kernel(random.pick(['writeback()', 'drop_caches()', 'drop_caches()']));
}

function buffer(writer: Writer): string {
  const { random } = writer;
  if (random.chance(15)) return hex(0x405f00n);
  if (random.chance(10)) return at(writer.region().base, BigInt(writer.region().pages) * PAGE - 100n);
  return writer.byteAddress();
}

function transferOf(writer: Writer, calls: readonly string[]): void {
  const { random } = writer;
  const fd = descriptor(writer);
  const call = random.pick(calls);
  const count = random.weighted([
    [4, String(random.between(1, 300))],
    [4, size(BigInt(random.between(1, 5)) * PAGE)],
    [2, String(random.between(4000, 13000))],
    [1, '0'],
  ]);
  const place = size(BigInt(random.below(fd.pages + 2)) * PAGE + BigInt(random.pick([0, 0, 10, 4090])));
  const offset = call.startsWith('p') ? `, ${random.chance(5) ? hex(-1n) : place}` : '';
  writer.say(writer.process(), `${call}(${fd.name}, ${buffer(writer)}, ${count}${offset})`);
}

function transfer(writer: Writer): void {
  const { random } = writer;
  if (random.chance(12)) {
    const whence = random.pick(['SEEK_SET', 'SEEK_CUR', 'SEEK_END']);
    writer.say(
      writer.process(),
      `lseek(${descriptor(writer).name}, ${random.pick(['0', '4K', '10', hex(-10n), '1M'])}, ${whence})`,
    );
    return;
  }
  transferOf(writer, ['read', 'write', 'pread64', 'pread', 'pwrite64']);
}

function pwrite(writer: Writer): void {
  transferOf(writer, ['pwrite64', 'pwrite', 'pread64']);
}

function memfd(writer: Writer): void {
  const { random } = writer;
  const process = writer.process();
  const name = writer.bind(
    process,
    `memfd_create("m", ${random.pick(['0', '0', 'MFD_CLOEXEC', 'MFD_NOEXEC_SEAL', '0x8000'])})`,
    'f',
  );
  const pages = random.between(1, 12);
  writer.descriptors.push({ name, pages });
  if (random.chance(85))
    writer.say(process, `ftruncate(${name}, ${size(BigInt(pages) * PAGE - BigInt(random.pick([0, 0, 1, 2000])))})`);
}

function mapMemfd(writer: Writer): void {
  const memfds = writer.descriptors.filter((fd) => fd.path === undefined);
  if (memfds.length === 0) memfd(writer);
  else mapOf(writer, writer.random.pick(memfds));
}

/** System V segments: made, attached in all ways, detached, removed. */
function sysv(writer: Writer): void {
  const { random, segments } = writer;
  const process = writer.process();
  if (segments.length === 0 || random.chance(25)) {
    const length = random.pick(['4K', '20K', '5000', '1', '0', '64K']);
    const key = random.pick(['IPC_PRIVATE', 'IPC_PRIVATE', 'IPC_PRIVATE', '7']);
    const flags = random.weighted([
      [6, 'IPC_CREAT|0600'],
      [1, 'IPC_CREAT|IPC_EXCL|0600'],
      [1, 'IPC_CREAT|SHM_NORESERVE|0600'],
      [1, '0600'],
    ]);
    segments.push(writer.bind(process, `shmget(${key}, ${length}, ${flags})`, 's'));
    return;
  }
  const segment = random.pick(segments);
  if (random.chance(60)) {
    const addr = random.weighted([
      [6, 'NULL'],
      [3, hex(writer.arenaAddress())],
      [1, hex(writer.arenaAddress() + 100n)],
    ]);
    const flags = random.weighted([
      [6, '0'],
      [2, 'SHM_RDONLY'],
      [1, 'SHM_RND'],
      [1, 'SHM_REMAP'],
      [1, 'SHM_EXEC'],
    ]);
    writer.addRegion({ name: writer.bind(process, `shmat(${segment}, ${addr}, ${flags})`), value: 0n }, 5);
    return;
  }
  const { base } = writer.region();
  writer.say(
    process,
    random.chance(70) ? `shmdt(${at(base, random.chance(90) ? 0n : PAGE)})` : `shmctl(${segment}, IPC_RMID, NULL)`,
  );
}

export const FILE_OPERATIONS = {
  mapFile,
  open,
  truncate,
  caches,
  transfer,
  pwrite,
  memfd,
  mapMemfd,
  sysv,
  unlink,
} satisfies Record<string, Operation>;
