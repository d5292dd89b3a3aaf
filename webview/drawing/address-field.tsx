/** Where an address or an expression is typed, and what is wrong with the one that was refused. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Post } from '../host.ts';
import type { Shown } from '../model/view.ts';
import type { NoticeMessage } from '../protocol.ts';

interface AddressFieldProps {
  readonly shown: Shown;
  /** Why the text sent last was refused. */
  readonly notice: NoticeMessage | null;
  readonly post: Post;
}

export function AddressField({ shown, notice, post }: AddressFieldProps) {
  const text = shown.selection?.text ?? '';
  const address = shown.selection?.address ?? '';
  const input = useRef<HTMLInputElement>(null);
  const [draft, setDraft] = useState(text);
  // A refusal is about the text as it was sent: whoever changes it has read that.
  const [read, setRead] = useState<NoticeMessage | null>(null);
  const error = notice === read ? null : notice;
  useEffect(() => setDraft(text), [text, address]);
  // A refused text does not outlive the step that took its error away, unless it is being mended.
  useEffect(() => {
    if (document.activeElement !== input.current) setDraft(text);
  }, [shown.position]);
  const change = (to: string) => {
    setDraft(to);
    setRead(notice);
  };
  const isEmpty = draft.trim() === '';
  const onSubmit = (event: Event) => {
    event.preventDefault();
    if (isEmpty) change(text);
    else post({ type: 'selectAddress', text: draft.trim() });
    input.current?.select();
  };
  return (
    <form class="address-form" onSubmit={onSubmit}>
      <input
        ref={input}
        class="address-field"
        type="text"
        spellcheck={false}
        autocomplete="off"
        list="bindings"
        aria-label="Address or expression"
        placeholder="Address or expression, such as buf + 0x8"
        aria-invalid={error !== null}
        aria-errormessage={error === null ? undefined : 'address-error'}
        value={draft}
        onInput={(event) => change(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && change(text)}
        onBlur={() => isEmpty && change(text)}
      />
      <datalist id="bindings">
        {shown.bindings.map(({ name, value }) => (
          <option key={name} value={name}>
            {value}
          </option>
        ))}
      </datalist>
      {error !== null && (
        <p class="field-error" id="address-error" role="alert">
          {error.message}
        </p>
      )}
    </form>
  );
}
