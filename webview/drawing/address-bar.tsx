/** The address in full, and cut into what each level of the tables takes from it. */
import type { WalkView } from '../../simulator/view/types.ts';
import { cutAddress } from '../model/address.ts';

interface AddressBarProps {
  readonly walk: WalkView;
  /** The part whose level is looked at. */
  readonly lit: string | null;
  readonly onLight: (level: string | null) => void;
}

export function AddressBar({ walk, lit, onLight }: AddressBarProps) {
  const parts = cutAddress(walk.address, walk.levels);
  return (
    <section class="address-bar" aria-label="The address, cut into table indices">
      <div class="address-full">
        <span class="address">{walk.address}</span>
        {!walk.canonical && <span class="warning-text">not canonical</span>}
      </div>
      <ol class="address-parts">
        {parts.map((part) => (
          <li
            key={part.kind}
            class={`part part-${part.kind === 'sign' || part.kind === 'offset' ? part.kind : 'level'}`}
            data-lit={part.kind === lit}
            onMouseEnter={() => onLight(part.kind)}
            onMouseLeave={() => onLight(null)}
          >
            <span class="part-label">
              {part.label} {part.value !== '' && <b>{part.value}</b>}
            </span>
            <span class="part-digits" aria-hidden="true">
              {part.digits}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
