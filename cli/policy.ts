// `vas policy`: reads what to run on, and runs the policies.

import { gunzipSync } from 'node:zlib';
import {
  AccessRecorder,
  type InputProblem,
  type References,
  readList,
  readTrace,
  recognise,
} from '../simulator/policy/index.ts';
import { type Command, UsageError } from './arguments.ts';
import { execute, isRunnable, statusOf } from './execution.ts';
import type { Output } from './output.ts';
import { type PolicyRun, writePolicyJson, writePolicyText } from './policy-report.ts';
import { located, nameOf, readBytes, scenarioOf } from './source-file.ts';

const OK = 0;
const BAD_INPUT = 2;
/** What a packed file may come to. */
const MAX_UNPACKED = 2 ** 31 - 1;
const MAX_STEPS = 10_000_000;

/** Page references, and the exit status of the run that made them. */
interface Recorded {
  readonly references: References;
  readonly status: number;
}

/** Returns the exit status. */
export function policy(command: Extract<Command, { name: 'policy' }>, output: Output): number {
  const { file, policies, options } = command;
  const recorded = readReferences(file);
  if (recorded === null) return BAD_INPUT;
  const run: PolicyRun = { source: nameOf(file), references: recorded.references, policies, options };
  if (command.json) writePolicyJson(run, output);
  else writePolicyText(run, output);
  return recorded.status;
}

/** Null when the input is none; what is wrong with it has been said. */
function readReferences(file: string): Recorded | null {
  if (file === '-' && process.stdin.isTTY === true) {
    process.stderr.write('vas: reading page numbers from the terminal; Ctrl+D ends them\n');
  }
  const bytes = unpacked(file, readBytes(file));
  const kind = recognise(bytes, /\.vas(\.gz)?$/i.test(file));
  if (typeof kind !== 'string') return refuse(file, kind);
  if (kind === 'scenario') return recordScenario(file, bytes);
  const references = kind === 'trace' ? readTrace(bytes) : readList(bytes);
  return 'message' in references ? refuse(file, references) : { references, status: OK };
}

function refuse(file: string, { range, message }: InputProblem): null {
  process.stderr.write(located(nameOf(file), range, 'error', message));
  return null;
}

/** The bytes of a gzip file, or the bytes as they are; without a byte order mark. */
function unpacked(file: string, bytes: Buffer): Buffer {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED });
    } catch (error) {
      throw new UsageError(`${nameOf(file)}: gzip: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** Runs a scenario on the machine that it declares, for its loads, stores and fetches. */
function recordScenario(file: string, bytes: Buffer): Recorded | null {
  const source = scenarioOf(file, bytes);
  if (!isRunnable(source)) return null;
  const recorder = new AccessRecorder();
  const limits = { until: null, maxSteps: MAX_STEPS };
  const end = execute(source, recorder, limits, {
    step(report) {
      if (!recorder.endStep(report.process))
        throw new UsageError(`${source.name}: the scenario makes too many accesses`);
    },
  });
  if (end === null) return null;
  const references = recorder.references();
  if (references.accesses.length > 0) return { references, status: statusOf(end) };
  const start = { line: 0, character: 0 };
  return refuse(file, {
    range: { start, end: start },
    message: 'the scenario has no load, store or fetch that touches a page',
  });
}
