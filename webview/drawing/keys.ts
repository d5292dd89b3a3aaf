/** Keyboard travel inside a group of controls: one of them is in the tab order, arrows move to the others. */

/** Moves focus by arrow, Home or End among the elements of `container` that match; true when the key was used. */
export function moveFocus(
  event: KeyboardEvent,
  container: Element | null,
  selector: string,
  axis: 'horizontal' | 'vertical',
): boolean {
  if (container === null) return false;
  const items = [...container.querySelectorAll<HTMLElement>(selector)];
  const at = items.findIndex((item) => item.matches(':focus'));
  const [back, on] = axis === 'horizontal' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
  const targets: Readonly<Record<string, number>> = { [back]: at - 1, [on]: at + 1, Home: 0, End: items.length - 1 };
  const target = targets[event.key];
  const next = target === undefined ? undefined : items[target];
  if (next === undefined) return false;
  event.preventDefault();
  next.focus();
  return true;
}
