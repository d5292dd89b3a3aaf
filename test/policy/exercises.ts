// Exercises of books and examinations, with the numbers of page faults that were published for them.

export interface Exercise {
  readonly source: string;
  readonly pages: readonly number[];
  readonly frames: number;
  /** Faults by policy, the first loads included. */
  readonly faults: Readonly<Partial<Record<'fifo' | 'lru' | 'clock' | 'opt' | 'mru', number>>>;
}

const SILBERSCHATZ = 'Silberschatz, Galvin, Gagne: Operating System Concepts';
const TANENBAUM = 'Tanenbaum, Bos: Modern Operating Systems';
const STALLINGS = 'Stallings: Operating Systems, Internals and Design Principles';
const OSTEP = 'Arpaci-Dusseau: Operating Systems, Three Easy Pieces';

/** 0 … count - 1. */
const upTo = (count: number): number[] => [...Array(count).keys()];
const repeated = (pages: readonly number[], times: number): number[] => Array(times).fill(pages).flat();

const SILBERSCHATZ_TEXT = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
const BELADY = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];
const SEVEN_FRAMES = [1, 2, 3, 4, 2, 1, 5, 6, 2, 1, 2, 3, 7, 6, 3, 2, 1, 2, 3, 6];

/** Faults with 1, 2, … frames as one exercise each. */
function byFrames(
  source: string,
  pages: readonly number[],
  faults: Readonly<Record<string, readonly number[]>>,
): Exercise[] {
  const most = Math.max(...Object.values(faults).map((row) => row.length));
  return upTo(most).map((i) => ({
    source,
    pages,
    frames: i + 1,
    faults: Object.fromEntries(Object.entries(faults).map(([policy, row]) => [policy, row[i]])),
  }));
}

export const EXERCISES: readonly Exercise[] = [
  {
    source: `${SILBERSCHATZ}, section "Page Replacement", the string of all its figures`,
    pages: SILBERSCHATZ_TEXT,
    frames: 3,
    faults: { fifo: 15, lru: 12, opt: 9 },
  },
  ...byFrames(`${SILBERSCHATZ}, figure "Page-fault curve for FIFO replacement"`, BELADY, {
    fifo: [12, 12, 9, 10, 5, 5, 5],
  }),
  {
    source: "Belady, Nelson, Shedler: An Anomaly in Space-Time Characteristics (1969), the textbooks' string",
    pages: BELADY,
    frames: 3,
    faults: { fifo: 9, lru: 10, opt: 7 },
  },
  {
    source: "Belady, Nelson, Shedler (1969), the textbooks' string, one frame more",
    pages: BELADY,
    frames: 4,
    faults: { fifo: 10, lru: 8, opt: 6 },
  },
  ...byFrames(`${SILBERSCHATZ}, practice exercise on one to seven frames`, SEVEN_FRAMES, {
    lru: [20, 18, 15, 10, 8, 7, 7],
    fifo: [20, 18, 16, 14, 10, 10, 7],
    opt: [20, 15, 11, 8, 7, 7, 7],
  }),
  {
    source: `${SILBERSCHATZ}, practice exercise on demand paging with three frames`,
    pages: [7, 2, 3, 1, 2, 5, 3, 4, 6, 7, 7, 1, 0, 5, 4, 6, 2, 3, 0, 1],
    frames: 3,
    faults: { lru: 18, fifo: 17, opt: 13 },
  },
  {
    // The figure marks faults after the frames are filled: 3, 4, 6 and 5. The first three loads are added here.
    source: `${STALLINGS}, figure "Behavior of Four Page Replacement Algorithms"`,
    pages: [2, 3, 2, 1, 5, 2, 4, 5, 3, 2, 5, 2],
    frames: 3,
    faults: { opt: 3 + 3, lru: 4 + 3, fifo: 6 + 3, clock: 5 + 3 },
  },
  {
    source: `${TANENBAUM}, chapter "Memory Management", problem on eight pages and four frames`,
    pages: [0, 1, 7, 2, 3, 2, 7, 1, 0, 3],
    frames: 4,
    faults: { fifo: 6, lru: 7 },
  },
  {
    source: `${TANENBAUM}, figure "Belady's anomaly", three frames`,
    pages: [0, 1, 2, 3, 0, 1, 4, 0, 1, 2, 3, 4],
    frames: 3,
    faults: { fifo: 9 },
  },
  {
    source: `${TANENBAUM}, figure "Belady's anomaly", four frames`,
    pages: [0, 1, 2, 3, 0, 1, 4, 0, 1, 2, 3, 4],
    frames: 4,
    faults: { fifo: 10 },
  },
  {
    source: `${OSTEP}, chapter "Beyond Physical Memory: Policies", traces of OPT, FIFO and LRU`,
    pages: [0, 1, 2, 0, 1, 3, 0, 3, 1, 2, 1],
    frames: 3,
    faults: { opt: 5, fifo: 7, lru: 5 },
  },
  {
    source: `${OSTEP}, looping sequential workload of 50 pages, cache one too small`,
    pages: repeated(upTo(50), 200),
    frames: 49,
    faults: { fifo: 10_000, lru: 10_000 },
  },
  {
    source: `${OSTEP}, looping sequential workload of 50 pages, cache as large`,
    pages: repeated(upTo(50), 200),
    frames: 50,
    faults: { fifo: 50, lru: 50, opt: 50 },
  },
  {
    source: 'GATE CS 2007, questions 82 and 83: optimal, and how many more with LRU',
    pages: [1, 2, 1, 3, 7, 4, 5, 6, 3, 1],
    frames: 3,
    faults: { opt: 7, lru: 7 + 2 },
  },
  {
    source: 'GATE CS 2010: 100 pages forwards, then backwards, under FIFO',
    pages: [...upTo(100), ...upTo(100).reverse()],
    frames: 4,
    faults: { fifo: 196 },
  },
  {
    source: 'GATE CS 2012, question 40: OPTIMAL < FIFO < LRU',
    pages: [1, 2, 3, 2, 4, 1, 3, 2, 4, 1],
    frames: 3,
    faults: { opt: 5, fifo: 6, lru: 9 },
  },
  {
    source: 'GATE CS 2014, set 1: LRU on three frames',
    pages: [4, 7, 6, 1, 7, 6, 1, 2, 7, 2],
    frames: 3,
    faults: { lru: 6 },
  },
  {
    source: 'GATE CS 2014, set 2, question 33: 1 to 100 four times; MRU does as well as the optimum',
    pages: repeated(upTo(100), 4),
    frames: 20,
    faults: { opt: 340, mru: 340, lru: 400, fifo: 400 },
  },
  {
    source: 'GATE CS 2015, set 1: FIFO and LRU incur the same number',
    pages: [3, 8, 2, 3, 9, 1, 6, 3, 8, 9, 3, 6, 2, 1, 3],
    frames: 5,
    faults: { fifo: 9, lru: 9 },
  },
  {
    source: 'GATE CS 2016, set 2: twenty pages twice on ten frames; one less than LIFO with its 31',
    pages: repeated(upTo(20), 2),
    frames: 10,
    faults: { opt: 30 },
  },
  {
    // A B C D E D F.
    source: 'Wikipedia: Cache replacement policies, example of LRU',
    pages: [1, 2, 3, 4, 5, 4, 6],
    frames: 4,
    faults: { lru: 6 },
  },
  {
    // A B C D E C D B.
    source: 'Wikipedia: Cache replacement policies, example of MRU',
    pages: [1, 2, 3, 4, 5, 3, 4, 2],
    frames: 4,
    faults: { mru: 6 },
  },
];
