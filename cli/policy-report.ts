// What `vas policy` prints: the steps of each policy, and all policies side by side; or JSON.

import {
  countAccesses,
  FREE_FRAME,
  HIT,
  makePolicy,
  type Policy,
  type PolicyName,
  type PolicyOptions,
  pageText,
  type References,
} from '../simulator/policy/index.ts';
import { MAX_RESIDENT } from './arguments.ts';
import type { Output } from './output.ts';

/** Longer runs, and wider memories, are left to the JSON. */
const MAX_STEPS = 100;
const MAX_WIDTH = 32;

export interface PolicyRun {
  /** How messages call the input. */
  readonly source: string;
  readonly references: References;
  readonly policies: readonly PolicyName[];
  readonly options: PolicyOptions;
}

function make(run: PolicyRun, name: PolicyName): Policy {
  return makePolicy(name, run.references, run.options);
}

/** Pages that the access with this outcome drove out. */
function victimsOf(policy: Policy, outcome: number): readonly number[] {
  return policy.victims?.() ?? (outcome === HIT || outcome === FREE_FRAME ? [] : [outcome]);
}

/** Whether all steps together may name the pages in memory: a long run with a wide memory would print gigabytes. */
function listsResident({ references, policies, options }: PolicyRun): boolean {
  const width = Math.min(options.frames, references.names.length);
  return references.accesses.length * width * policies.length <= MAX_RESIDENT;
}

/** All policies as one JSON document. It is written step by step: that of a million steps would fit in no string. */
export function writePolicyJson(run: PolicyRun, output: Output): void {
  const lists = listsResident(run);
  const most = MAX_RESIDENT.toLocaleString('en');
  const note = `"resident" is left out: the steps together would name more than ${most} pages`;
  output.write(lists ? '{"policies": [' : `{"note": ${JSON.stringify(note)},\n"policies": [`);
  run.policies.forEach((name, index) => {
    const { hits, misses } = countAccesses(make(run, name), run.references.accesses);
    const head = `{"policy": "${name}", "frames": ${run.options.frames}, "hits": ${hits}, "misses": ${misses}, "steps": [`;
    output.write(`${index > 0 ? ',' : ''}\n${head}`);
    if (lists) writeSteps(run, make(run, name), output);
    else writeShortSteps(run, make(run, name), output);
    output.write('\n]}');
  });
  output.write('\n]}\n');
}

/** A step without its end, on a line of its own. */
function stepHead(json: readonly string[], page: number, outcome: number, victims: readonly number[]): string {
  const others = victims.length > 1 ? `, "victims": ${listText(json, victims)}` : '';
  const victim = victims.length > 0 ? json[victims[0] as number] : 'null';
  return `{"page": ${json[page]}, "hit": ${outcome === HIT}, "victim": ${victim}${others}`;
}

function listText(json: readonly string[], pages: readonly number[]): string {
  return `[${pages.map((page) => json[page]).join(', ')}]`;
}

function writeSteps({ references }: PolicyRun, policy: Policy, output: Output): void {
  const json = references.names.map((name) => JSON.stringify(name));
  let resident = '[]';
  let before = -1;
  let separator = '\n';
  for (const page of references.accesses) {
    const outcome = policy.access(page);
    const victims = victimsOf(policy, outcome);
    if (outcome !== HIT || victims.length > 0 || (policy.ordersByUse && page !== before)) {
      resident = listText(json, policy.resident());
    }
    output.write(`${separator}${stepHead(json, page, outcome, victims)}, "resident": ${resident}}`);
    separator = ',\n';
    before = page;
  }
}

/** {@link writeSteps} without the pages in memory. */
function writeShortSteps({ references }: PolicyRun, policy: Policy, output: Output): void {
  const json = references.names.map((name) => JSON.stringify(name));
  let separator = '\n';
  for (const page of references.accesses) {
    const outcome = policy.access(page);
    output.write(`${separator}${stepHead(json, page, outcome, victimsOf(policy, outcome))}}`);
    separator = ',\n';
  }
}

/** Steps of a short run, and how the policies did. */
export function writePolicyText(run: PolicyRun, output: Output): void {
  const { references, policies, options, source } = run;
  const { accesses, names } = references;
  output.write(`${source}: ${count(accesses.length, 'access', 'accesses')} to ${count(names.length, 'page', 'pages')}`);
  output.write(`, ${count(options.frames, 'frame', 'frames')}\n`);
  if (references.notation === 'hexadecimal') output.write('A page is an address divided by 4096.\n');
  if (policies.includes('linux')) output.write(LINUX);
  output.write('\n');
  const isShort = accesses.length <= MAX_STEPS && Math.min(options.frames, names.length) <= MAX_WIDTH;
  if (isShort) for (const name of policies) output.write(`${stepTable(run, name)}\n`);
  else {
    const why =
      accesses.length > MAX_STEPS ? `more than ${MAX_STEPS} accesses` : `more than ${MAX_WIDTH} pages in memory`;
    output.write(`The steps are left out (${why}); --json prints them.\n\n`);
  }
  output.write(summary(run));
}

const LINUX = `linux: the simulated kernel's own reclaim, on a machine with RAM for so many pages of a process that writes
to its anonymous memory; it may drive out several pages at once, and before memory is full.
`;

function count(n: number, one: string, many: string): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

/** What the columns of a policy's last cell mean. */
const ORDERS: Readonly<Record<PolicyName, string>> = {
  fifo: 'in memory, first in first',
  lru: 'in memory, latest use last',
  clock: 'in memory by frame, :reference bits set, > hand',
  opt: 'in memory, first in first',
  mru: 'in memory, latest use last',
  random: 'in memory, first in first',
  linux: 'in memory, first in first',
};

function stepTable(run: PolicyRun, name: PolicyName): string {
  const { references } = run;
  const policy = make(run, name);
  const text = (page: number) => pageText(references, page);
  const rows = Array.from(references.accesses, (page) => {
    const outcome = policy.access(page);
    const victims = victimsOf(policy, outcome).map(text).join(' ');
    const resident = policy.marked?.(text) ?? policy.resident().map(text);
    return [text(page), outcome === HIT ? 'hit' : 'miss', victims, resident.join(' ')];
  });
  return `${name}\n${table([['access', 'result', 'victim', ORDERS[name]], ...rows])}`;
}

function summary(run: PolicyRun): string {
  const { accesses } = run.references;
  const rows = run.policies.map((name) => {
    const { hits, misses } = countAccesses(make(run, name), accesses);
    return [name, String(hits), String(misses), `${((100 * hits) / accesses.length).toFixed(2)} %`];
  });
  return table([['policy', 'hits', 'misses', 'hit rate'], ...rows], [1, 2, 3]);
}

/** Rows in columns; those in `right` stand at the right of theirs. */
function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
    });
    return `  ${cells.join('  ').trimEnd()}\n`;
  });
  return lines.join('');
}
