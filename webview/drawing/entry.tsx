/** One entry of a table: a line for most, a card with its flags for the one on the path. */
import type { ComponentChildren } from 'preact';
import type { EntryView, FlagView, LevelView } from '../../simulator/view/types.ts';
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
      <span class="letters">{onLetters(entry)}</span>
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
      {entry.flags.length > 0 && <Chips flags={entry.flags} entry={entry} />}
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
      title={kind === 'path' ? undefined : flagsText(entry)}
      onFocus={onFocus}
      onClick={onChoose}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        onChoose();
      }}
    >
      {children}
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

function Chips({ flags, entry }: { flags: readonly FlagView[]; entry: EntryView }) {
  const change = entry.before === undefined ? null : entryChange(entry.before, entry.value);
  return (
    <span class="chips">
      {flags.map((flag) => {
        const changed = change?.set.includes(flag.letter) || change?.cleared.includes(flag.letter);
        return (
          <span
            key={flag.letter}
            class="chip"
            data-on={flag.on}
            data-changed={changed === true}
            title={`${flag.name} ${flag.on ? '= 1' : '= 0'}: ${flag.text}`}
          >
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

function flagsText(entry: EntryView): string {
  const flags = entry.flags.filter((flag) => flag.on).map((flag) => `${flag.letter}  ${flag.name}: ${flag.text}`);
  return [`${entry.value}  ${entry.text}`, ...flags].join('\n');
}

/** The entry in words, for screen readers. */
function entryLabel(entry: EntryView): string {
  const on = entry.flags.filter((flag) => flag.on).map((flag) => flag.name);
  const flags = on.length === 0 ? '' : `, ${on.join(', ')}`;
  const before =
    entry.before === undefined
      ? ''
      : `, changed by the last step from ${entryChange(entry.before, entry.value).before}`;
  return `entry ${entry.index}: ${entry.text}${flags}, value ${entry.value}${before}`;
}
