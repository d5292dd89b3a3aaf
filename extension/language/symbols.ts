// The outline: files, processes, names and loops.
import { DocumentSymbol, type DocumentSymbolProvider, SymbolKind, type TextDocument } from 'vscode';
import { documentSymbols, type DocumentSymbol as Found, type SymbolKind as FoundKind } from '../../simulator/index.ts';
import { toRange } from '../diagnostics.ts';
import type { Sessions } from '../sessions.ts';
import { isTooLarge } from './limits.ts';

export class ScenarioSymbols implements DocumentSymbolProvider {
  private readonly sessions: Sessions;

  constructor(sessions: Sessions) {
    this.sessions = sessions;
  }

  provideDocumentSymbols(document: TextDocument): DocumentSymbol[] {
    if (isTooLarge(document)) return [];
    return documentSymbols(document.getText(), this.sessions.get(document)?.currentScenario).map(toSymbol);
  }
}

const kinds: Readonly<Record<FoundKind, SymbolKind>> = {
  machine: SymbolKind.Object,
  file: SymbolKind.File,
  program: SymbolKind.Package,
  library: SymbolKind.Package,
  device: SymbolKind.Interface,
  process: SymbolKind.Class,
  value: SymbolKind.Variable,
  repeat: SymbolKind.Array,
};

function toSymbol(found: Found): DocumentSymbol {
  const selection = toRange(found.selectionRange);
  const symbol = new DocumentSymbol(found.name, found.detail, kinds[found.kind], toRange(found.range), selection);
  symbol.children = found.children.map(toSymbol);
  return symbol;
}
