/** Physical memory: the frames of RAM, the slots of swap, the frame chosen in the map, the machine's numbers. */
import { useMemo, useRef } from 'preact/hooks';
import type { NumberView } from '../../simulator/view/types.ts';
import type { Post } from '../host.ts';
import type { View } from '../model/view.ts';
import type { FrameColouring } from '../protocol.ts';
import { FrameDetails } from './frame-details.tsx';
import { FrameMap } from './frame-map.tsx';
import { useFlash, useWidth } from './hooks.ts';
import { Icon } from './icon.tsx';
import { ChosenSlot } from './slot-details.tsx';
import type { Light } from './story.tsx';
import { SwapMap } from './swap-map.tsx';

interface MemoryProps {
  readonly view: View;
  readonly light: Light;
  readonly colouring: FrameColouring;
  readonly onColour: (colouring: FrameColouring) => void;
  readonly post: Post;
}

export function Memory({ view, light, colouring, onColour, post }: MemoryProps) {
  const ref = useRef<HTMLDivElement>(null);
  const width = useWidth(ref);
  const { shown } = view;
  const names = useMemo(() => new Map(shown?.processes.map(({ pid, name }) => [pid, name])), [shown?.processes]);
  if (shown === null) return null;
  const lit = light.pfn ?? shown.walk?.frame?.pfn ?? null;
  return (
    <aside class="memory" aria-label="Physical memory">
      <section class="card frames">
        <div class="measure" ref={ref} />
        {width > 0 && (
          <FrameMap
            map={shown.frames}
            names={names}
            colouring={colouring}
            onColour={onColour}
            width={width}
            walked={lit}
            chosen={shown.frame?.pfn ?? null}
            fresh={view.freshFrames}
            onChoose={(pfn) => post({ type: 'selectFrame', pfn })}
          />
        )}
        {shown.frame !== null && (
          <section class="chosen" aria-label="The chosen frame">
            <h3>
              Frame <span class="address">{shown.frame.pfn}</span>
              <button
                type="button"
                class="icon-button"
                aria-label="Close the frame"
                title="Close"
                onClick={() => post({ type: 'selectFrame', pfn: null })}
              >
                <Icon name="close" />
              </button>
            </h3>
            <FrameDetails frame={shown.frame} post={post} />
          </section>
        )}
      </section>
      <div class="memory-rest">
        <section class="card slots">
          {width > 0 && (
            <SwapMap
              map={shown.swap}
              names={names}
              width={width}
              lit={light.slot ?? walkedSlot(view)}
              chosen={shown.slot?.slot ?? null}
              fresh={view.freshSlots}
              onChoose={(slot) => post({ type: 'selectSlot', slot })}
            />
          )}
          {shown.slot !== null && <ChosenSlot slot={shown.slot} post={post} />}
        </section>
        {shown.numbers.length > 0 && (
          <section class="card">
            <h2>Machine</h2>
            <dl class="numbers">
              {shown.numbers.map((number) => (
                <MachineNumber key={number.name} number={number} />
              ))}
            </dl>
          </section>
        )}
      </div>
    </aside>
  );
}

/** The slot that the walked page lies in, as the entry's text names it. */
function walkedSlot(view: View): number | null {
  const entry = view.shown?.walk?.levels.findLast((level) => level.entry !== null)?.entry;
  const slot = /\bslot (\d+)/.exec(entry?.text ?? '')?.[1];
  return slot === undefined ? null : Number(slot);
}

function MachineNumber({ number }: { number: NumberView }) {
  const ref = useFlash<HTMLElement>(number.value);
  return (
    <div title={number.text} data-changed={number.changed}>
      <dt>{number.name}</dt>
      <dd ref={ref}>
        {number.changed && (
          <span class="change-mark">
            <Icon name="circle-filled" />
            <span class="visually-hidden">changed to </span>
          </span>
        )}
        {number.value}
      </dd>
    </div>
  );
}
