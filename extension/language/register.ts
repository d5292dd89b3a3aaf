// Registers the language providers.
import { type Disposable, languages } from 'vscode';
import { LANGUAGE } from '../names.ts';
import type { Sessions } from '../sessions.ts';
import { ScenarioHover } from './hover.ts';

export function registerLanguage(sessions: Sessions): Disposable[] {
  return [languages.registerHoverProvider(LANGUAGE, new ScenarioHover(sessions))];
}
