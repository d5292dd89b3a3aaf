// Values, bytes, uses, slots and messages as the view understands them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FrameMapView, FrameUse, SharedUse, SwapMapView } from '../../simulator/view/types.ts';
import { FIXTURES } from '../../webview/dev/fixtures.ts';
import { webviewHtml } from '../../webview/html.ts';
import { hexRows } from '../../webview/model/bytes.ts';
import { entryChange } from '../../webview/model/entry-bits.ts';
import {
  frameIndex,
  frameRuns,
  frameText,
  lookCounts,
  looksOf,
  markCounts,
  marksAt,
  overview,
} from '../../webview/model/frames.ts';
import { cachedSlots, slotRuns, slotShares, slotText, slotUse } from '../../webview/model/slots.ts';
import { announcement, nothingToWalk, receive, savedState, WAITING } from '../../webview/model/view.ts';
import { positionText } from '../../webview/numbers.ts';
import { applyFrameMapUpdate, frameMapUpdate, type StateMessage } from '../../webview/protocol.ts';

const LEGEND: readonly FrameUse[] = ['free', 'anon', 'file-clean', 'table'];

const LISTS = ['', 'inactive(anon)', 'active(anon)', 'inactive(file)', 'active(file)', 'unevictable'];
const SHARED_USES: readonly SharedUse[] = ['nobody', 'several', 'cache', 'kernel', 'somebody'];
const NAMES = new Map([
  [1000, 'bash'],
  [1001, 'kid'],
]);

function map(uses: readonly number[], first = 0, fields: Partial<FrameMapView> = {}): FrameMapView {
  return {
    first,
    total: uses.length,
    free: uses.filter((use) => use === 0).length,
    legend: LEGEND,
    uses: Uint8Array.from(uses),
    lists: LISTS,
    states: Uint8Array.from(uses, () => 0),
    sharedUses: SHARED_USES,
    owners: Uint16Array.from(uses, (use) => (use === 1 ? 1000 : use === 2 ? 2 : 0)),
    exact: true,
    hand: null,
    changed: [],
    ...fields,
  };
}

function fixture(name: string): StateMessage {
  const state = FIXTURES[name];
  if (state === undefined) throw new Error(`fixture: no state ${name}`);
  return state;
}

describe('entryChange', () => {
  it('tells a first touch by its flags', () => {
    const change = entryChange('0x0', '0x8000000000009067');
    expect(change.before).toBe('empty');
    expect(change.set).toEqual(['P', 'W', 'U', 'A', 'D', 'NX']);
    expect(change.frame).toBeNull();
  });

  it('tells write-protection and a copy', () => {
    expect(entryChange('0x8000000000009067', '0x8000000000009065').cleared).toEqual(['W']);
    const copied = entryChange('0x8000000000009065', '0x800000000000a067');
    expect(copied.frame).toEqual({ before: '0x9', after: '0xa' });
    expect(copied.set).toEqual(['W']);
  });

  it('compares no flags with a swap entry, whose bits mean other things', () => {
    const out = entryChange('0x8000000000009067', '0x600');
    expect([out.set, out.cleared, out.frame]).toEqual([[], [], null]);
  });
});

describe('hexRows', () => {
  it('leaves out trailing zeros, but not the first row and not the byte that is looked at', () => {
    expect(hexRows('00'.repeat(64), null, 8)).toHaveLength(1);
    expect(hexRows('00'.repeat(64), 9, 8)).toHaveLength(2);
    expect(hexRows('', null, 8)).toEqual([]);
  });

  it('prints what can be printed', () => {
    const rows = hexRows('68656c6c6f007f80', 1, 8);
    expect(rows[0]?.ascii).toBe('hello···');
    expect(rows[0]?.bytes.map((byte) => byte.here)).toEqual([false, true, false, false, false, false, false, false]);
  });
});

describe('frame maps', () => {
  it('are counted by use and told as runs', () => {
    const ram = map([3, 3, 1, 0, 0], 0x10);
    expect(lookCounts(ram, looksOf(ram, 'use', NAMES)).map(({ tile, count }) => [tile, count])).toEqual([
      ['free', 2],
      ['anon', 1],
      ['table', 2],
    ]);
    expect(frameRuns(ram, NAMES, 2)).toEqual([
      { first: '0x10', last: '0x11', count: 2, text: 'page table, on no list, of nobody' },
      { first: '0x12', last: '0x12', count: 1, text: 'anonymous, on no list, of bash' },
    ]);
    expect(frameIndex(ram, '0x12')).toBe(2);
    expect([frameIndex(ram, '0xf'), frameIndex(ram, '0x15'), frameIndex(ram, null)]).toEqual([null, null, null]);
  });

  // One frame of each kind: free, kid's on the inactive list, shared, of the page cache, and one of a nameless process.
  const mixed = map([0, 1, 1, 2, 1], 1, {
    states: Uint8Array.of(0, 1 | 8, 2 | 8 | 16 | 64, 3 | 32 | 64, 5 | 16),
    owners: Uint16Array.of(0, 1001, 1, 2, 1234),
  });

  it('tell of each frame its use, its list, its bits and its owner', () => {
    expect([0, 1, 2, 3, 4].map((i) => frameText(mixed, i, NAMES))).toEqual([
      'free',
      'anonymous, inactive(anon), referenced, of kid',
      'anonymous, active(anon), accessed, referenced, dirty, of several processes',
      'file, clean, inactive(file), accessed, under writeback, mapped by nobody',
      'anonymous, unevictable, dirty, of 1234',
    ]);
    expect([0, 1, 2, 3].map((i) => marksAt(mixed, i))).toEqual([
      [],
      ['referenced'],
      ['accessed', 'referenced', 'dirty'],
      ['accessed', 'writeback'],
    ]);
    expect(markCounts(mixed)).toEqual({ accessed: 2, referenced: 2, dirty: 2, writeback: 1 });
  });

  it('tell where the hand of clock points, in a run of its own', () => {
    const ram = map([1, 1, 1, 0], 1, { hand: 2 });
    expect(marksAt(ram, 0)).toEqual([]);
    expect(marksAt(ram, 1)).toEqual(['hand']);
    expect(frameRuns(ram, NAMES, 10).map(({ count, text }) => [count, text])).toEqual([
      [1, 'anonymous, on no list, of bash'],
      [1, 'anonymous, on no list, under the hand, of bash'],
      [1, 'anonymous, on no list, of bash'],
      [1, 'free'],
    ]);
  });

  it('are coloured by list and by owner, free frames as such in each', () => {
    const looks = (colouring: 'list' | 'owner') =>
      lookCounts(mixed, looksOf(mixed, colouring, NAMES)).map(({ tile, name }) => [tile, name]);
    expect(looks('list')).toEqual([
      ['free', 'free'],
      ['list-inactive-anon', 'inactive(anon)'],
      ['list-active-anon', 'active(anon)'],
      ['list-inactive-file', 'inactive(file)'],
      ['list-unevictable', 'unevictable'],
    ]);
    expect(looks('owner')).toEqual([
      ['free', 'free'],
      ['owner-several', 'several processes'],
      ['owner-cache', 'cache only'],
      ['owner-1', 'kid'],
      ['owner-2', '1234'],
    ]);
  });

  it('are summed up by what most of the used frames are', () => {
    const ram = map([1, 1, 2, 0, 0, 0, 0, 0, 2]);
    expect(overview(ram, looksOf(ram, 'use', NAMES), 4)).toEqual([
      { tile: 'anon', share: 0.75 },
      { tile: 'free', share: 0 },
      { tile: 'file-clean', share: 1 },
    ]);
    expect(overview(ram, looksOf(ram, 'owner', NAMES), 3)[0]).toEqual({ tile: 'owner-0', share: 1 });
  });

  const frames = fc.record({ use: fc.nat(3), state: fc.nat(125), owner: fc.constantFrom(0, 1, 2, 1000, 1001) });
  const mapOf = (some: readonly { use: number; state: number; owner: number }[]) =>
    map(
      some.map(({ use }) => use),
      1,
      {
        states: Uint8Array.from(some, ({ state }) => state),
        owners: Uint16Array.from(some, ({ owner }) => owner),
      },
    );
  it('may end before the machine does: what lies behind is free', () => {
    const ram = map([1, 3, 0], 1, { total: 40 });
    const looks = looksOf(ram, 'use', NAMES);
    expect(lookCounts(ram, looks).map(({ tile, count }) => [tile, count])).toEqual([
      ['free', 38],
      ['anon', 1],
      ['table', 1],
    ]);
    expect(frameRuns(ram, NAMES, 9).at(-1)).toEqual({ first: '0x3', last: '0x28', count: 38, text: 'free' });
    expect(frameRuns(map([1], 1, { total: 3 }), NAMES, 9).map(({ count, text }) => [count, text])).toEqual([
      [1, 'anonymous, on no list, of bash'],
      [2, 'free'],
    ]);
    expect(overview(ram, looks, 20)).toEqual([
      { tile: 'anon', share: 0.1 },
      { tile: 'free', share: 0 },
    ]);
    expect([frameIndex(ram, '0x28'), frameIndex(ram, '0x29')]).toEqual([39, null]);
  });

  // Two maps of one machine, alike in most places; each ends where its last frame was taken.
  const arrays = fc
    .tuple(
      fc.array(fc.record({ before: frames, after: fc.option(frames) }), { maxLength: 300 }),
      fc.nat(60),
      fc.nat(60),
    )
    .map(([pairs, shorter, longer]) => {
      const before = pairs.slice(0, Math.max(0, pairs.length - shorter)).map((pair) => pair.before);
      const after = pairs.slice(0, Math.max(0, pairs.length - longer)).map((pair) => pair.after ?? pair.before);
      return [before, after].map((some) => ({ ...mapOf(some), total: 300 })) as [FrameMapView, FrameMapView];
    });

  it('come out the same whether sent whole or as a difference', () => {
    fc.assert(
      fc.property(arrays, ([before, after]) => {
        const kept = structuredClone(before);
        expect(applyFrameMapUpdate(before, frameMapUpdate(before, after))).toEqual(after);
        expect(before).toEqual(kept);
      }),
    );
  });

  it('are sent as a difference when little differs, and whole when the machine is another one', () => {
    const before = map(Array.from({ length: 100 }, () => 0));
    const after = map(Array.from({ length: 100 }, (_, i) => (i === 42 ? 1 : 0)));
    const update = frameMapUpdate(before, after);
    expect(update.kind === 'delta' && [...update.indices]).toEqual([42]);
    expect(frameMapUpdate(before, map([1], 5)).kind).toBe('full');
    expect(applyFrameMapUpdate(null, update)).toBeNull();
  });
});

describe('swap maps', () => {
  const swap: SwapMapView = {
    slots: 6,
    used: 4,
    counts: Uint8Array.from([1, 1, 0, 3, 1, 0]),
    cached: Uint8Array.from([0, 0, 0, 1]),
    sharedUses: SHARED_USES,
    owners: Uint16Array.from([1000, 1000, 0, 1, 2]),
    shared: [{ slot: 3, owners: [1000, 1001] }],
    changed: [],
  };

  it('tell shared slots from others, and who waits for them', () => {
    expect([0, 2, 3].map((slot) => slotUse(swap, slot))).toEqual(['slot-used', 'slot-free', 'slot-shared']);
    expect(slotShares(swap, 3)).toEqual([2 / 3, 2 / 3]);
    expect(slotRuns(swap, NAMES, 10)).toEqual([
      { first: 0, last: 1, text: '1 user, of bash' },
      { first: 3, last: 3, text: '3 users, of bash and kid, in the swap cache' },
      { first: 4, last: 4, text: '1 user, of shared memory' },
    ]);
    expect([cachedSlots(swap), slotText(swap, 5, NAMES)]).toEqual([1, 'slot 5: free']);
  });

  it('tell the number of users where page tables were not read', () => {
    const unread = { ...swap, owners: new Uint16Array(), shared: [] };
    expect(slotText(unread, 3, NAMES)).toBe('slot 3: 3 users, in the swap cache');
  });
});

describe('receive', () => {
  const stored = receive(WAITING, fixture('stored'));

  it('shows a state and remembers what is needed after a reload', () => {
    expect(stored.shown?.walk?.physical).toBe('0x9008');
    expect(stored.shown && savedState(stored.shown, 'list')).toEqual({
      scenario: 'file:///cow-fork.vas',
      pid: 1000,
      text: 'buf + 0x1008',
      follow: true,
      pfn: null,
      colouring: 'list',
    });
  });

  it('knows which frames became different, and that nothing did the second time', () => {
    const untouched = receive(WAITING, fixture('untouched'));
    const after = receive(untouched, fixture('stored'));
    expect(after.freshFrames).toEqual([9]);
    expect(receive(after, fixture('stored'))).toMatchObject({ freshFrames: [], freshSlots: [] });
    expect(receive(after, fixture('swapped')).freshSlots).toEqual([3, 4]);
  });

  it('applies a difference, and asks for everything when it has nothing to apply it to', () => {
    const before = stored.shown?.frames;
    if (before === undefined) throw new Error('receive: no state is shown');
    const after: FrameMapView = { ...before, uses: before.uses.map((use, i) => (i === 15 ? 1 : use)) };
    const message: StateMessage = { ...fixture('stored'), frames: frameMapUpdate(before, after) };
    const next = receive(stored, message);
    expect([next.shown?.frames.uses[15], next.freshFrames]).toEqual([1, [15]]);
    expect(receive(WAITING, message)).toMatchObject({ lost: true, shown: null });
  });

  it('keeps the state under a notice until the next state', () => {
    const notice = { type: 'notice', severity: 'error', about: 'address', message: 'unknown name' } as const;
    const told = receive(stored, notice);
    expect([told.notice, told.shown]).toEqual([notice, stored.shown]);
    expect(receive(told, fixture('stored')).notice).toBeNull();
    expect(receive(stored, { type: 'empty', message: 'closed' })).toMatchObject({ shown: null, empty: 'closed' });
  });

  it('says why there is no walk', () => {
    const { processes, selection } = fixture('forked');
    const ended = processes.map((process) => ({ ...process, state: 'dead', ended: 'SIGSEGV' }) as const);
    expect(nothingToWalk({ processes: ended, selection, follow: true })).toBe(
      'bash has ended (SIGSEGV): its address space is gone.',
    );
    expect(nothingToWalk({ processes: [], selection: null, follow: true })).toBe('No process yet: step to begin.');
    expect(nothingToWalk({ processes, selection: null, follow: true })).toMatch(/^No memory was touched yet/);
    expect(nothingToWalk({ processes, selection: null, follow: false })).toMatch(/^Type an address/);
  });

  it('says where it stands', () => {
    const shown = stored.shown;
    if (shown === null) throw new Error('receive: no state is shown');
    expect([positionText(shown.position, shown.total), positionText(9, null)]).toEqual(['step 3 of 8', 'step 9']);
    expect(positionText(30_007, 1_000_000)).toBe('step 30,007 of 1,000,000');
    expect(announcement(shown)).toMatch(/^step 3 of 8: bash: store\(.*minor fault$/);
  });
});

describe('webviewHtml', () => {
  const html = webviewHtml({ cspSource: 'https://x.test', nonce: 'n1', scriptUri: 's.js?a="1"&b', styleUri: 's.css' });

  it('lets only the one script run, and no style or script inline', () => {
    expect(html).toContain(
      "default-src 'none'; style-src https://x.test; font-src https://x.test; script-src 'nonce-n1'",
    );
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toContain('unsafe');
    expect(html).not.toContain('style=');
  });

  it('escapes what it is given', () => {
    expect(html).toContain('src="s.js?a=&quot;1&quot;&amp;b"');
  });
});
