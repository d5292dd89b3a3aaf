/** The bar at the top: which process, which address, and travelling through the steps. */
import type { TargetedEvent } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { Post } from '../host.ts';
import type { Shown } from '../model/view.ts';
import { numberText, positionText } from '../numbers.ts';
import type { NoticeMessage, ProcessChoice } from '../protocol.ts';
import { AddressField } from './address-field.tsx';
import { useReturn } from './hooks.ts';
import { Icon, type IconName } from './icon.tsx';
import { moveFocus } from './keys.ts';

interface HeaderProps {
  readonly shown: Shown;
  readonly notice: NoticeMessage | null;
  readonly post: Post;
}

export function Header({ shown, notice, post }: HeaderProps) {
  return (
    <header class="header">
      <ProcessChooser shown={shown} post={post} />
      <AddressField shown={shown} notice={notice?.about === 'address' ? notice : null} post={post} />
      <button
        type="button"
        class="toggle"
        aria-pressed={shown.follow}
        title="Move to the last access after each step"
        onClick={() => post({ type: 'follow', on: !shown.follow })}
      >
        <Icon name="target" /> Follow
      </button>
      <StepButtons shown={shown} post={post} />
      {shown.busy !== null && (
        <div class="busy">
          <progress aria-label={shown.busy} />
          <span>{shown.busy}</span>
          <button type="button" class="link" onClick={() => post({ type: 'cancel' })}>
            Cancel
          </button>
        </div>
      )}
    </header>
  );
}

function processText(process: ProcessChoice): string {
  const ended = process.state === 'alive' ? '' : `, ${process.state}${process.ended ? `: ${process.ended}` : ''}`;
  return `${process.name} (${process.pid}${ended})`;
}

/** The choice that is none: all processes, in the editor's own list. */
const ALL = 'all';

function ProcessChooser({ shown, post }: { shown: Shown; post: Post }) {
  const select = useRef<HTMLSelectElement>(null);
  const comeBack = useReturn(select);
  const pid = shown.selection?.pid;
  const chosen = shown.processes.find((process) => process.pid === pid);
  const onChange = (event: TargetedEvent<HTMLSelectElement>) => {
    const { value } = event.currentTarget;
    if (value !== ALL) post({ type: 'selectProcess', pid: Number(value) });
    else {
      // Nothing is chosen yet: the list opens elsewhere, and may be left without a choice.
      event.currentTarget.value = pid === undefined ? '' : String(pid);
      comeBack();
      post({ type: 'listProcesses' });
    }
  };
  return (
    <select
      ref={select}
      class="process"
      title={chosen === undefined ? undefined : processText(chosen)}
      aria-label="Process"
      value={pid === undefined ? '' : String(pid)}
      disabled={shown.processes.length === 0}
      onChange={onChange}
    >
      {pid === undefined && <option value="">no process</option>}
      {shown.hiddenProcesses > 0 && (
        <option value={ALL}>{`All ${numberText(shown.processes.length + shown.hiddenProcesses)} processes…`}</option>
      )}
      {shown.processes.map((process) => (
        <option key={process.pid} value={String(process.pid)}>
          {processText(process)}
        </option>
      ))}
    </select>
  );
}

const STEP_BUTTONS: readonly (readonly [type: 'start' | 'back' | 'step' | 'end', icon: IconName, label: string])[] = [
  ['start', 'debug-reverse-continue', 'Back to the start'],
  ['back', 'debug-step-back', 'Step back'],
  ['step', 'debug-step-over', 'Step'],
  ['end', 'debug-continue', 'Run to the end'],
];

function StepButtons({ shown, post }: { shown: Shown; post: Post }) {
  const bar = useRef<HTMLDivElement>(null);
  const [tabStop, setTabStop] = useState('step');
  const can = (type: string) =>
    shown.busy === null && (type === 'step' || type === 'end' ? shown.canStep : shown.canBack);
  return (
    <div
      class="steps"
      ref={bar}
      role="toolbar"
      aria-label="Steps"
      onKeyDown={(event) => moveFocus(event, bar.current, 'button', 'horizontal')}
    >
      {STEP_BUTTONS.map(([type, icon, label]) => (
        // A disabled button would lose the focus at the last step: it only says that it is disabled.
        <button
          key={type}
          type="button"
          class="icon-button"
          data-action={type}
          aria-label={label}
          title={label}
          aria-disabled={!can(type)}
          tabIndex={type === tabStop ? 0 : -1}
          onFocus={() => setTabStop(type)}
          onClick={() => can(type) && post({ type })}
        >
          <Icon name={icon} />
        </button>
      ))}
      <span class="position">{positionText(shown.position, shown.total)}</span>
    </div>
  );
}
