/** Entry of the page-table view, bundled into one script for the webview: messages in, drawing out. */
import { h, render } from 'preact';
import { App } from './drawing/app.tsx';
import { connect } from './host.ts';
import { receive, savedState, type View, WAITING } from './model/view.ts';
import type { FrameColouring, HostMessage } from './protocol.ts';

const root = document.getElementById('root') ?? document.body;
let view: View = WAITING;
let due: number | undefined;

const host = connect(onMessage);
let colouring: FrameColouring = host.saved()?.colouring ?? 'use';

window.addEventListener('error', (event) => report(event.error ?? event.message));
window.addEventListener('unhandledrejection', (event) => report(event.reason));

function onMessage(message: HostMessage): void {
  view = receive(view, message);
  if (view.lost) {
    host.post({ type: 'resync' });
    return;
  }
  save();
  // Messages that come together are drawn together: a state and the notice about it are one picture.
  if (due === undefined) due = window.setTimeout(draw);
}

function save(): void {
  if (view.shown !== null) host.save(savedState(view.shown, colouring));
}

function colour(chosen: FrameColouring): void {
  colouring = chosen;
  save();
  draw();
}

function draw(): void {
  due = undefined;
  try {
    render(h(App, { view, colouring, onColour: colour, post: host.post }), root);
  } catch (error) {
    report(error);
  }
}

function report(error: unknown): void {
  const known = error instanceof Error ? error : new Error(String(error));
  host.post({ type: 'problem', message: known.message, stack: known.stack ?? '' });
}

draw();
document.body.dataset['ready'] = 'true';
host.post({ type: 'ready', saved: host.saved() });
