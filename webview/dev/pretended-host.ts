/** The development page's pretended host: shows fixtures and writes down what the view says. */
import type { HostMessage, SavedState, ViewMessage } from '../protocol.ts';
import { FIXTURES } from './fixtures.ts';
import { applyTheme, type ThemeName } from './themes.ts';

declare global {
  interface Window {
    acquireVsCodeApi: unknown;
    /** What the view said, oldest first. */
    said: ViewMessage[];
    showFixture: (name: string) => void;
    showTheme: (name: ThemeName) => void;
    tell: (message: HostMessage) => void;
  }
}

const names = Object.keys(FIXTURES);
const query = new URLSearchParams(location.search);
let current = query.get('state') ?? 'untouched';

/** VS Code keeps what a view saved over a reload; the session's storage does so here. */
const STORE = 'saved';

window.said = [];
window.tell = (message) => window.postMessage(message, '*');
window.showTheme = applyTheme;
window.showFixture = (name) => {
  const state = FIXTURES[name];
  if (state === undefined) return;
  current = name;
  window.tell(state);
};
window.acquireVsCodeApi = () => ({
  postMessage: answer,
  getState: (): SavedState | undefined => JSON.parse(sessionStorage.getItem(STORE) ?? 'null') ?? undefined,
  setState: (state: SavedState) => sessionStorage.setItem(STORE, JSON.stringify(state)),
});

/** Steps walk through the fixtures; the rest is only written down. */
function answer(message: ViewMessage): void {
  window.said.push(message);
  const at = names.indexOf(current);
  if (message.type === 'ready') window.showFixture(current);
  if (message.type === 'step') window.showFixture(names[at + 1] ?? current);
  if (message.type === 'back') window.showFixture(names[at - 1] ?? current);
}

applyTheme((query.get('theme') ?? 'dark') as ThemeName);
