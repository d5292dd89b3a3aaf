/** The way to the extension host: VS Code's message channel and its store, typed. */
import type { HostMessage, SavedState, ViewMessage } from './protocol.ts';

interface VsCodeApi {
  postMessage(message: ViewMessage): void;
  getState(): SavedState | undefined;
  setState(state: SavedState): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** Says something to the host. */
export type Post = (message: ViewMessage) => void;

export interface Host {
  readonly post: Post;
  /** What was kept before a reload; null in a new view. */
  saved(): SavedState | null;
  save(state: SavedState): void;
}

/** Takes the channel (VS Code hands it out once) and passes on what the host says. */
export function connect(receive: (message: HostMessage) => void): Host {
  const api = acquireVsCodeApi();
  window.addEventListener('message', (event: MessageEvent<HostMessage>) => {
    if (typeof event.data === 'object' && event.data !== null && 'type' in event.data) receive(event.data);
  });
  return {
    post: (message) => api.postMessage(message),
    saved: () => api.getState() ?? null,
    save: (state) => api.setState(state),
  };
}
