// The operation tables that views show: which kernel function serves what, for each kind of memory. The names are those of
// Linux 6.18: fs/ext4/file.c, mm/shmem.c, ipc/shm.c, mm/mmap.c.

import { describe, expect, test } from 'vitest';
import { vmaViews, walk } from '../../simulator/index.ts';
import { pidOf, play, valueOfName } from './run.ts';

const KINDS = `
file "/data" size=16K
device "/dev/remap" pages=1 mmap=remap
device "/dev/insert" pages=1 mmap=insert
device "/dev/fault" pages=1 mmap=fault
p = spawn()
p: fd = open("/data", O_RDWR)
p: file = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0)
p: copied = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_PRIVATE, fd, 0)
p: mfd = memfd_create("m", 0)
p: ftruncate(mfd, 4K) = 0
p: memfd = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_SHARED, mfd, 0)
p: anonshared = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0)
p: id = shmget(IPC_PRIVATE, 4K, 0600)
p: segment = shmat(id, NULL, 0)
p: rfd = open("/dev/remap", O_RDWR)
p: remap = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_SHARED, rfd, 0)
p: ifd = open("/dev/insert", O_RDWR)
p: insert = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_SHARED, ifd, 0)
p: ffd = open("/dev/fault", O_RDWR)
p: ondemand = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_SHARED, ffd, 0)
p: anon = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
p: droppable = mmap(NULL, 4K, PROT_READ|PROT_WRITE, MAP_DROPPABLE|MAP_ANONYMOUS, -1, 0)
p: start = brk(0)
p: brk(start + 4K)
`;

const EXT4 = {
  name: 'ext4_file_vm_ops',
  operations: { fault: 'filemap_fault', map_pages: 'filemap_map_pages', page_mkwrite: 'ext4_page_mkwrite' },
};
const SHMEM = { fault: 'shmem_fault', map_pages: 'filemap_map_pages' };
const SPECIAL = {
  name: 'special_mapping_vmops',
  operations: {
    close: 'special_mapping_close',
    fault: 'special_mapping_fault',
    mremap: 'special_mapping_mremap',
    name: 'special_mapping_name',
    may_split: 'special_mapping_split',
  },
};
const DEVICE = {
  name: 'device_vm_ops',
  operations: { open: 'device_vma_open', close: 'device_vma_close', fault: 'device_vma_fault' },
};

/** Drivers that map their pages themselves have nothing to answer a fault with. */
const WITHOUT_FAULT = {
  name: 'device_vm_ops',
  operations: { open: 'device_vma_open', close: 'device_vma_close' },
};

describe('the operation table', () => {
  const timeline = play(KINDS);
  const pid = pidOf(timeline, 'p');

  test.each([
    ['a shared map of a file', 'file', EXT4],
    ['a private map of a file', 'copied', EXT4],
    ['a memfd', 'memfd', { name: 'shmem_vm_ops', operations: SHMEM }],
    ['shared anonymous memory', 'anonshared', { name: 'shmem_anon_vm_ops', operations: SHMEM }],
    [
      'a SysV segment',
      'segment',
      {
        name: 'shm_vm_ops',
        operations: { open: 'shm_open', close: 'shm_close', fault: 'shm_fault', may_split: 'shm_may_split' },
      },
    ],
    ['a device that maps at once', 'remap', WITHOUT_FAULT],
    ['a device that inserts pages', 'insert', WITHOUT_FAULT],
    ['a device that maps on demand', 'ondemand', DEVICE],
    ['private anonymous memory', 'anon', null],
    ['droppable memory', 'droppable', null],
  ])('of %s', (_what, name, table) => {
    const { vma } = walk(timeline, pid, valueOfName(timeline, name));
    expect(vma?.vm_ops).toEqual(table);
  });

  test.each([
    ['[vdso]', SPECIAL],
    ['[vvar]', SPECIAL],
    ['[vvar_vclock]', SPECIAL],
    ['[stack]', null],
    ['[heap]', null],
    ['/bin/puppet', EXT4],
  ])('of %s', (name, table) => {
    const tables = vmaViews(timeline, pid).filter((vma) => vma.name === name);
    expect(tables.length).toBeGreaterThan(0);
    for (const { vm_ops } of tables) expect(vm_ops).toEqual(table);
  });

  test('of files on tmpfs is that of shmem', () => {
    const tmpfs = play(`machine filesystem=tmpfs\n${KINDS}`);
    const { vma } = walk(tmpfs, pidOf(tmpfs, 'p'), valueOfName(tmpfs, 'file'));
    expect(vma?.vm_ops).toEqual({ name: 'shmem_vm_ops', operations: SHMEM });
  });
});
