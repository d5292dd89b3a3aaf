/** One entry of a table: a line for most, a card with its flags for the one on the path. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EntryView, LevelView } from '../../simulator/view/types.ts';
import { entryChange } from '../model/entry-bits.ts';
import { useFlash } from './hooks.ts';
import { Icon } from './icon.tsx';

interface EntryProps {
  readonly entry: EntryView;
  readonly tabbable: boolean;
  readonly onFocus: () => void;
  readonly onChoose: () => void;
}

/** An entry beside the path. */
export function EntryRow(props: EntryProps) {
  const { entry } = props;
  const ref = useFlash<HTMLDivElement>(entry.value);
  return (
    <Option {...props} reference={ref} kind="other" label={entryLabel(entry)}>
      <ChangeMark entry={entry} />
      <span class="entry-index">{entry.index}</span>
      <span class="entry-target">{entry.pfn ?? entry.text}</span>
      <span class="letters" aria-hidden="true">
        {onLetters(entry)}
      </span>
    </Option>
  );
}

/** The entry on the path, also when it is empty. */
export function EntryCard(props: EntryProps & { level: LevelView }) {
  const { entry, level } = props;
  const ref = useFlash<HTMLDivElement>(entry.value);
  return (
    <Option {...props} reference={ref} kind="path" label={`On the path: ${entryLabel(entry)}`}>
      <span class="entry-line">
        <ChangeMark entry={entry} />
        <span class="entry-index">{entry.index}</span>
        <span class="entry-target" data-state={entry.state}>
          {entry.text}
        </span>
      </span>
      {entry.flags.length > 0 && <Chips entry={entry} />}
      <span class="entry-value value" data-value={level.level}>
        {entry.value}
      </span>
      {entry.before !== undefined && <Change before={entry.before} after={entry.value} />}
    </Option>
  );
}

interface OptionProps extends EntryProps {
  readonly kind: 'path' | 'other';
  readonly label: string;
  readonly reference: ReturnType<typeof useFlash<HTMLDivElement>>;
  readonly children: ComponentChildren;
}

function Option({ entry, kind, label, reference, tabbable, onFocus, onChoose, children }: OptionProps) {
  const explain = useExplanation();
  return (
    <div
      ref={reference}
      class={`entry entry-${kind}`}
      role="option"
      data-row={kind}
      data-index={entry.index}
      data-state={entry.state}
      data-changed={entry.before !== undefined}
      data-anchor={kind === 'path' ? 'entry' : undefined}
      aria-selected={kind === 'path'}
      aria-label={label}
      tabIndex={tabbable ? 0 : -1}
      onFocus={() => {
        onFocus();
        if (reference.current?.matches(':focus-visible')) explain.show(0);
      }}
      onBlur={explain.hide}
      onMouseEnter={() => explain.show(EXPLAIN_DELAY)}
      onMouseLeave={explain.hide}
      onClick={onChoose}
      onKeyDown={(event) => {
        if (event.key === 'Escape') explain.hide();
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        onChoose();
      }}
    >
      {children}
      {explain.shown && <Explanation entry={entry} />}
    </div>
  );
}

/** Milliseconds that the pointer rests on an entry before its flags are explained, as VS Code's hovers. */
const EXPLAIN_DELAY = 300;

function useExplanation() {
  const [shown, setShown] = useState(false);
  const timer = useRef<number | undefined>(undefined);
  const hide = () => {
    window.clearTimeout(timer.current);
    setShown(false);
  };
  const show = (delay: number) => {
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setShown(true), delay);
  };
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return { shown, show, hide };
}

/** What each flag says; a screen reader has it from the entry's label. */
function Explanation({ entry }: { entry: EntryView }) {
  return (
    <div class="explain" aria-hidden="true">
      <div>
        {entry.text} <span class="value dim">{entry.value}</span>
      </div>
      {entry.flags.length > 0 && (
        <dl>
          {entry.flags.map((flag) => (
            <div key={flag.letter}>
              <dt>
                <span class="chip" data-on={flag.on}>
                  {flag.letter}
                </span>
                <span class={`explain-name ${flag.on ? '' : 'explain-off'}`}>{flag.name}</span>
              </dt>
              <dd>{flag.text}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

function ChangeMark({ entry }: { entry: EntryView }) {
  return entry.before === undefined ? null : (
    <span class="change-mark" title={`The last step changed this entry; it was ${entry.before}`}>
      <Icon name="circle-filled" />
    </span>
  );
}

function Chips({ entry }: { entry: EntryView }) {
  const change = entry.before === undefined ? null : entryChange(entry.before, entry.value);
  return (
    <span class="chips">
      {entry.flags.map((flag) => {
        const changed = change?.set.includes(flag.letter) || change?.cleared.includes(flag.letter);
        return (
          <span key={flag.letter} class="chip" data-on={flag.on} data-changed={changed === true}>
            {flag.letter}
          </span>
        );
      })}
    </span>
  );
}

/** Before → after, in hexadecimal and in flags. */
function Change({ before, after }: { before: string; after: string }) {
  const change = entryChange(before, after);
  const flags = [...change.set.map((letter) => `+${letter}`), ...change.cleared.map((letter) => `−${letter}`)];
  return (
    <span class="entry-change">
      <span class="entry-before">
        was <s>{change.before}</s>
      </span>
      {change.frame !== null && (
        <span>
          {change.frame.before} → {change.frame.after}
        </span>
      )}
      {flags.length > 0 && <span class="entry-flags-changed">{flags.join(' ')}</span>}
    </span>
  );
}

function onLetters(entry: EntryView): string {
  return entry.flags
    .filter((flag) => flag.on)
    .map((flag) => flag.letter)
    .join(' ');
}

/** The entry in words, for screen readers. */
function entryLabel(entry: EntryView): string {
  const on = entry.flags.filter((flag) => flag.on).map((flag) => `${flag.name}: ${flag.text}`);
  const flags = on.length === 0 ? '' : `, ${on.join(', ')}`;
  const before =
    entry.before === undefined
      ? ''
      : `, changed by the last step from ${entryChange(entry.before, entry.value).before}`;
  return `entry ${entry.index}: ${entry.text}${flags}, value ${entry.value}${before}`;
}
