// Language services: text and a position in, plain data out. Know nothing of any editor.

export { type Completion, type CompletionKind, complete } from './completion.ts';
export { type ExpressionAt, expressionAt } from './expression-at.ts';
export { type HoverDoc, hoverDoc } from './hover.ts';
export { type ParameterHelp, type SignatureHelp, signatureHelp } from './signature-help.ts';
export { sizeAt } from './size-at.ts';
export { type DocumentSymbol, documentSymbols, type SymbolKind } from './symbols.ts';
