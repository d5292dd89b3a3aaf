// Why a VMA stands apart from its neighbours and why it is where it is, as text.

import type { BoundaryView, WhyView } from '../simulator/view/types.ts';
import { labelOf } from './processes.ts';

/** The view for a terminal, ending in a newline. */
export function whyText(view: WhyView): string {
  const lines = [
    `${labelOf(view)}  ${view.address}`,
    `  VMA    ${view.vma ?? 'none: nothing is mapped here'}`,
    ...(view.placed === null ? [] : [`  place  ${lineOf(view.placed.line)}${view.placed.text}`]),
    ...borderLines(view),
  ];
  return `${lines.join('\n')}\n`;
}

function lineOf(line: number | null): string {
  return line === null ? '' : `line ${line}: `;
}

function borderLines({ vma, below, above }: WhyView): string[] {
  if (vma === null) {
    if (below === null) return [];
    return [`  below  ${below.lower}`, `  above  ${below.upper}`, `         ${below.text}`];
  }
  return [...borderLine('below', below, below?.lower), ...borderLine('above', above, above?.upper)];
}

function borderLine(side: string, border: BoundaryView | null, neighbour: string | undefined): string[] {
  if (border === null || neighbour === undefined) return [`  ${side}  no VMA`];
  return [`  ${side}  ${neighbour}`, `         ${border.text}`];
}
