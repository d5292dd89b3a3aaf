/** Where the walk ends: the physical address or the reason there is none, the VMA, and what an access would do now. */
import type { VmaView, WalkView } from '../../simulator/view/types.ts';
import type { Post } from '../host.ts';
import { hex } from '../model/address.ts';
import { countText, numberText } from '../numbers.ts';
import { FrameDetails } from './frame-details.tsx';
import { useFlash } from './hooks.ts';
import { Icon } from './icon.tsx';

export function WalkEnd({ walk, post }: { walk: WalkView; post: Post }) {
  return (
    <div class="walk-end" data-frame={walk.frame !== null}>
      <AccessCard walk={walk} />
      {walk.frame !== null && (
        <section class="card frame-card" data-anchor="frame" aria-label="The frame at the end of the walk">
          <h2>
            Frame <span class="address">{walk.frame.pfn}</span>
          </h2>
          {walk.physical !== null && (
            <p class="physical">
              physical address <span class="address value">{walk.physical}</span>
            </p>
          )}
          <FrameDetails
            frame={walk.frame}
            offset={walk.offset}
            here={{ pid: walk.pid, page: pageOf(walk) }}
            post={post}
          />
        </section>
      )}
    </div>
  );
}

function pageOf(walk: WalkView): string {
  return hex(BigInt(walk.address) - BigInt(walk.offset));
}

function AccessCard({ walk }: { walk: WalkView }) {
  return (
    <section class="card access-card" aria-label="The page and its VMA">
      <h2>
        Page <span class="address">{pageOf(walk)}</span>
      </h2>
      <p class="page-state">{walk.state}</p>
      <h3>An access now</h3>
      <dl class="would">
        <Would name="read" text={walk.would.read} />
        <Would name="write" text={walk.would.write} />
        <Would name="exec" text={walk.would.exec} />
      </dl>
      {walk.vma === null ? <p class="dim">No VMA covers this address.</p> : <Vma vma={walk.vma} />}
    </section>
  );
}

function Would({ name, text }: { name: string; text: string }) {
  const ref = useFlash<HTMLElement>(text);
  return (
    <div>
      <dt>{name}</dt>
      <dd ref={ref}>{text}</dd>
    </div>
  );
}

/** Lets a line break after each `|` of joined flags. */
function breakable(value: string) {
  return value.split('|').map((flag, i) => (i === 0 ? flag : ['|', <wbr key={flag} />, flag]));
}

function Vma({ vma }: { vma: VmaView }) {
  const facts: readonly (readonly [name: string, value: string])[] = [
    ['vm_start', vma.start],
    ['vm_end', `${vma.end} (${countText(vma.pages, 'page')})`],
    ['vm_flags', vma.flagNames],
    ['vm_page_prot', vma.vm_page_prot],
    ['vm_pgoff', vma.vm_pgoff],
    ['vm_file', vma.vm_file ?? 'none'],
    ['anon_vma', vma.anon_vma ?? 'none'],
    ['vm_ops', vma.vm_ops === null ? 'none: anonymous memory' : vma.vm_ops.name],
    ...Object.entries(vma.vm_ops?.operations ?? {}).map(([name, serves]) => [`· ${name}`, serves] as const),
    ['resident', `${numberText(vma.rssPages)} of ${numberText(vma.pages)}, ${numberText(vma.swapPages)} swapped`],
  ];
  const name = vma.name === '' ? 'anonymous' : vma.name;
  return (
    <details class="vma" data-changed={vma.changed}>
      <summary>
        <span class="vma-title">
          VMA {name} <span class="address">{vma.perms}</span>{' '}
          {vma.changed && (
            <span class="change-mark" title="The last step changed this VMA">
              <Icon name="circle-filled" />
              <span class="visually-hidden">changed by the last step</span>
            </span>
          )}
        </span>
        <span class="address maps-line">{vma.mapsLine}</span>
      </summary>
      <dl class="fields">
        {facts.map(([field, value]) => (
          <div key={field}>
            <dt>{field}</dt>
            <dd>{breakable(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
