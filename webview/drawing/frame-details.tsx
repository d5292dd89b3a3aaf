/** A frame in full: what it holds, who maps it, how the kernel counts it, and its first bytes. */
import { Fragment } from 'preact';
import type { FrameView, MapperView } from '../../simulator/view/types.ts';
import type { Post } from '../host.ts';
import { type HexRow, hexRows } from '../model/bytes.ts';
import { useName } from '../model/uses.ts';
import { numberText } from '../numbers.ts';
import { useFlash } from './hooks.ts';

interface FrameDetailsProps {
  readonly frame: FrameView;
  /** Where in the frame the address points, when it does. */
  readonly offset?: number;
  /** The mapping that is being looked at. */
  readonly here?: { readonly pid: number; readonly page: string };
  readonly post: Post;
}

export function FrameDetails({ frame, offset, here, post }: FrameDetailsProps) {
  return (
    <div class="frame-details">
      <p class="frame-text">{frame.text}</p>
      <dl class="facts">
        <Fact name="use" value={useName(frame.use)} />
        <Fact name="mapped" value={times(frame.mapcount)} hint="PTEs that point at it (mapcount)" />
        <Fact name="references" value={String(frame.refcount)} hint="Everything that keeps it (refcount)" />
        {frame.list !== '' && <Fact name="list" value={frame.list} hint="The list that reclaim finds it on" />}
        <Fact name="dirty" value={frame.dirty ? 'yes' : 'no'} />
        {frame.writeback && <Fact name="writeback" value="under way" hint="On its way to the disk (PG_writeback)" />}
        <Fact name="accessed" value={frame.accessed ? 'yes' : 'no'} hint="The accessed bit of a PTE that maps it" />
        <Fact name="referenced" value={frame.referenced ? 'yes' : 'no'} hint="PG_referenced of the frame itself" />
        {frame.file !== null && <Fact name="file" value={`${frame.file.path}, page ${frame.file.index}`} />}
      </dl>
      <Bytes bytes={frame.bytes} {...(offset === undefined ? {} : { offset })} />
      {frame.mappers.length > 0 && (
        <>
          <h3>Mapped by</h3>
          <ul class="mappers">
            {frame.mappers.map((mapper) => (
              <Mapper key={`${mapper.pid}:${mapper.va}`} mapper={mapper} here={isHere(mapper, here)} post={post} />
            ))}
            {frame.mapcount > frame.mappers.length && (
              <li class="dim">{`and ${numberText(frame.mapcount - frame.mappers.length)} more`}</li>
            )}
          </ul>
        </>
      )}
    </div>
  );
}

function times(count: number): string {
  return count === 0 ? 'nowhere' : count === 1 ? 'once' : `${count} times`;
}

function isHere(mapper: MapperView, here: FrameDetailsProps['here']): boolean {
  return here !== undefined && mapper.pid === here.pid && mapper.va === here.page;
}

function Fact({ name, value, hint }: { name: string; value: string; hint?: string }) {
  const ref = useFlash<HTMLElement>(value);
  return (
    <div class="fact" title={hint}>
      <dt>{name}</dt>
      <dd ref={ref}>{value}</dd>
    </div>
  );
}

function Mapper({ mapper, here, post }: { mapper: MapperView; here: boolean; post: Post }) {
  return (
    <li>
      <button
        type="button"
        class="mapper"
        aria-current={here ? 'location' : undefined}
        onClick={() => post({ type: 'goTo', pid: mapper.pid, address: mapper.va })}
      >
        <span class="mapper-process">{mapper.process}</span>
        <span class="address">{mapper.va}</span>
        <span class="dim">
          {mapper.writable ? 'writable' : 'read-only'}
          {here ? ', here' : ''}
        </span>
      </button>
    </li>
  );
}

/** Bytes of a row: where there is room for it, and in a narrow card; the style sheet shows one of the two. */
const ROWS = { wide: 8, narrow: 4 } as const;

function Bytes({ bytes, offset }: { bytes: string; offset?: number }) {
  if (bytes === '') return null;
  return (
    <div class="bytes">
      <h3>First bytes</h3>
      <HexDump room="wide" rows={hexRows(bytes, offset ?? null, ROWS.wide)} />
      <HexDump room="narrow" rows={hexRows(bytes, offset ?? null, ROWS.narrow)} />
    </div>
  );
}

function HexDump({ room, rows }: { room: keyof typeof ROWS; rows: readonly HexRow[] }) {
  return (
    <pre data-room={room}>
      {rows.map((row) => (
        <div key={row.at} class="bytes-row">
          <span class="dim bytes-at">
            <span class="bytes-prefix">0x</span>
            {row.label}{' '}
          </span>
          {row.bytes.map((byte, i) => (
            <Fragment key={i}>
              <span class="byte" data-here={byte.here} data-zero={byte.text === '00'}>
                {byte.text}
              </span>{' '}
            </Fragment>
          ))}
          <span class="dim ascii"> {row.ascii}</span>
        </div>
      ))}
    </pre>
  );
}
