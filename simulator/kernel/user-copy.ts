/** copy_to_user() and copy_from_user(): the kernel touches user memory, and faults there like the user. */

import { PAGE_SIZE, type VirtAddr } from '../machine/address.ts';
import { readFrameBytes, writeFrame } from '../machine/content.ts';
import { cpu_access } from '../mm/access.ts';
import { task_size } from '../mm/unmapped-area.ts';
import type { Kernel } from '../state/kernel.ts';
import { current_mm } from './task.ts';

/** access_ok(): the range lies in user space at all. */
export function access_ok(k: Kernel, addr: number, length: number): boolean {
  return length <= task_size(k) && addr <= task_size(k) - length;
}

/** Writes `bytes` to user memory. Returns how many were written before a page refused. */
export function copy_to_user(k: Kernel, addr: VirtAddr, bytes: Uint8Array): number {
  const mm = current_mm(k);
  let done = 0;
  while (done < bytes.length) {
    const at = addr + done;
    if (at >= task_size(k)) return done;
    const part = Math.min(bytes.length - done, PAGE_SIZE - (at % PAGE_SIZE));
    const pfn = cpu_access(k, mm, at, 'write', 'kernel');
    if (pfn < 0) return done;
    writeFrame(k.frames, k.epoch, pfn, at % PAGE_SIZE, bytes.subarray(done, done + part));
    done += part;
  }
  return done;
}

/** Reads user memory into `into`. Returns how many bytes were read before a page refused. */
export function copy_from_user(k: Kernel, addr: VirtAddr, into: Uint8Array): number {
  const mm = current_mm(k);
  let done = 0;
  while (done < into.length) {
    const at = addr + done;
    if (at >= task_size(k)) return done;
    const part = Math.min(into.length - done, PAGE_SIZE - (at % PAGE_SIZE));
    const pfn = cpu_access(k, mm, at, 'read', 'kernel');
    if (pfn < 0) return done;
    readFrameBytes(k.frames, pfn, at % PAGE_SIZE, into.subarray(done, done + part));
    done += part;
  }
  return done;
}
