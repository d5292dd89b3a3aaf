/** The TLB may forget, but what it says the page tables must say too. */

import { hex, pteIndex } from '../machine/address.ts';
import { PTE_DIRTY, PTE_NX, PTE_PRESENT, PTE_RW } from '../machine/pagetable.ts';
import { hold, same, type Tally } from './tally.ts';

export function checkTranslations(t: Tally): void {
  const task = t.k.tasks.find(t.k.scalars.current);
  const mm = task === undefined ? undefined : t.k.mms.find(task.mm);
  for (const [page, pfn, cached] of t.k.tlb.entries()) {
    const addr = page * 4096;
    const where = `TLB entry of ${hex(addr)}`;
    const table = mm?.pt.find(addr);
    const flags = table?.words[2 * pteIndex(addr)] ?? 0;
    hold(t, (flags & PTE_PRESENT) !== 0, () => `${where}: no page is mapped there`);
    same(t, `${where}: frame`, pfn, table?.words[2 * pteIndex(addr) + 1]);
    const more = cached & ~flags & (PTE_RW | PTE_DIRTY);
    hold(t, more === 0, () => `${where}: allows or says more than the PTE (${hex(more)})`);
    hold(t, (cached & PTE_NX) !== 0 || (flags & PTE_NX) === 0, () => `${where}: executable, the PTE is not`);
  }
}
