/** A codicon; what it means is said by the control that carries it. */

/** The icons that styles/icons.css defines. */
export type IconName =
  | 'circle-filled'
  | 'close'
  | 'debug-continue'
  | 'debug-reverse-continue'
  | 'debug-step-back'
  | 'debug-step-over'
  | 'error'
  | 'info'
  | 'target';

export function Icon({ name }: { name: IconName }) {
  return <i class={`codicon codicon-${name}`} aria-hidden="true" />;
}
