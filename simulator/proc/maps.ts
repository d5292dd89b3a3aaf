/** /proc/PID/maps, byte for byte as Linux prints it (fs/proc/task_mmu.c: show_map_vma()). */

import { VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE, type Vma } from '../mm/vma.ts';
import type { Kernel } from '../state/kernel.ts';
import type { Mm } from '../state/records.ts';

/** Column at which the name starts: 25 + 6 pointers, less one, and a space. */
const NAME_COLUMN = 72;

export const VSYSCALL_START = 'ffffffffff600000';
export const VSYSCALL_END = 'ffffffffff601000';
/** The line of the gate VMA, which is in no address space's tree and in every maps. Without its newline. */
export const VSYSCALL_LINE = `${`${VSYSCALL_START}-${VSYSCALL_END} --xp 00000000 00:00 0`.padEnd(NAME_COLUMN)} [vsyscall]`;

/** `rw-p`: the permissions column of a VMA. */
export function vma_perms(vma: Vma): string {
  const f = vma.vm_flags;
  return (
    ((f & VM_READ) !== 0 ? 'r' : '-') +
    ((f & VM_WRITE) !== 0 ? 'w' : '-') +
    ((f & VM_EXEC) !== 0 ? 'x' : '-') +
    ((f & VM_MAYSHARE) !== 0 ? 's' : 'p')
  );
}

/** The name column: a path, [heap], [stack], a special mapping's name, or the empty string (get_vma_name()). */
export function vma_name(k: Kernel, mm: Mm, vma: Vma): string {
  if (vma.inode !== 0) {
    const inode = k.inodes.get(vma.inode);
    return inode.path.replaceAll('\n', '\\012') + (inode.deleted ? ' (deleted)' : '');
  }
  if (vma.special !== null) return vma.special;
  if (vma.vm_start < mm.brk && vma.vm_end > mm.start_brk) return '[heap]';
  if (vma.vm_start <= mm.start_stack && vma.vm_end >= mm.start_stack) return '[stack]';
  return '';
}

function device(k: Kernel, vma: Vma): string {
  if (vma.inode === 0) return '00:00 0';
  const inode = k.inodes.get(vma.inode);
  const number = inode.kind === 'file' ? '08:01' : inode.kind === 'shmem' ? '00:01' : '00:06';
  return `${number} ${inode.id + 1000}`;
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** One line of maps, without its newline. A line without a name ends in a space. */
export function maps_line(k: Kernel, mm: Mm, vma: Vma): string {
  const offset = vma.inode === 0 ? 0 : vma.vm_pgoff * 4096;
  const range = `${hex8(vma.vm_start)}-${hex8(vma.vm_end)}`;
  const prefix = `${range} ${vma_perms(vma)} ${hex8(offset)} ${device(k, vma)} `;
  const name = vma_name(k, mm, vma);
  return name === '' ? prefix : `${prefix.padEnd(NAME_COLUMN)} ${name}`;
}

/** The whole text of /proc/PID/maps. */
export function proc_maps(k: Kernel, mm: Mm): string {
  let text = '';
  mm.vmas.walk((vma) => {
    text += `${maps_line(k, mm, vma)}\n`;
    return true;
  });
  return `${text}${VSYSCALL_LINE}\n`;
}
