// The outline of a scenario: its files, its processes and names, its loops.

import type { Statement } from '../ast.ts';
import { parseScenario, type Scenario } from '../scenario.ts';
import { type Range, rangeOf } from '../source.ts';

export type SymbolKind = 'machine' | 'file' | 'program' | 'library' | 'device' | 'process' | 'value' | 'repeat';

export interface DocumentSymbol {
  readonly name: string;
  readonly detail: string;
  readonly kind: SymbolKind;
  readonly range: Range;
  /** What is selected when the symbol is chosen. */
  readonly selectionRange: Range;
  readonly children: readonly DocumentSymbol[];
}

type OpenSymbol = Omit<DocumentSymbol, 'children' | 'range'> & { range: Range; readonly children: DocumentSymbol[] };

/** Symbols in the order of the text; what is bound inside of a repeat is its child. */
export function documentSymbols(text: string, scenario: Scenario = parseScenario(text)): DocumentSymbol[] {
  const roots: DocumentSymbol[] = [];
  const open: OpenSymbol[] = [];
  for (const statement of scenario.statements) {
    const siblings = open.at(-1)?.children ?? roots;
    if (statement.kind === 'end') {
      const loop = open.pop();
      if (loop !== undefined) loop.range = { start: loop.range.start, end: rangeOf(statement.span).end };
      continue;
    }
    const symbol = symbolOf(statement, scenario);
    if (symbol === null) continue;
    siblings.push(symbol);
    if (statement.kind === 'repeat') open.push(symbol);
  }
  return roots;
}

function symbolOf(statement: Statement, scenario: Scenario): OpenSymbol | null {
  const range = rangeOf(statement.span);
  const source = (scenario.lines[statement.span.line] ?? '').slice(statement.span.start, statement.span.end);
  const base = { detail: source, range, children: [] };
  switch (statement.kind) {
    case 'declaration': {
      const { keyword, path } = statement;
      const name = path?.value.text ?? keyword.name;
      const selectionRange = rangeOf(path?.span ?? keyword.span);
      return { ...base, name: name === '' ? keyword.name : name, kind: keyword.name as SymbolKind, selectionRange };
    }
    case 'spawn':
    case 'call': {
      if (statement.target === null) return null;
      const { name, span } = statement.target;
      const isProcess = scenario.names.get(name)?.kind === 'process';
      return { ...base, name, kind: isProcess ? 'process' : 'value', selectionRange: rangeOf(span) };
    }
    case 'repeat':
      return { ...base, name: source, detail: '', kind: 'repeat', selectionRange: range };
    default:
      return null;
  }
}
