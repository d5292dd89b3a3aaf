/**
 * Invariants across modules: what must hold between any two steps (mm/vma.c: validate_mm(), and far more). Everything
 * that is counted somewhere is counted again from what is there.
 */

import { checkFrames, checkPageCache, checkSwap, checkWrites } from './checks/frames.ts';
import { checkHeld } from './checks/held.ts';
import { checkHolders } from './checks/holders.ts';
import { checkPageTables } from './checks/page-tables.ts';
import { checkSpace } from './checks/spaces.ts';
import { newTally } from './checks/tally.ts';
import { checkTranslations } from './checks/translations.ts';
import type { Kernel } from './state/kernel.ts';

/**
 * Checks the whole machine, which it reads only. Takes time in proportion to what is mapped.
 * @returns what is wrong, one sentence each; empty when all is well.
 */
export function checkKernel(k: Kernel): readonly string[] {
  const t = newTally(k);
  for (const mm of k.mms.values()) {
    checkSpace(t, mm);
    checkPageTables(t, mm);
  }
  checkPageCache(t);
  checkSwap(t);
  checkWrites(t);
  checkFrames(t);
  checkHolders(t);
  checkHeld(t);
  checkTranslations(t);
  return t.violations;
}
