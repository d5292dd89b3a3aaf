/** How numbers of things are written, in the view and around it: in groups of three, whatever the language of the editor. */

/** `30,007` */
export function numberText(count: number): string {
  return count.toLocaleString('en');
}

/** `1 page`, `2 pages`, `16,384 pages`. @param many the plural, where it is not made with an s */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

/** `step 7 of 12`; `step 7` while the end is not known. */
export function positionText(position: number, total: number | null): string {
  const step = `step ${numberText(position)}`;
  return total === null ? step : `${step} of ${numberText(total)}`;
}
