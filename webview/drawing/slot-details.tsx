/** A swap slot in full: what it holds, who waits for it, and the frame that has the same page. */
import type { SlotView } from '../../simulator/view/types.ts';
import type { Post } from '../host.ts';
import { numberText } from '../numbers.ts';
import { Icon } from './icon.tsx';

export function ChosenSlot({ slot, post }: { slot: SlotView; post: Post }) {
  const { cached } = slot;
  return (
    <section class="chosen" aria-label="The chosen slot">
      <h3>
        Slot <span class="address">{slot.slot}</span>
        <button
          type="button"
          class="icon-button"
          aria-label="Close the slot"
          title="Close"
          onClick={() => post({ type: 'selectSlot', slot: null })}
        >
          <Icon name="close" />
        </button>
      </h3>
      <p>{slot.text}</p>
      {cached !== null && (
        <button type="button" class="mapper" onClick={() => post({ type: 'selectFrame', pfn: cached })}>
          <span class="mapper-process">swap cache</span>
          <span class="address">{cached}</span>
        </button>
      )}
      {slot.waiters.length > 0 && <Waiters slot={slot} post={post} />}
    </section>
  );
}

function Waiters({ slot, post }: { slot: SlotView; post: Post }) {
  const more = slot.count - slot.waiters.length - (slot.file === null ? 0 : 1);
  return (
    <>
      <h3>Waiting for it</h3>
      <ul class="mappers">
        {slot.waiters.map(({ pid, process, va }) => (
          <li key={`${pid}:${va}`}>
            <button type="button" class="mapper" onClick={() => post({ type: 'goTo', pid, address: va })}>
              <span class="mapper-process">{process}</span>
              <span class="address">{va}</span>
            </button>
          </li>
        ))}
        {more > 0 && <li class="dim">{`and ${numberText(more)} more`}</li>}
      </ul>
    </>
  );
}
