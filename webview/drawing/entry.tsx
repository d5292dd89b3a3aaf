/** One entry of a table: a line for most, a card with its flags for the one on the path. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EntryView } from '../../simulator/view/types.ts';
import { entryChange } from '../model/entry-bits.ts';
import { useFlash } from './hooks.ts';
import { Icon } from './icon.tsx';

interface EntryProps {
  readonly entry: EntryView;
  readonly onPath: boolean;
  readonly tabbable: boolean;
  readonly onFocus: () => void;
  readonly onChoose: () => void;
}

/** An entry of a table; the one on the path is drawn in full, also when it is empty. */
export function Entry(props: EntryProps) {
  const { entry, onPath } = props;
  return <Option {...props}>{onPath ? <Card entry={entry} /> : <Line entry={entry} />}</Option>;
}

function Line({ entry }: { entry: EntryView }) {
  return (
    <>
      <ChangeMark entry={entry} />
      <span class="entry-index">{entry.index}</span>
      <span class="entry-target">{entry.pfn ?? entry.text}</span>
      <span class="letters" aria-hidden="true">
        {onLetters(entry)}
      </span>
      <span class="visually-hidden">{flagsInWords(entry)}</span>
    </>
  );
}

function Card({ entry }: { entry: EntryView }) {
  return (
    <>
      <span class="entry-line">
        <ChangeMark entry={entry} />
        <span class="entry-index">{entry.index}</span>
        <span class="entry-target">{entry.text}</span>
      </span>
      {entry.flags.length > 0 && <Chips entry={entry} />}
      <span class="visually-hidden">{flagsInWords(entry)}</span>
      <span class="entry-value value">
        <Word value={entry.value} />
      </span>
      {entry.before !== undefined && <Change before={entry.before} after={entry.value} />}
    </>
  );
}

interface OptionProps extends EntryProps {
  readonly children: ComponentChildren;
}

function Option({ entry, onPath, tabbable, onFocus, onChoose, children }: OptionProps) {
  const kind = onPath ? 'path' : 'other';
  const ref = useFlash<HTMLDivElement>(entry.value);
  const explain = useExplanation();
  return (
    <div
      ref={ref}
      class={`entry entry-${kind}`}
      role="option"
      data-row={kind}
      data-index={entry.index}
      data-state={entry.state}
      data-changed={entry.before !== undefined}
      data-anchor={onPath ? 'entry' : undefined}
      aria-selected={onPath}
      tabIndex={tabbable ? 0 : -1}
      onFocus={() => {
        onFocus();
        if (ref.current?.matches(':focus-visible')) explain.show(0);
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

/** What each flag says; a screen reader hears it with the entry. */
function Explanation({ entry }: { entry: EntryView }) {
  return (
    // A click on the words chooses nothing.
    <div class="explain" aria-hidden="true" onClick={(event) => event.stopPropagation()}>
      <div>
        {entry.text} <span class="value dim">{entry.value}</span>
      </div>
      {entry.before !== undefined && <Change before={entry.before} after={entry.value} />}
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
    <span class="change-mark">
      <Icon name="circle-filled" />
      <span class="visually-hidden">changed by the last step:</span>
    </span>
  );
}

function Chips({ entry }: { entry: EntryView }) {
  const change = entry.before === undefined ? null : entryChange(entry.before, entry.value);
  return (
    <span class="chips" aria-hidden="true">
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

/** A 64-bit value that, where it has no room, breaks between its halves and nowhere else. */
function Word({ value }: { value: string }) {
  const low = value.startsWith('0x') && value.length > 10 ? value.length - 8 : value.length;
  return (
    <span class="word">
      {value.slice(0, low)}
      {low < value.length && <wbr />}
      {value.slice(low)}
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
        was{' '}
        <s>
          <Word value={change.before} />
        </s>
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

/** The flags that are on, for screen readers. */
function flagsInWords(entry: EntryView): string {
  return entry.flags
    .filter((flag) => flag.on)
    .map((flag) => `${flag.name}: ${flag.text}`)
    .join(', ');
}
