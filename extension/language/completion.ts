// Completion, as the language service proposes it.
import {
  CompletionItem,
  CompletionItemKind,
  type CompletionItemProvider,
  MarkdownString,
  type Position,
  SnippetString,
  type TextDocument,
} from 'vscode';
import { type Completion, type CompletionKind, complete } from '../../simulator/index.ts';
import { toRange } from '../diagnostics.ts';
import type { Sessions } from '../sessions.ts';
import { isTooLarge, isTooLong } from './limits.ts';

/** Typed characters that open the list. */
export const completionTriggers = [':', ' ', '(', ',', '|', '=', '"', '/'] as const;

export class ScenarioCompletion implements CompletionItemProvider {
  private readonly sessions: Sessions;

  constructor(sessions: Sessions) {
    this.sessions = sessions;
  }

  provideCompletionItems(document: TextDocument, position: Position): CompletionItem[] {
    if (isTooLarge(document) || isTooLong(document, position)) return [];
    const scenario = this.sessions.get(document)?.currentScenario;
    return complete(document.getText(), position, scenario).map(toItem);
  }
}

const kinds: Readonly<Record<CompletionKind, CompletionItemKind>> = {
  keyword: CompletionItemKind.Keyword,
  call: CompletionItemKind.Function,
  function: CompletionItemKind.Function,
  constant: CompletionItemKind.Constant,
  key: CompletionItemKind.Property,
  value: CompletionItemKind.Value,
  process: CompletionItemKind.Module,
  name: CompletionItemKind.Variable,
  path: CompletionItemKind.File,
  outcome: CompletionItemKind.EnumMember,
};

function toItem(completion: Completion): CompletionItem {
  const item = new CompletionItem(completion.label, kinds[completion.kind]);
  if (completion.detail !== undefined) item.detail = completion.detail;
  if (completion.doc !== undefined) item.documentation = new MarkdownString(completion.doc);
  item.insertText = completion.insert.includes('$0') ? snippet(completion.insert) : completion.insert;
  item.range = toRange(completion.range);
  item.sortText = `${completion.rank}${completion.label}`;
  // What can follow is known: a call opens its first argument, a key its value.
  if (/[=(]$|\(\$0\)$|: $/.test(completion.insert)) {
    item.command = { command: 'editor.action.triggerSuggest', title: 'Suggest' };
  }
  return item;
}

/** `$0` stands for the cursor; everything else is literal. */
function snippet(insert: string): SnippetString {
  const result = new SnippetString();
  insert.split('$0').forEach((part, i) => {
    if (i > 0) result.appendTabstop(0);
    result.appendText(part);
  });
  return result;
}
