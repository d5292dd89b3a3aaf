/** What the last step did, sentence by sentence; a sentence lights what it speaks of, and takes you there. */
import type { StoryLine } from '../../simulator/view/types.ts';
import type { Post } from '../host.ts';
import { announcement, type Shown } from '../model/view.ts';
import type { LastStep } from '../protocol.ts';
import { Icon } from './icon.tsx';

/** What a line of the story speaks of. */
export interface Light {
  readonly pfn: string | null;
  readonly slot: number | null;
}

export const NO_LIGHT: Light = { pfn: null, slot: null };

interface StoryProps {
  readonly shown: Shown;
  readonly onLight: (light: Light) => void;
  readonly post: Post;
}

export function Story({ shown, onLight, post }: StoryProps) {
  const last = shown.lastStep;
  return (
    <section class="card story" aria-label="What happened">
      <h2>What happened</h2>
      {last === null ? (
        <p class="dim">Nothing has run yet.</p>
      ) : (
        <button type="button" class="step-line" onClick={() => post({ type: 'revealLine', line: last.line })}>
          <span class="step-number">{shown.position}</span>
          <span class="step-text">{last.text}</span>
          <span class="step-outcome">{last.outcome}</span>
        </button>
      )}
      {last !== null && last.problem !== null && (
        <p class="problem">
          <Icon name="error" /> {last.problem}
        </p>
      )}
      {last !== null && last.story.length > 0 && (
        <ol class="story-lines">
          {last.story.map((line, i) => (
            <Sentence key={`${shown.position}:${i}`} line={line} onLight={onLight} post={post} />
          ))}
        </ol>
      )}
      {last?.before !== undefined && <StepBefore {...last.before} post={post} />}
      {shown.next !== null && <NextStep line={shown.next.line} text={shown.next.text} post={post} />}
      <p class="visually-hidden" role="status" aria-live="polite">
        {announcement(shown)}
      </p>
    </section>
  );
}

/** What stands above an assert: the step whose work it looks at. */
function StepBefore({ line, text, outcome, post }: NonNullable<LastStep['before']> & { post: Post }) {
  return (
    <button type="button" class="step-line before" onClick={() => post({ type: 'revealLine', line })}>
      <span class="step-number">before</span>
      <span class="step-text">{text}</span>
      <span class="step-outcome">{`line ${line}: ${outcome}`}</span>
    </button>
  );
}

function NextStep({ line, text, post }: { line: number; text: string; post: Post }) {
  return (
    <button type="button" class="step-line next" onClick={() => post({ type: 'revealLine', line })}>
      <span class="step-number">next</span>
      <span class="step-text">{text}</span>
    </button>
  );
}

function Sentence({ line, onLight, post }: { line: StoryLine; onLight: (light: Light) => void; post: Post }) {
  const speaksOf: Light = { pfn: line.pfn ?? null, slot: line.slot ?? null };
  const act = actionOf(line, post);
  const light = {
    onMouseEnter: () => onLight(speaksOf),
    onMouseLeave: () => onLight(NO_LIGHT),
    onFocus: () => onLight(speaksOf),
    onBlur: () => onLight(NO_LIGHT),
  };
  const depth = `depth-${Math.min(line.depth, 6)}`;
  return (
    <li class={`sentence ${depth}`}>
      {act === null ? (
        <span {...light}>{line.text}</span>
      ) : (
        <button type="button" class="sentence-button" onClick={act} {...light}>
          {line.text}
        </button>
      )}
    </li>
  );
}

/** Where a sentence leads: to its address, else to its frame. */
function actionOf(line: StoryLine, post: Post): (() => void) | null {
  const { pid, va, pfn } = line;
  if (pid !== undefined && va !== undefined) return () => post({ type: 'goTo', pid, address: va });
  if (pfn !== undefined) return () => post({ type: 'selectFrame', pfn });
  return null;
}
