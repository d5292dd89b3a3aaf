/** The OOM killer's choices in words: who died, with which badness, and how the others stood. */

import type { OomCandidate, OomKill } from '../abi.ts';

/** Others named in one sentence. */
const MAX_OTHERS = 8;

type NameOf = (pid: number) => string | undefined;

/** `big (1000)`, or `1000` without a name. */
function who(pid: number, nameOf: NameOf): string {
  const name = nameOf(pid);
  return name === undefined || name === String(pid) ? String(pid) : `${name} (${pid})`;
}

/** `11 = 8 resident + 0 swapped + 3 tables`. */
function sum({ badness, resident, swapped, tables, adj, unit }: OomCandidate): string {
  const adjusted = adj === 0 ? '' : ` ${adj < 0 ? '−' : '+'} oom_score_adj ${Math.abs(adj)} × ${unit}`;
  return `${badness} = ${resident} resident + ${swapped} swapped + ${tables} tables${adjusted}`;
}

/** `OOM: big (1000) killed, badness 11`. */
export function oomShortly({ victim }: OomKill, nameOf: NameOf): string {
  if (victim === null) return 'OOM: no process may be killed';
  return `OOM: ${who(victim.pid, nameOf)} killed, badness ${victim.badness}`;
}

function otherWords({ others, more }: OomKill, nameOf: NameOf): string {
  const shown = others.slice(0, MAX_OTHERS);
  const words = shown.map(({ pid, adj, badness }) => {
    const points = badness ?? `never (oom_score_adj ${adj})`;
    return `${nameOf(pid) ?? pid} ${points}`;
  });
  const rest = others.length - shown.length + more;
  return [...words, ...(rest > 0 ? [`${rest.toLocaleString('en-US')} more`] : [])].join(', ');
}

/** `OOM: big (1000) killed, badness 11 = 8 resident + 0 swapped + 3 tables; small 5`. */
export function oomText(kill: OomKill, nameOf: NameOf): string {
  const others = otherWords(kill, nameOf);
  if (kill.victim === null) return `${oomShortly(kill, nameOf)}${others === '' ? '' : `: ${others}`}`;
  const alone = others === '' ? '; there is no other process' : `; ${others}`;
  return `OOM: ${who(kill.victim.pid, nameOf)} killed, badness ${sum(kill.victim)}${alone}`;
}

/** The choices of a step in few words: the first, and how many more. Empty where there was none. */
export function oomSummary(kills: readonly OomKill[] | undefined, nameOf: NameOf): string {
  const [first] = kills ?? [];
  if (first === undefined || kills === undefined) return '';
  return `${oomShortly(first, nameOf)}${kills.length === 1 ? '' : `, and ${kills.length - 1} more`}`;
}
