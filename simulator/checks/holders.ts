/** Invariants between records: files, inodes, anon_vmas, tasks, and what is promised of memory. */

import { VM_ACCOUNT, type Vma, vma_pages } from '../mm/vma.ts';
import type { Task } from '../state/records.ts';
import { type Counts, count, hold, same, type Tally } from './tally.ts';

/** VMAs of all address spaces, with the id of their mm. */
type Placed = readonly [number, Vma];

function allVmas(t: Tally): Placed[] {
  return [...t.k.mms.values()].flatMap((mm) => mm.vmas.toArray().map((vma): Placed => [mm.id, vma]));
}

export function checkHolders(t: Tally): void {
  const vmas = allVmas(t);
  checkTasks(t);
  checkFiles(t, vmas);
  checkInodes(t, vmas);
  checkAnonVmas(t, vmas);
  const promised = vmas.reduce((n, [, vma]) => n + ((vma.vm_flags & VM_ACCOUNT) !== 0 ? vma_pages(vma) : 0), 0);
  const reserved = [...t.k.inodes.values()].reduce((n, inode) => n + inode.accounted, 0);
  const blocks = [...t.k.inodes.values()].reduce(
    (n, { kind, accounted, nrpages, swapped }) => n + (kind === 'shmem' && accounted === 0 ? nrpages + swapped : 0),
    0,
  );
  same(t, 'committed pages', t.k.scalars.committed, promised + reserved + blocks + t.k.scalars.forgotten);
}

function checkTasks(t: Tally): void {
  const users: Counts = new Map();
  for (const task of t.k.tasks.values()) {
    same(t, `task ${task.pid}: has an address space`, task.mm !== 0, task.state === 'alive');
    if (task.mm !== 0) count(users, task.mm);
    hold(t, task.mm === 0 || t.k.mms.find(task.mm) !== undefined, () => `task ${task.pid}: its mm is gone`);
  }
  for (const mm of t.k.mms.values()) same(t, `mm ${mm.id}: users`, mm.users, users.get(mm.id) ?? 0);
  checkKin(t);
}

/** What tasks know of each other, against what each says of itself. */
function checkKin(t: Tally): void {
  const tasks = [...t.k.tasks.values()];
  const pids = (which: (task: Task) => boolean): string => `${tasks.filter(which).map(({ pid }) => pid)}`;
  same(t, 'tasks that hold a pid', t.k.scalars.nr_threads, tasks.filter(({ state }) => state !== 'dead').length);
  for (const task of tasks) {
    const { pid } = task;
    const others = pids((other) => other.tgid === pid && other.pid !== pid);
    same(t, `task ${pid}: threads`, `${task.threads?.keys() ?? []}`, others);
    const living = tasks.filter(({ tgid, state }) => tgid === pid && state === 'alive').length;
    if (task.tgid === pid) same(t, `task ${pid}: living threads`, task.live, living);
    const children = pids((other) => other.parent === pid && other.tgid === other.pid && other.state !== 'dead');
    same(t, `task ${pid}: children`, `${task.children?.keys() ?? []}`, children);
    const sharers = pids((other) => other.filesGroup === pid && other.state === 'alive');
    if (task.filesSharers !== null) same(t, `task ${pid}: sharers`, `${task.filesSharers.keys()}`, sharers);
    else hold(t, sharers === '' || sharers === `${pid}`, () => `task ${pid}: its descriptors have unknown sharers`);
    if (task.vforkChild === 0) continue;
    same(t, `task ${pid}: vfork child`, t.k.tasks.find(task.vforkChild)?.vforkParent, pid);
  }
}

/** struct file: descriptor tables (threads share one) and VMAs. */
function checkFiles(t: Tally, vmas: readonly Placed[]): void {
  const refs: Counts = new Map();
  const tables = new Set<number>();
  for (const task of t.k.tasks.values()) {
    if (task.state !== 'alive' || tables.has(task.filesGroup)) continue;
    tables.add(task.filesGroup);
    for (const id of task.files.values()) if (id !== 0) count(refs, id);
  }
  for (const [, vma] of vmas) if (vma.vm_file !== 0) count(refs, vma.vm_file);
  for (const id of refs.keys()) hold(t, t.k.files.find(id) !== undefined, () => `open file ${id} is gone and in use`);
  for (const file of t.k.files.values()) {
    same(t, `open file ${file.id}: references`, file.refs, refs.get(file.id) ?? 0);
    hold(t, t.k.inodes.find(file.inode) !== undefined, () => `open file ${file.id}: its inode is gone`);
  }
}

function checkInodes(t: Tally, vmas: readonly Placed[]): void {
  const users: Counts = new Map();
  const executing: Counts = new Map();
  const mms = new Map<number, Counts>();
  for (const file of t.k.files.values()) count(users, file.inode);
  for (const [, segment] of t.k.shm.entries()) count(users, segment.inode);
  for (const mm of t.k.mms.values()) if (mm.exe !== 0) count(executing, mm.exe);
  for (const [mm, vma] of vmas) {
    if (vma.inode === 0) continue;
    const counts: Counts = mms.get(vma.inode) ?? new Map();
    count(counts, mm);
    mms.set(vma.inode, counts);
    same(t, `mm ${mm}: inode of a VMA's file`, t.k.files.find(vma.vm_file)?.inode, vma.inode);
  }
  for (const inode of t.k.inodes.values()) {
    same(t, `inode ${inode.id}: users`, inode.users, users.get(inode.id) ?? 0);
    same(t, `inode ${inode.id}: executing`, inode.executing, executing.get(inode.id) ?? 0);
    sameCounts(t, `inode ${inode.id}: VMAs`, inode.mms, mms.get(inode.id) ?? new Map());
    hold(t, !inode.deleted || inode.users > 0 || inode.executing > 0, () => `inode ${inode.id}: deleted and unused`);
  }
  for (const [path, id] of t.k.paths.entries())
    hold(t, t.k.inodes.find(id) !== undefined, () => `${path} names no inode`);
}

function sameCounts(t: Tally, what: string, is: Iterable<[number, number]>, should: Counts): void {
  const text = (counts: Iterable<[number, number]>): string =>
    [...counts]
      .sort(([a], [b]) => a - b)
      .map(([mm, n]) => `${n} in mm ${mm}`)
      .join(', ');
  same(t, what, text(is), text(should));
}

function checkAnonVmas(t: Tally, vmas: readonly Placed[]): void {
  const chains: Counts = new Map();
  const active: Counts = new Map();
  const children: Counts = new Map();
  const families = new Map<number, Counts>();
  for (const [mm, { anon }] of vmas) {
    if (anon === null) continue;
    for (const id of anon.chain) {
      count(chains, id);
      same(t, `anon_vma ${id}: root of its family`, t.k.anonVmas.find(id)?.root, anon.root);
    }
    count(active, anon.anon_vma);
    const counts: Counts = families.get(anon.root) ?? new Map();
    count(counts, mm);
    families.set(anon.root, counts);
  }
  // A root counts itself as its child.
  for (const anon of t.k.anonVmas.values()) count(children, anon.parent);
  for (const anon of t.k.anonVmas.values()) {
    const where = `anon_vma ${anon.id}`;
    same(t, `${where}: chains`, anon.chains, chains.get(anon.id) ?? 0);
    same(t, `${where}: active VMAs`, anon.num_active_vmas, active.get(anon.id) ?? 0);
    same(t, `${where}: children`, anon.num_children, children.get(anon.id) ?? 0);
    sameCounts(t, `${where}: VMAs of the family`, anon.mms, families.get(anon.id) ?? new Map());
    hold(t, anon.chains > 0, () => `${where} serves nobody`);
  }
}
