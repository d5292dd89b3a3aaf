// What a step came to, in the few words that stand at the end of its line.
import { describeManyBytes, type LineSummary, oomSummary, type StepRecord } from '../simulator/index.ts';
import { countText, numberText } from '../webview/protocol.ts';

/** How much attention a result asks for. */
export type ResultTone = 'plain' | 'fault' | 'signal' | 'failure';

/** Below this a returned number reads better in decimal; addresses lie far above. */
const SMALL = 0x1_0000n;
const MAX_BYTES_SHOWN = 24;

/** `brief` leaves out what kinds of faults there were. */
export type Detail = 'full' | 'brief';

/**
 * `= 0x7ffff7ff5000`, `= ENOMEM`, `SIGSEGV (SEGV_MAPERR …)`, `2 minor faults`. What came out as expected has a `✓`, what
 * did not a `✗` with what it should have been: before all else, for a narrow editor cuts off the end. What comes of a mistake
 * that another line shows is `not run`.
 */
export function outcomeText(
  record: StepRecord,
  nameOf: (pid: number) => string | undefined,
  detail: Detail = 'full',
): string {
  if (record.followUp !== undefined && !isFirst(record)) return `not run: ${record.followUp.words}`;
  if (record.error !== undefined) return `✗ ${record.error.message}`;
  const parts = resultParts(record, nameOf, detail, record.failure);
  if (record.failure !== undefined) return [`✗ ${record.failure.message}`, ...parts].join(' · ');
  const text = parts.join(' · ');
  if (record.expected !== true) return text === '' ? 'ok' : text;
  return text === '' ? '✓' : `✓ ${text}`;
}

/**
 * The text for a line: of its last execution, with the number of executions when there were several. Where that went well
 * and another did not, what was wrong comes first.
 */
export function lineText(
  line: LineSummary,
  nameOf: (pid: number) => string | undefined,
  detail: Detail = 'full',
): string {
  const text = outcomeText(line.last, nameOf, detail);
  if (line.executions === 1) return text;
  const wrong = line.failures + line.errors;
  const first = line.firstError?.record.error ?? line.firstFailure?.record.failure;
  if (first !== undefined && resultTone(line.last) !== 'failure') {
    return `✗ ${numberText(wrong)} of ${numberText(line.executions)} failed: ${first.message} · last: ${text}`;
  }
  return `${text}  ×${numberText(line.executions)}${wrong > 0 ? `, ${numberText(wrong)} failed` : ''}`;
}

/** What a step came to, for who tells apart from it what is wrong. */
export function plainOutcomeText(record: StepRecord, nameOf: (pid: number) => string | undefined): string {
  const { error, failure, followUp, kind, outcome } = record;
  if (followUp !== undefined) return `not run: ${followUp.words}`;
  if (error === undefined && failure === undefined) return outcomeText(record, nameOf);
  if (kind === 'assert') return '✗';
  return outcome.result.kind === 'skipped' ? 'not run' : resultParts(record, nameOf, 'full').join(' · ');
}

/** The parts of a result; those that `failure` tells are left out. */
function resultParts(
  record: StepRecord,
  nameOf: (pid: number) => string | undefined,
  detail: Detail,
  failure?: StepRecord['failure'],
): string[] {
  if (record.kind === 'assert') return [];
  const { result, faults, minflt, majflt } = record.outcome;
  const told = failure?.tells ?? [];
  const oom = oomSummary(record.outcome.oom, nameOf);
  const value = told.includes('result') ? '' : resultText(record, nameOf);
  const fault = told.includes('faults') ? '' : faultText(record, detail);
  const parts = [value, oom, fault].filter((part) => part !== '');
  const untroubled = faults.length === 0 && minflt + majflt === 0 && result.kind !== 'signal';
  if (isAccess(record.call) && untroubled && failure === undefined) parts.push('hit');
  return parts;
}

/** Whether the mistake is shown at the record's own line, executed again. */
function isFirst({ followUp, line }: StepRecord): boolean {
  return followUp?.line === line;
}

export function resultTone(record: StepRecord): ResultTone {
  if (record.followUp !== undefined && !isFirst(record)) return 'plain';
  if (record.failure !== undefined || record.error !== undefined) return 'failure';
  if (record.outcome.result.kind === 'signal' || record.outcome.oom !== undefined) return 'signal';
  return record.outcome.minflt + record.outcome.majflt > 0 ? 'fault' : 'plain';
}

/** The same for all executions of a line: one that went wrong is not hidden by a later one. */
export function lineTone(line: LineSummary): ResultTone {
  return line.firstFailure === null && line.firstError === null ? resultTone(line.last) : 'failure';
}

function isAccess(call: string): boolean {
  return call === 'load' || call === 'store' || call === 'fetch';
}

function resultText(record: StepRecord, nameOf: (pid: number) => string | undefined): string {
  const { result, child } = record.outcome;
  switch (result.kind) {
    case 'errno':
      return `= ${result.errno}`;
    case 'signal':
      // Only what an access caused has an address; a signal that somebody sent (SI_…) has none.
      if (result.code.startsWith('SI_')) return result.signal;
      return `${result.signal} (${result.code} at 0x${result.addr.toString(16)})`;
    case 'skipped':
      return `skipped: ${result.message}`;
    case 'bytes':
      return `= ${bytesText(result.bytes, lengthOf(record, result.bytes))}`;
    case 'value': {
      if (child !== undefined && result.value === BigInt(child)) {
        const name = nameOf(child);
        return name === undefined ? `= ${child}` : `= ${child} (${name})`;
      }
      if (record.call === 'store' || record.call === 'fetch') return '';
      if (record.call === 'load') return `= ${byteText(Number(result.value))}`;
      return `= ${result.value < SMALL ? result.value.toString() : `0x${result.value.toString(16)}`}`;
    }
  }
}

function byteText(value: number): string {
  const hex = `0x${value.toString(16).padStart(2, '0')}`;
  return value >= 0x20 && value < 0x7f ? `${hex} '${String.fromCharCode(value)}'` : hex;
}

/** How many bytes were read: of many, a result holds the first. */
function lengthOf({ request }: StepRecord, bytes: Uint8Array): number {
  return request?.op === 'load' && request.length !== undefined ? Number(request.length) : bytes.length;
}

function bytesText(bytes: Uint8Array, length: number): string {
  if (length > MAX_BYTES_SHOWN) return describeManyBytes(bytes, length);
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) return JSON.stringify(String.fromCharCode(...bytes));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function faultText(record: StepRecord, detail: Detail): string {
  const { minflt, majflt, faults } = record.outcome;
  const parts: string[] = [];
  if (majflt > 0) parts.push(counted(majflt, 'major fault'));
  if (minflt > 0) parts.push(counted(minflt, 'minor fault'));
  if (parts.length === 0 || detail === 'brief') return parts.join(', ');
  const kinds = [...new Set(faults.map((fault) => kindText[fault.kind] ?? fault.kind))];
  return parts.join(', ') + (kinds.length > 0 && kinds.length <= 2 ? ` (${kinds.join(', ')})` : '');
}

function counted(count: number, what: string): string {
  return count === 1 ? what : countText(count, what);
}

const kindText: Readonly<Record<string, string>> = {
  'anon-zero-page': 'zero page',
  anon: 'demand-zero',
  'file-read': 'file page',
  'file-cow': 'private copy of a file page',
  'file-shared': 'shared file page written',
  cow: 'copy-on-write',
  reuse: 'last owner, page reused',
  'swap-in': 'swapped in',
  'stack-growth': 'stack grows',
  device: 'device page',
  spurious: 'spurious',
};
