// Completion: calls, constants that fit the parameter, keys, names in scope, declared paths, expectations.

import { MEMINFO_NAMES } from '../../proc/meminfo.ts';
import { VMSTAT_NAMES } from '../../proc/vmstat.ts';
import { type CallSignature, type Parameter, parameterAt, signatureLabel, signaturesOf } from '../calls.ts';
import { type Constant, constantsOf, errnoNames, errnoText } from '../constants.ts';
import { DECLARATION_KEYS } from '../declarations.ts';
import { machineKey } from '../machine-keys.ts';
import { STATEMENT_KEYWORDS } from '../parser.ts';
import { parseScenario, type Scenario } from '../scenario.ts';
import type { Position, Range } from '../source.ts';
import { constantsFor, holdings, minusOne, placeOf } from './argument-completion.ts';
import { KEY_DOCS, KEY_VALUES, KEYWORD_DOCS, OUTCOME_DOCS } from './docs.ts';
import { contextAt, type LineContext, lineAt, type Wanted } from './line-context.ts';

export type CompletionKind =
  | 'keyword'
  | 'call'
  | 'function'
  | 'constant'
  | 'key'
  | 'value'
  | 'process'
  | 'name'
  | 'path'
  | 'outcome';

export interface Completion {
  readonly label: string;
  readonly kind: CompletionKind;
  /** One line beside the label. */
  readonly detail?: string;
  /** A sentence or two, Markdown. */
  readonly doc?: string;
  /** What replaces `range`; a `$0` in it is where the cursor goes. */
  readonly insert: string;
  readonly range: Range;
  /** Sorts before others with a higher number. */
  readonly rank: number;
}

/** Rank of the first names in an argument, behind its constants. */
const FIRST_NAME = 3;

type Item = Omit<Completion, 'range' | 'rank' | 'insert'> & { readonly insert?: string; readonly rank?: number };

/**
 * What could be written at `position`, unfiltered: editors match it against the prefix themselves.
 * @param scenario the text parsed already, when the caller has it
 */
export function complete(text: string, position: Position, scenario: Scenario = parseScenario(text)): Completion[] {
  const context = contextAt(text, position);
  const range = { start: { line: position.line, character: context.from }, end: position };
  const scope = new Scope(scenario, position.line);
  const items = itemsFor(context, scope).filter((item) => item.label !== '-1' || isBeginning(text, range.start));
  return items.map((item) => ({ rank: 5, insert: item.label, ...item, range }));
}

/** Whether an argument begins there. */
function isBeginning(text: string, { line, character }: Position): boolean {
  return /[(,]\s*$/.test(lineAt(text, line).slice(0, character));
}

/** What is known at a line. */
class Scope {
  readonly #scenario: Scenario;
  readonly #line: number;

  constructor(scenario: Scenario, line: number) {
    this.#scenario = scenario;
    this.#line = line;
  }

  /** Names that a parameter takes, behind the constants. */
  namesFor(parameter: Parameter): Item[] {
    const held = holdings(this.#scenario);
    return this.names('any').flatMap((item): Item[] => {
      const place = placeOf(held.get(item.label) ?? 'any', parameter);
      return place === null ? [] : [{ ...item, rank: FIRST_NAME + place }];
    });
  }

  names(kind: 'process' | 'any'): Item[] {
    const items: Item[] = [];
    for (const { name, kind: of, definition } of this.#scenario.names.values()) {
      if (definition.line >= this.#line || (kind === 'process' && of === 'value')) continue;
      const source = (this.#scenario.lines[definition.line] ?? '').trim();
      items.push({ label: name, kind: of === 'process' ? 'process' : 'name', detail: source, rank: 1 });
    }
    return items;
  }

  /** Declared paths, of the kinds of files given. */
  paths(keywords: readonly string[]): Item[] {
    return this.#scenario.statements.flatMap((statement): Item[] => {
      if (statement.kind !== 'declaration' || statement.path === null) return [];
      if (!keywords.includes(statement.keyword.name)) return [];
      return [{ label: statement.path.value.text, kind: 'path', detail: statement.keyword.name, rank: 1 }];
    });
  }
}

function itemsFor(context: LineContext, scope: Scope): Item[] {
  const { wanted } = context;
  if (context.inString) return pathsFor(wanted, scope);
  switch (wanted.kind) {
    case 'statement':
      return statements(scope);
    case 'key':
      return keys(wanted.keyword);
    case 'value':
      return values(wanted.keyword, wanted.key, scope);
    case 'call':
      return signaturesOf(wanted.place).map((call) => callItem(call, 'call'));
    case 'argument':
      return argument(wanted.call, wanted.index, scope);
    case 'condition':
      return [
        ...signaturesOf('query').map((call) => callItem(call, 'function')),
        ...scope.names('any'),
        ...constantsOf(['general']).map((known): Item => ({ ...constantItem(known), rank: 6 })),
      ];
    case 'expectation':
      return expectations(wanted.call, scope);
    default:
      return [];
  }
}

function statements(scope: Scope): Item[] {
  const words = STATEMENT_KEYWORDS.map((word): Item => {
    const insert = word === 'end' ? word : `${word} `;
    return { label: word, kind: 'keyword', insert, ...keywordDoc(word), rank: 3 };
  });
  const processes = scope.names('process').map((item): Item => ({ ...item, insert: `${item.label}: ` }));
  const spawn: Item = {
    label: 'NAME = spawn("PATH")',
    kind: 'keyword',
    insert: '$0 = spawn()',
    doc: 'Makes a process.',
    rank: 2,
  };
  const kernel: Item = { label: 'kernel', kind: 'keyword', insert: 'kernel: ', ...keywordDoc('kernel'), rank: 2 };
  return [...processes, spawn, kernel, ...words];
}

function keywordDoc(word: string): { detail?: string; doc?: string } {
  const known = KEYWORD_DOCS[word];
  return known === undefined ? {} : { detail: known.form, doc: known.doc };
}

function keys(keyword: string): Item[] {
  return (DECLARATION_KEYS[keyword] ?? []).map((key): Item => {
    const insert = key === 'host' ? key : `${key}=`;
    const machine = keyword === 'machine' ? machineKey(key) : undefined;
    if (machine !== undefined)
      return { label: key, kind: 'key', insert, detail: `default ${machine.fallback}`, doc: machine.doc };
    const doc = KEY_DOCS[keyword]?.[key];
    return { label: key, kind: 'key', insert, ...(doc === undefined ? {} : { doc }) };
  });
}

function values(keyword: string, key: string, scope: Scope): Item[] {
  const known = keyword === 'machine' ? machineKey(key) : undefined;
  if (known !== undefined) {
    const words = known.type === 'word' ? known.words : [...Object.keys(known.words ?? {}), known.fallback];
    return [...new Set(words)].map((word): Item => {
      const item: Item = { label: word, kind: 'value', doc: known.doc };
      return word === known.fallback ? { ...item, detail: 'default' } : item;
    });
  }
  if (key === 'interp' || key === 'needs') return quoted(scope.paths(['library']));
  return (KEY_VALUES[keyword]?.[key] ?? []).map((word): Item => ({ label: word, kind: 'value' }));
}

function quoted(paths: readonly Item[]): Item[] {
  return paths.map((item) => ({ ...item, label: `"${item.label}"`, insert: `"${item.label}"` }));
}

function callItem(call: CallSignature, kind: 'call' | 'function'): Item {
  const insert = call.parameters.length === 0 ? `${call.name}()` : `${call.name}($0)`;
  return { label: call.name, kind, detail: signatureLabel(call), doc: call.doc, insert };
}

function argument(call: CallSignature, index: number, scope: Scope): Item[] {
  const parameter = parameterAt(call, index);
  if (parameter === undefined) return [];
  const constants = constantsFor(parameter).map(constantItem);
  switch (parameter.type) {
    case 'path':
      return quoted(scope.paths(pathKeywords(call)));
    case 'counter':
      return quoted(counters(call));
    case 'signal':
      return constants.filter(({ label }) => label === 'SIGSEGV' || label === 'SIGBUS');
    case 'handler':
      return [
        { label: 'handler', kind: 'constant', ...keywordDoc('handler'), rank: 1 },
        ...constants.filter(({ label }) => label === 'SIG_DFL'),
      ];
    default: {
      const doc = minusOne(call, index);
      const none: Item[] = doc === null ? [] : [{ label: '-1', kind: 'value', doc, rank: 2 }];
      return [...constants, ...none, ...scope.namesFor(parameter)];
    }
  }
}

function pathKeywords(call: CallSignature): readonly string[] {
  if (call.family === 'kernel' && call.name !== 'truncate') return ['device'];
  if (call.name === 'spawn' || call.name === 'execve') return ['program'];
  return ['file', 'device', 'program', 'library'];
}

function pathsFor(wanted: Wanted, scope: Scope): Item[] {
  if (wanted.kind === 'value') return scope.paths(['library']);
  if (wanted.kind !== 'argument') return [];
  const type = parameterAt(wanted.call, wanted.index)?.type;
  if (type === 'counter') return counters(wanted.call);
  return type === 'path' ? scope.paths(pathKeywords(wanted.call)) : [];
}

/** Lines of /proc/vmstat or /proc/meminfo. */
function counters(call: CallSignature): Item[] {
  const names = call.name === 'vmstat' ? VMSTAT_NAMES : MEMINFO_NAMES;
  return names.map((label) => ({ label, kind: 'value', detail: `/proc/${call.name}`, rank: 1 }));
}

function constantItem({ name, doc }: Constant): Item {
  return { label: name, kind: 'constant', doc, rank: 2 };
}

function expectations(call: CallSignature | null, scope: Scope): Item[] {
  if (call?.family === 'CPU') {
    const outcomes = Object.entries(OUTCOME_DOCS).map(
      ([label, doc]): Item => ({ label, kind: 'outcome', doc, rank: 1 }),
    );
    const signals = constantsOf(['signal'])
      .filter(({ name }) => ['SIGSEGV', 'SIGBUS', 'SIGKILL'].includes(name))
      .map(({ name, doc }): Item => ({ label: name, kind: 'outcome', doc, rank: 2 }));
    return [...outcomes, ...signals];
  }
  const errnos = Array.from(errnoNames(), (name): Item => {
    return { label: name, kind: 'constant', doc: errnoText(name) ?? '', rank: 3 };
  });
  const any: Item = { label: '?', kind: 'value', doc: 'Anything.', rank: 4 };
  return [
    { label: '0', kind: 'value', rank: 1 },
    any,
    ...scope.names('any').map((n) => ({ ...n, rank: 2 })),
    ...errnos,
  ];
}
