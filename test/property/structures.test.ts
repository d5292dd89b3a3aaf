// The copy-on-write building blocks against plain models, with snapshots taken and restored at random in between.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesContent,
  filledContent,
  fillFrame,
  readFrameByte,
  setFrame,
  writeFrame,
} from '../../simulator/machine/content.ts';
import { Frames } from '../../simulator/machine/frames.ts';
import { PageTables } from '../../simulator/machine/pagetable.ts';
import { SwapSlots } from '../../simulator/machine/swap-slots.ts';
import { Tlb } from '../../simulator/machine/tlb.ts';
import { withHole } from '../../simulator/mm/page-cache.ts';
import { Counts } from '../../simulator/state/counts.ts';
import { CowMap, type Epoch, newEpoch, Table } from '../../simulator/state/cow.ts';

/** Something with a frozen form, and a model of it that is copied whole. */
interface Subject<Root, Model> {
  freeze(): Root;
  thaw(root: Root): void;
  model(): Model;
  setModel(model: Model): void;
  /** Throws when subject and model differ. */
  compare(): void;
}

/** Runs `moves`, each an operation or a snapshot or a way back to one, and compares behind each. */
function play<Root, Model, Op>(
  epoch: Epoch,
  subject: Subject<Root, Model>,
  moves: readonly Move<Op>[],
  apply: (op: Op) => void,
): void {
  const kept: { root: Root; model: Model }[] = [];
  for (const move of moves) {
    if (move.kind === 'op') apply(move.op);
    else if (move.kind === 'snapshot') {
      kept.push({ root: subject.freeze(), model: subject.model() });
      epoch.now++;
    } else {
      const place = kept[move.index % Math.max(1, kept.length)];
      if (place === undefined) continue;
      epoch.now++;
      subject.thaw(place.root);
      subject.setModel(structuredClone(place.model));
    }
    subject.compare();
  }
}

type Move<Op> =
  | { readonly kind: 'op'; readonly op: Op }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'restore'; readonly index: number };

function movesOf<Op>(op: fc.Arbitrary<Op>, maxLength = 60): fc.Arbitrary<Move<Op>[]> {
  return fc.array(
    fc.oneof(
      { weight: 8, arbitrary: op.map((value): Move<Op> => ({ kind: 'op', op: value })) },
      { weight: 1, arbitrary: fc.constant<Move<Op>>({ kind: 'snapshot' }) },
      { weight: 1, arbitrary: fc.nat(7).map((index): Move<Op> => ({ kind: 'restore', index })) },
    ),
    { maxLength },
  );
}

describe('Table', () => {
  test('holds what a map by id holds', () => {
    interface Item {
      owner: number;
      readonly id: number;
      value: number;
    }
    const op = fc.tuple(fc.constantFrom('add', 'add', 'many', 'edit', 'delete', 'clear'), fc.nat(2000), fc.nat(9));
    fc.assert(
      fc.property(movesOf(op, 80), (moves) => {
        const epoch = newEpoch();
        const table = new Table<Item>(epoch, (item, owner) => ({ ...item, owner }), 5);
        let model = { next: 5, items: new Map<number, number>() };
        play(
          epoch,
          {
            freeze: () => table.freeze(),
            thaw: (root) => table.thaw(root),
            model: () => structuredClone(model),
            setModel: (copy) => {
              model = copy;
            },
            compare: () => {
              expect([...table.values()].map(({ id, value }) => [id, value])).toEqual([...model.items]);
              expect([table.size, table.nextId]).toEqual([model.items.size, model.next]);
            },
          },
          moves,
          ([kind, at, value]) => {
            if (kind === 'add' || kind === 'many') {
              for (let i = kind === 'add' ? 1 : 700; i > 0; i--) {
                const { id } = table.add((newId, owner) => ({ owner, id: newId, value }));
                expect(id).toBe(model.next++);
                model.items.set(id, value);
              }
              return;
            }
            if (kind === 'clear') {
              for (const old of [...model.items.keys()].slice(at)) {
                table.delete(old);
                model.items.delete(old);
              }
              return;
            }
            const id = [...model.items.keys()][at % Math.max(1, model.items.size)];
            if (id === undefined) expect(() => table.edit(at)).toThrow();
            else if (kind === 'edit') {
              table.edit(id).value = value;
              model.items.set(id, value);
            } else {
              table.delete(id);
              model.items.delete(id);
            }
          },
        );
      }),
      { numRuns: 150 },
    );
  });
});

describe('holes', () => {
  test('are the pages that were punched out, in as few ranges as there can be', () => {
    const punch = fc.record({ first: fc.nat(40), count: fc.integer({ min: 1, max: 12 }) });
    fc.assert(
      fc.property(fc.array(punch, { maxLength: 12 }), (punches) => {
        let holes: readonly number[] = [];
        const model = new Set<number>();
        for (const { first, count } of punches) {
          holes = withHole(holes, first, first + count);
          for (let page = first; page < first + count; page++) model.add(page);
        }
        const borders: number[] = [];
        for (let page = 0; page < 60; page++) if (model.has(page) !== model.has(page - 1)) borders.push(page);
        expect(holes).toEqual(borders);
      }),
    );
  });
});

describe('Counts', () => {
  test('hold what a map of counts holds', () => {
    const op = fc.record({
      from: fc.nat(300),
      number: fc.constantFrom(1, 1, 40, 200),
      delta: fc.constantFrom(1, 2, -1),
    });
    fc.assert(
      fc.property(movesOf(op), (moves) => {
        const epoch = newEpoch();
        let counts = Counts.empty(epoch.now);
        let model = new Map<number, number>();
        play(
          epoch,
          {
            freeze: () => counts,
            thaw: (root) => {
              counts = root;
            },
            model: () => structuredClone(model),
            setModel: (copy) => {
              model = copy;
            },
            compare: () => {
              const ids = [...model.keys()].sort((a, b) => a - b);
              expect([...counts]).toEqual(ids.map((id) => [id, model.get(id)]));
              expect([counts.keys(), counts.size]).toEqual([ids, ids.length]);
              for (const id of [0, 1, 31, 32, 77, 300, 499]) expect(counts.get(id)).toBe(model.get(id) ?? 0);
            },
          },
          moves,
          ({ from, number, delta }) => {
            for (let id = from; id < from + number; id++) {
              const count = (model.get(id) ?? 0) + delta;
              if (count === 0) model.delete(id);
              else model.set(id, count);
              counts = counts.plus(id, delta, epoch.now);
            }
          },
        );
      }),
      { numRuns: 150 },
    );
  });
});

describe('CowMap', () => {
  test('holds what a map holds', () => {
    const op = fc.tuple(fc.boolean(), fc.nat(6), fc.nat(9));
    fc.assert(
      fc.property(movesOf(op), (moves) => {
        const epoch = newEpoch();
        const map = new CowMap<number, number>(epoch);
        let model = new Map<number, number>();
        play(
          epoch,
          {
            freeze: () => map.freeze(),
            thaw: (root) => map.thaw(root),
            model: () => new Map(model),
            setModel: (copy) => {
              model = copy;
            },
            compare: () => expect(new Map(map.entries())).toEqual(model),
          },
          moves,
          ([set, key, value]) => {
            if (set) {
              map.set(key, value);
              model.set(key, value);
            } else {
              map.delete(key);
              model.delete(key);
            }
          },
        );
      }),
      { numRuns: 150 },
    );
  });
});

describe('Frames', () => {
  test('are taken once, given back, and hold their bytes', () => {
    const op = fc.record({
      kind: fc.constantFrom('take', 'take', 'give', 'fill', 'write', 'replace'),
      at: fc.nat(300),
      offset: fc.constantFrom(0, 1, 7, 100, 4000, 4095),
      length: fc.constantFrom(1, 1, 2, 96, 4096),
      value: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), movesOf(op, 80), (total, moves) => {
        const epoch = newEpoch();
        const frames = new Frames(epoch, total);
        let model = new Map<number, Uint8Array>();
        const probe = [0, 1, 2, 7, 8, 50, 99, 100, 101, 195, 196, 3999, 4000, 4001, 4094, 4095];
        play(
          epoch,
          {
            freeze: () => frames.freeze(),
            thaw: (root) => frames.thaw(root),
            model: () => structuredClone(model),
            setModel: (copy) => {
              model = copy;
            },
            compare: () => {
              expect(frames.counters.free).toBe(total - model.size);
              for (const [pfn, bytes] of model) {
                expect(probe.map((offset) => readFrameByte(frames, pfn, offset))).toEqual(probe.map((o) => bytes[o]));
              }
            },
          },
          moves,
          ({ kind, at, offset, length, value }) => {
            if (kind === 'take') {
              const pfn = frames.take();
              expect(pfn === 0).toBe(model.size === total);
              expect(model.has(pfn)).toBe(false);
              if (pfn !== 0) model.set(pfn, new Uint8Array(4096));
              return;
            }
            const entry = [...model][at % Math.max(1, model.size)];
            if (entry === undefined) return;
            const [pfn, bytes] = entry;
            const count = Math.min(length, 4096 - offset);
            if (kind === 'give') {
              frames.give(pfn);
              model.delete(pfn);
            } else if (kind === 'fill') {
              fillFrame(frames, epoch, pfn, offset, count, value);
              bytes.fill(value, offset, offset + count);
            } else if (kind === 'write') {
              const data = Uint8Array.from({ length: count }, (_, i) => (value + i) & 255);
              writeFrame(frames, epoch, pfn, offset, data);
              bytes.set(data, offset);
            } else if (value === 0) {
              const data = Uint8Array.from([1, 2, 3]);
              setFrame(frames, pfn, bytesContent(data));
              bytes.fill(0).set(data);
            } else {
              setFrame(frames, pfn, filledContent(value));
              bytes.fill(value);
            }
          },
        );
      }),
      { numRuns: 150 },
    );
  });
});

describe('SwapSlots', () => {
  test('are free exactly when neither PTE nor swap cache holds them', () => {
    interface Slot {
      count: number;
      cached: number;
      byte: number;
    }
    const op = fc.tuple(
      fc.constantFrom('take', 'duplicate', 'drop', 'cache', 'uncache', 'write'),
      fc.nat(30),
      fc.nat(9),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 }), movesOf(op, 100), (total, moves) => {
        const epoch = newEpoch();
        const swap = new SwapSlots(epoch, total);
        let model = new Map<number, Slot>();
        play(
          epoch,
          {
            freeze: () => swap.freeze(),
            thaw: (root) => swap.thaw(root),
            model: () => structuredClone(model),
            setModel: (copy) => {
              model = copy;
            },
            compare: () => {
              expect([swap.used, swap.free]).toEqual([model.size, total - model.size]);
              for (const [slot, { count, cached, byte }] of model) {
                expect([swap.count(slot), swap.cached(slot)]).toEqual([count, cached]);
                expect(swap.content(slot).word).toBe(byte);
              }
            },
          },
          moves,
          ([kind, at, value]) => {
            if (kind === 'take') {
              const slot = swap.take();
              expect(slot < 0).toBe(model.size === total);
              expect(model.has(slot)).toBe(false);
              if (slot < 0) return;
              swap.duplicate(slot);
              model.set(slot, { count: 1, cached: 0, byte: 0 });
              return;
            }
            const entry = [...model][at % Math.max(1, model.size)];
            if (entry === undefined) return;
            const [slot, held] = entry;
            if (kind === 'duplicate') {
              swap.duplicate(slot);
              held.count++;
            } else if (kind === 'write') {
              swap.write(slot, filledContent(value).word, undefined);
              held.byte = value;
            } else if (kind === 'drop' && held.count > 0) {
              swap.drop(slot);
              held.count--;
            } else if (kind === 'drop') expect(() => swap.drop(slot)).toThrow('no reference');
            else {
              held.cached = kind === 'cache' ? value + 1 : 0;
              swap.setCached(slot, held.cached);
            }
            if (held.count === 0 && held.cached === 0) model.delete(slot);
          },
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe('PageTables', () => {
  /** Pages at the borders of tables of each level. */
  const pages = [0, 1, 511, 512, 513, 0x3ffff, 0x40000, 0x40001, 0x7ffffff, 0x8000000, 0x7fffffffe];

  test.each([4, 5] as const)('of %i levels hold what was written, and give back what is empty', (levels) => {
    const op = fc.record({
      kind: fc.constantFrom('set', 'set', 'set', 'clear', 'freeLeaf', 'freeRange'),
      page: fc.constantFrom(...pages),
      to: fc.constantFrom(...pages),
      value: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(movesOf(op), (moves) => {
        const epoch = newEpoch();
        let tables = new PageTables(epoch, { next: 1 }, levels);
        /** Values by page, and the 2 MiB blocks that have a table. */
        let model = { values: new Map<number, number>(), blocks: new Set<number>() };
        const block = (page: number): number => Math.floor(page / 512);
        const word = (page: number): number => 2 * (page % 512);
        play(
          epoch,
          {
            freeze: () => tables.share(),
            thaw: (root) => {
              tables = root.share();
            },
            model: () => structuredClone(model),
            setModel: (copy) => {
              model = copy;
            },
            compare: () => {
              for (const page of pages) {
                const table = tables.find(page * 4096);
                expect(table !== undefined).toBe(model.blocks.has(block(page)));
                expect(table?.words[word(page)] ?? 0).toBe(model.values.get(page) ?? 0);
              }
              const found: number[] = [];
              const end = 2 ** 47;
              for (let at = tables.nextTable(0, end); at < end; at = tables.nextTable(at + 0x200000, end)) {
                found.push(at / 0x200000);
              }
              expect(found).toEqual([...model.blocks].sort((a, b) => a - b));
            },
          },
          moves,
          ({ kind, page, to, value }) => {
            if (kind === 'set' || kind === 'clear') {
              tables.edit(page * 4096).words[word(page)] = kind === 'set' ? value : 0;
              model.blocks.add(block(page));
              if (kind === 'set') model.values.set(page, value);
              else model.values.delete(page);
              return;
            }
            if (kind === 'freeLeaf') {
              const empty = ![...model.values.keys()].some((other) => block(other) === block(page));
              const freed = tables.freeEmptyLeaf(page * 4096);
              expect(freed).toBe(empty && model.blocks.has(block(page)));
              if (freed) model.blocks.delete(block(page));
              return;
            }
            // As after munmap: the pages of the range are gone, and nothing else lies in its tables.
            const [first, last] = page < to ? [page, to] : [to, page];
            const start = block(first) * 512;
            const end = (block(last) + 1) * 512;
            for (const other of [...model.values.keys()]) {
              if (other < start || other >= end) continue;
              tables.edit(other * 4096).words[word(other)] = 0;
              model.values.delete(other);
            }
            tables.freeRange(start * 4096, end * 4096, start * 4096, end * 4096);
            for (const other of [...model.blocks])
              if (other * 512 >= start && other * 512 < end) model.blocks.delete(other);
          },
        );
      }),
      { numRuns: 120 },
    );
  });
});

describe('Tlb', () => {
  test('says nothing that was not filled in and not flushed since', () => {
    const op = fc.tuple(
      fc.constantFrom('fill', 'fill', 'flushPage', 'flushAll'),
      fc.nat(40),
      fc.integer({ min: 1, max: 9 }),
    );
    fc.assert(
      fc.property(fc.constantFrom(0, 4, 16, 64), movesOf(op), (size, moves) => {
        const epoch = newEpoch();
        const tlb = new Tlb(epoch, size);
        let model = new Map<number, number>();
        play(
          epoch,
          {
            freeze: () => tlb.freeze(),
            thaw: (root) => tlb.thaw(root),
            model: () => new Map(model),
            setModel: (copy) => {
              model = copy;
            },
            compare: () => {
              expect(tlb.entries().length).toBeLessThanOrEqual(size);
              for (const [page, pfn] of tlb.entries()) expect(pfn).toBe(model.get(page));
            },
          },
          moves,
          ([kind, page, pfn]) => {
            if (kind === 'fill') {
              tlb.fill(page * 4096, pfn, 7);
              model.set(page, pfn);
              const at = tlb.find(page * 4096 + 5);
              expect(at < 0 ? null : tlb.pfnAt(at)).toBe(size === 0 ? null : pfn);
            } else if (kind === 'flushPage') {
              tlb.flushPage(page * 4096);
              model.delete(page);
            } else {
              tlb.flushAll();
              model = new Map();
            }
          },
        );
      }),
      { numRuns: 150 },
    );
  });
});
