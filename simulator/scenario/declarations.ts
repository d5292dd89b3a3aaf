// Declarations: what a scenario says of its machine, files and devices, checked and made into the kernel's own terms.

import type { Declaration, ElfShape, MachineConfig } from '../abi.ts';
import { DEFAULT_MACHINE } from '../simulator.ts';
import type { DeclarationStatement, Expr, KeyValue, Statement, StringExpr } from './ast.ts';
import type { Reporter } from './binder.ts';
import { constantValue, isArithmetic } from './evaluate.ts';
import { clip } from './lexer.ts';
import { MACHINE_KEYS, type MachineKey, machineKey, writeSize } from './machine-keys.ts';
import type { DeclarationCode } from './scenario.ts';
import { closest, type Span } from './source.ts';

/** The program of a `spawn()` without a path. */
export const PUPPET = '/bin/puppet';
const MAX_FILE = 16 * 1024 ** 4;
const MAX_SEGMENT = 64 * 1024 ** 3;
const MAX_DEVICE_PAGES = 1 << 22;

const DRIVER_CALLS: readonly string[] = ['vm_insert_page', 'remap_pfn_range'];

interface ElfDeclaration {
  readonly shape: ElfShape;
  readonly span: Span;
  readonly interp: Span | null;
  readonly needs: Span | null;
}

/** Keys of each declaration, for the checks and for completion. */
export const DECLARATION_KEYS: Readonly<Record<string, readonly string[]>> = {
  machine: MACHINE_KEYS.map((key) => key.key),
  file: ['size', 'text'],
  program: ['type', 'text', 'rodata', 'data', 'bss', 'interp', 'needs', 'host'],
  library: ['text', 'rodata', 'data', 'bss'],
  device: ['pages', 'mmap'],
};

export class DeclarationBinder {
  readonly #reporter: Reporter;
  readonly #machine: MachineConfig = { ...DEFAULT_MACHINE };
  readonly #machineSpans = new Map<string, Span>();
  readonly #paths = new Map<string, { readonly span: Span; readonly keyword: string }>();
  /** What lines with mistakes were meant to declare: who names these paths makes no mistake. */
  readonly #meantPaths = new Set<string>();
  /** What is there of paths that were cut off, one each; empty where nothing is. */
  readonly #cutPaths: string[] = [];
  readonly #files: DeclarationCode[] = [];
  readonly #elfs: ElfDeclaration[] = [];
  readonly #hosts: DeclarationCode[] = [];
  readonly #devices: DeclarationCode[] = [];

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
  }

  add(statement: DeclarationStatement): void {
    const { keyword, path } = statement;
    if (keyword.name === 'machine') {
      this.#addMachine(statement);
      return;
    }
    if (path === null) throw new Error('DeclarationBinder.add: a declaration without a path');
    if (!this.#claimPath(path, keyword.name)) return;
    if (!this.#checkKeys(statement)) return;
    if (keyword.name === 'file') this.#addFile(statement, path);
    else if (keyword.name === 'device') this.#addDevice(statement, path);
    else this.#addElf(statement, path);
  }

  /** Notes the path of a declaration that cannot be made, and whose mistake is told. */
  addMeant(path: string): void {
    this.#meantPaths.add(path);
  }

  /** Notes such a path of which perhaps only the beginning is there. */
  addCut(path: string): void {
    this.#meantPaths.add(path);
    this.#cutPaths.push(path);
  }

  #isDeclared(path: string): boolean {
    if (this.#paths.has(path) || this.#meantPaths.has(path)) return true;
    const cut = this.#cutPaths.findIndex((beginning) => path.startsWith(beginning));
    if (cut < 0) return false;
    this.#cutPaths.splice(cut, 1);
    this.#meantPaths.add(path);
    return true;
  }

  /** Checks what can only be known at the end of the file, and declares /bin/puppet if a step needs it. */
  finish(statements: readonly Statement[]): void {
    for (const elf of this.#elfs) this.#checkDependencies(elf);
    let puppet = this.#paths.has(PUPPET) || this.#meantPaths.has(PUPPET);
    const told = new Set<string>();
    for (const statement of statements) {
      if (statement.kind !== 'spawn' && statement.kind !== 'call') continue;
      this.#checkDevice(statement);
      const path = programOf(statement);
      if (path === null) continue;
      if (path.text === PUPPET && !puppet) {
        const shape: ElfShape = { path: PUPPET, type: 'static', text: 4096, rodata: 0, data: 0, bss: 0, needs: [] };
        this.#elfs.push({ shape, span: statement.span, interp: null, needs: null });
        puppet = true;
      }
      if (statement.kind !== 'spawn' || path.text === PUPPET || this.#isDeclared(path.text)) continue;
      if (told.has(path.text)) continue;
      told.add(path.text);
      this.#reporter.warning(
        'undeclared',
        `no program "${clip(path.text)}" is declared: this will be ENOENT`,
        path.span,
      );
    }
  }

  /** A driver has pages of its device only: with a file in its place it is EINVAL, which is hardly ever meant. */
  #checkDevice({ call, expected }: Extract<Statement, { kind: 'spawn' | 'call' }>): void {
    if (!DRIVER_CALLS.includes(call.callee.name) || expected !== null) return;
    const path = call.args[2];
    const declared = path?.kind === 'string' ? this.#paths.get(path.value.text) : undefined;
    if (path?.kind !== 'string' || declared === undefined || declared.keyword === 'device') return;
    const message = `"${clip(path.value.text)}" is a ${declared.keyword}, not a device: this will be EINVAL`;
    this.#reporter.warning('declaration', message, path.span);
  }

  result(): DeclarationCode[] {
    const span = this.#machineSpans.values().next().value ?? { line: 0, start: 0, end: 0 };
    const isLibrary = (elf: ElfDeclaration) => elf.shape.type === 'shared';
    const ordered = [...this.#elfs.filter(isLibrary), ...this.#elfs.filter((elf) => !isLibrary(elf))];
    return [
      { declaration: { kind: 'machine', config: this.#machine }, span },
      ...this.#files,
      ...ordered.map((elf): DeclarationCode => ({ declaration: { kind: 'elf', shape: elf.shape }, span: elf.span })),
      ...this.#hosts,
      ...this.#devices,
    ];
  }

  #claimPath(path: StringExpr, keyword: string): boolean {
    const { text, bytes } = path.value;
    if (text === '' || bytes.includes(0)) {
      this.#reporter.error('declaration', 'a path has at least one character and no NUL', path.span);
      return false;
    }
    const before = this.#paths.get(text);
    if (before === undefined) {
      this.#paths.set(text, { span: path.span, keyword });
      return true;
    }
    const message = `"${clip(text)}" is declared twice: it was declared on line ${before.span.line + 1}`;
    this.#reporter.error('duplicate', message, path.span);
    return false;
  }

  #checkKeys(statement: DeclarationStatement): boolean {
    const known = DECLARATION_KEYS[statement.keyword.name] ?? [];
    const seen = new Set<string>();
    for (const { key } of statement.settings) {
      if (!known.includes(key.name)) {
        this.#reporter.error('declaration', unknownKey(key.name, statement.keyword.name, known), key.span);
        return false;
      }
      if (seen.has(key.name)) {
        this.#reporter.error('duplicate', `'${key.name}' is given twice`, key.span);
        return false;
      }
      seen.add(key.name);
    }
    return true;
  }

  #addMachine(statement: DeclarationStatement): void {
    if (statement.settings.length === 0) {
      this.#reporter.error('declaration', 'machine wants key=value', statement.span);
      return;
    }
    for (const setting of statement.settings) {
      const key = machineKey(setting.key.name);
      if (key === undefined) {
        const known = DECLARATION_KEYS['machine'] ?? [];
        this.#reporter.error('declaration', unknownKey(setting.key.name, 'machine', known), setting.key.span);
        return;
      }
      const value = this.#machineValue(key, setting);
      if (value === undefined) return;
      const before = this.#machineSpans.get(key.key);
      if (before !== undefined) {
        const message = `${key.key} was set on line ${before.line + 1}: this value replaces that one`;
        this.#reporter.warning('duplicate', message, setting.span);
      }
      this.#machineSpans.set(key.key, setting.span);
      // The table of keys gives each value the type of its field.
      Object.assign(this.#machine, { [key.key]: value });
    }
  }

  #machineValue(key: MachineKey, setting: KeyValue): number | string | null | undefined {
    const { value } = setting;
    if (key.type === 'word') {
      if (value?.kind === 'name' && key.words.includes(value.name)) return value.name;
      this.#reporter.error('declaration', `${key.key} is one of ${key.words.join(', ')}`, value?.span ?? setting.span);
      return undefined;
    }
    const words = key.words ?? {};
    if (value?.kind === 'name' && Object.hasOwn(words, value.name)) return words[value.name] ?? null;
    const number = this.#number(setting, key.least, key.most, key.unit === 'bytes', Object.keys(words));
    return number === null ? undefined : (key.round?.(number) ?? number);
  }

  /** The value of `key=N` within its bounds, or null after an error was reported; `words` could stand there too. */
  #number(
    setting: KeyValue,
    least: number,
    most: number,
    bytes: boolean,
    words: readonly string[] = [],
  ): number | null {
    const { key, value } = setting;
    const number = value !== null && isArithmetic(value) ? constantValue(value) : null;
    if (value === null || number === null) {
      const example = bytes ? ', such as 16K' : '';
      const wanted = [`a number${example}`, ...words].join(' or ');
      this.#reporter.error('declaration', `${key.name} wants ${wanted}`, value?.span ?? setting.span);
      return null;
    }
    if (number >= BigInt(least) && number <= BigInt(most)) return Number(number);
    const write = (n: number) => (bytes ? writeSize(n) : String(n));
    const message = `${key.name} is ${write(least)} to ${write(most)}`;
    this.#reporter.error('range', message, value.span);
    return null;
  }

  /** Size of a segment: 0 when absent, null after an error. */
  #size(statement: DeclarationStatement, key: string, least: number): number | null {
    const setting = find(statement, key);
    if (setting !== undefined) return this.#number(setting, least, MAX_SEGMENT, true);
    if (least === 0) return 0;
    this.#reporter.error('declaration', `a ${statement.keyword.name} wants ${key}=N`, statement.span);
    return null;
  }

  #addFile(statement: DeclarationStatement, path: StringExpr): void {
    const size = find(statement, 'size');
    const text = find(statement, 'text');
    if ((size === undefined) === (text === undefined)) {
      const message =
        size === undefined ? 'a file wants size=N or text="…"' : 'a file has size=N or text="…", not both';
      this.#reporter.error('declaration', message, statement.span);
      return;
    }
    if (size !== undefined) {
      const bytes = this.#number(size, 0, MAX_FILE, true);
      if (bytes === null) return;
      this.#files.push({ declaration: { kind: 'file', path: path.value.text, size: bytes }, span: statement.span });
      return;
    }
    const content = this.#string(text);
    if (content === null) return;
    const { bytes } = content.value;
    const declaration: Declaration = { kind: 'file', path: path.value.text, size: bytes.length, bytes };
    this.#files.push({ declaration, span: statement.span });
  }

  #string(setting: KeyValue | undefined): StringExpr | null {
    if (setting === undefined) return null;
    if (setting.value?.kind === 'string') return setting.value;
    this.#reporter.error('type', `${setting.key.name} wants a string`, setting.value?.span ?? setting.span);
    return null;
  }

  #word(setting: KeyValue, words: readonly string[]): string | null {
    const { key, value } = setting;
    if (value?.kind === 'name' && words.includes(value.name)) return value.name;
    this.#reporter.error('declaration', `${key.name} is one of ${words.join(', ')}`, value?.span ?? setting.span);
    return null;
  }

  #addDevice(statement: DeclarationStatement, path: StringExpr): void {
    const pages = find(statement, 'pages');
    const mmap = find(statement, 'mmap');
    if (pages === undefined || mmap === undefined) {
      this.#reporter.error('declaration', 'a device wants pages=N and mmap=remap|insert|fault', statement.span);
      return;
    }
    const count = this.#number(pages, 1, MAX_DEVICE_PAGES, false);
    const how = count === null ? null : this.#word(mmap, ['remap', 'insert', 'fault']);
    if (count === null || how === null) return;
    const kind = how as 'remap' | 'insert' | 'fault';
    const declaration: Declaration = { kind: 'device', path: path.value.text, pages: count, mmap: kind };
    this.#devices.push({ declaration, span: statement.span });
  }

  #addElf(statement: DeclarationStatement, path: StringExpr): void {
    const host = find(statement, 'host');
    if (host !== undefined) {
      const other = statement.settings.find((s) => s !== host);
      if (host.value !== null || other !== undefined) {
        const message = 'the shape of a host program is read from its file: host stands alone';
        this.#reporter.error('declaration', message, (other ?? host).span);
      } else this.#hosts.push({ hostProgram: path.value.text, span: statement.span });
      return;
    }
    const shape = this.#shape(statement, path);
    if (shape === null) return;
    const interp = find(statement, 'interp')?.value?.span ?? null;
    const needs = find(statement, 'needs')?.value?.span ?? null;
    this.#elfs.push({ shape, span: statement.span, interp, needs });
  }

  #shape(statement: DeclarationStatement, path: StringExpr): ElfShape | null {
    const text = this.#size(statement, 'text', 1);
    const rodata = text === null ? null : this.#size(statement, 'rodata', 0);
    const data = rodata === null ? null : this.#size(statement, 'data', 0);
    const bss = data === null ? null : this.#size(statement, 'bss', 0);
    if (text === null || rodata === null || data === null || bss === null) return null;
    const sizes = { text, rodata, data, bss };
    if (statement.keyword.name === 'library') return { path: path.value.text, type: 'shared', ...sizes, needs: [] };
    const typeSetting = find(statement, 'type');
    const type = typeSetting === undefined ? 'static' : this.#word(typeSetting, ['static', 'pie']);
    if (type === null) return null;
    const interp = this.#optionalString(statement, 'interp');
    const needs = interp === null ? null : this.#optionalString(statement, 'needs');
    if (interp === null || needs === null) return null;
    const libraries = (needs?.value.text ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '');
    const base = { path: path.value.text, type: type as 'static' | 'pie', ...sizes, needs: libraries };
    return interp === undefined ? base : { ...base, interp: interp.value.text };
  }

  /** The string of a key, undefined when it is absent, null after an error. */
  #optionalString(statement: DeclarationStatement, key: string): StringExpr | undefined | null {
    const setting = find(statement, key);
    return setting === undefined ? undefined : this.#string(setting);
  }

  #checkDependencies(elf: ElfDeclaration): void {
    const { interp, needs } = elf.shape;
    const missing = [...(interp === undefined ? [] : [interp]), ...needs].filter((path) => !this.#isDeclared(path));
    for (const path of missing) {
      const span = path === interp ? (elf.interp ?? elf.span) : (elf.needs ?? elf.span);
      const message = () => `"${clip(path)}" is not declared: add library "${clip(path)}" text=N`;
      if (this.#reporter.once(`library ${path}`, 'undeclared', message, span)) break;
    }
    if (missing.length === 0 && needs.length > 0 && interp === undefined) {
      const message = 'libraries are loaded by an interpreter: without interp= nothing loads them';
      this.#reporter.warning('declaration', message, elf.needs ?? elf.span);
    }
  }
}

/** The path that a spawn or execve names, with its place; /bin/puppet for a spawn without one. */
function programOf(statement: Extract<Statement, { kind: 'spawn' | 'call' }>): { text: string; span: Span } | null {
  const { callee, args } = statement.call;
  if (callee.name !== 'spawn' && callee.name !== 'execve') return null;
  const first: Expr | undefined = args[0];
  if (first === undefined) return callee.name === 'spawn' ? { text: PUPPET, span: statement.call.span } : null;
  return first.kind === 'string' ? { text: first.value.text, span: first.span } : null;
}

function find(statement: DeclarationStatement, key: string): KeyValue | undefined {
  return statement.settings.find((setting) => setting.key.name === key);
}

function unknownKey(name: string, keyword: string, known: readonly string[]): string {
  const meant = closest(name, known);
  const hint = meant === null ? `it knows ${known.join(', ')}` : `did you mean ${meant}?`;
  return `${keyword} has no key '${clip(name)}': ${hint}`;
}
