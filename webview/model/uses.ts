/** The uses of a frame in words. */
import type { FrameUse } from '../../simulator/view/types.ts';

interface UseWords {
  /** For the legend. */
  readonly name: string;
  readonly text: string;
}

const WORDS: Readonly<Record<FrameUse, UseWords>> = {
  free: { name: 'free', text: 'Nobody uses it.' },
  anon: { name: 'anonymous', text: 'Memory of processes that no file stands behind.' },
  'file-clean': { name: 'file, clean', text: 'Page cache: the same bytes are in the file.' },
  'file-dirty': { name: 'file, dirty', text: 'Page cache: written to, not yet in the file.' },
  shmem: { name: 'shared memory', text: 'A page of tmpfs, a memfd or shared anonymous memory.' },
  zero: { name: 'zero page', text: 'The one page of zeros that all reads of untouched memory share.' },
  table: { name: 'page table', text: 'Holds 512 entries of a page table.' },
  device: { name: 'device', text: 'Belongs to a device.' },
  'swap-cache': { name: 'swap cache', text: 'In RAM and in a swap slot at once.' },
};

export function useName(use: FrameUse): string {
  return WORDS[use].name;
}

export function useText(use: FrameUse): string {
  return WORDS[use].text;
}
