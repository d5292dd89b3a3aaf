// Registers the language providers.
import { type Disposable, languages } from 'vscode';
import { LANGUAGE } from '../names.ts';
import type { Sessions } from '../sessions.ts';
import { completionTriggers, ScenarioCompletion } from './completion.ts';
import { ScenarioHover } from './hover.ts';
import { ScenarioSignatures, signatureTriggers } from './signature.ts';
import { ScenarioSymbols } from './symbols.ts';

export function registerLanguage(sessions: Sessions): Disposable[] {
  return [
    languages.registerHoverProvider(LANGUAGE, new ScenarioHover(sessions)),
    languages.registerCompletionItemProvider(LANGUAGE, new ScenarioCompletion(sessions), ...completionTriggers),
    languages.registerSignatureHelpProvider(LANGUAGE, new ScenarioSignatures(), ...signatureTriggers),
    languages.registerDocumentSymbolProvider(LANGUAGE, new ScenarioSymbols(sessions)),
  ];
}
