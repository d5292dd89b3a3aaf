// What the word under the cursor means.

import { type CallPlace, signature, signatureLabel } from '../calls.ts';
import { constant, errnoText } from '../constants.ts';
import { type Token, tokenize } from '../lexer.ts';
import { machineKey } from '../machine-keys.ts';
import { parseScenario, type Scenario } from '../scenario.ts';
import { contains, type Position, type Range, rangeOf } from '../source.ts';
import { KEY_DOCS, KEYWORD_DOCS, OUTCOME_DOCS } from './docs.ts';
import { isInComment, lineAt } from './line-context.ts';

export interface HoverDoc {
  /** Markdown. */
  readonly contents: string;
  readonly range: Range;
}

/** The documentation of a call, constant, keyword, key or name, or null. */
export function hoverDoc(text: string, position: Position, scenario?: Scenario): HoverDoc | null {
  const line = lineAt(text, position.line);
  if (isInComment(line, position.character)) return null;
  const tokens = tokenize(line, position.line);
  const at = tokens.findIndex((token) => token.kind === 'word' && contains(token.span, position));
  const token = tokens[at];
  if (token === undefined) return null;
  const contents = explain(tokens, at) ?? explainName(token.text, position.line, scenario ?? parseScenario(text));
  return contents === null ? null : { contents, range: rangeOf(token.span) };
}

function explain(tokens: readonly Token[], at: number): string | null {
  const word = tokens[at]?.text ?? '';
  if (tokens[at + 1]?.text === '(') {
    const call = callAt(tokens, word);
    if (call !== null) return call;
  }
  const first = tokens[0]?.text ?? '';
  const isKey = at > 0 && (tokens[at + 1]?.text === '=' || word === 'host');
  const key = isKey ? explainKey(first, word) : null;
  if (key !== null) return key;
  if (at === 0 || word === 'handler') {
    const keyword = KEYWORD_DOCS[word];
    // A process may have the name of a keyword.
    const isProcess = word !== 'kernel' && (tokens[1]?.text === ':' || tokens[1]?.text === '=') && at === 0;
    if (keyword !== undefined && !isProcess) return `${code(keyword.form)}\n\n${keyword.doc}`;
  }
  return explainConstant(word);
}

function callAt(tokens: readonly Token[], word: string): string | null {
  const places: CallPlace[] =
    tokens[0]?.text === 'assert'
      ? ['query']
      : tokens[1]?.text === '='
        ? ['spawn']
        : tokens[0]?.text === 'kernel'
          ? ['kernel']
          : ['process', 'kernel'];
  for (const place of places) {
    const call = signature(place, word);
    if (call !== undefined) return `${code(signatureLabel(call))}\n\n${call.doc}\n\nReturns ${call.returns}.`;
  }
  return null;
}

function explainKey(keyword: string, key: string): string | null {
  if (keyword === 'machine') {
    const known = machineKey(key);
    if (known === undefined) return null;
    const values = known.type === 'word' ? known.words.join(' | ') : known.unit === 'bytes' ? 'SIZE' : 'N';
    return `${code(`machine ${key}=${values}`)}\n\n${known.doc} Default: ${known.fallback}.`;
  }
  const doc = KEY_DOCS[keyword]?.[key];
  return doc === undefined ? null : `${code(key === 'host' ? 'host' : `${key}=…`)}\n\n${doc}`;
}

function explainConstant(word: string): string | null {
  const known = constant(word);
  if (known !== undefined) return `${code(`${word} = ${writeConstant(known.value)}`)}\n\n${known.doc}`;
  const errno = errnoText(word);
  if (errno !== undefined) return `${code(word)}\n\n${errno}.`;
  const outcome = OUTCOME_DOCS[word];
  return outcome === undefined ? null : `${code(word)}\n\n${outcome}`;
}

function writeConstant(value: bigint): string {
  const signed = BigInt.asIntN(64, value);
  return signed < 10n && signed > -1000n ? String(signed) : `0x${value.toString(16)}`;
}

function explainName(word: string, line: number, scenario: Scenario): string | null {
  const bound = scenario.names.get(word);
  if (bound === undefined) return null;
  const source = (scenario.lines[bound.definition.line] ?? '').trim();
  const what = bound.kind === 'process' ? 'A process' : bound.kind === 'value' ? 'A value' : 'A name';
  const where = bound.definition.line === line ? 'bound here' : `bound on line ${bound.definition.line + 1}`;
  return `${code(source)}\n\n${what}, ${where}.`;
}

function code(text: string): string {
  return `\`\`\`vas\n${text}\n\`\`\``;
}
