// What both entries share: the wiring of the extension into VS Code.
import type { ExtensionContext } from 'vscode';
import { registerCommands } from './commands.ts';
import { ContextKeys } from './context-keys.ts';
import { Decorations } from './decorations.ts';
import { Diagnostics } from './diagnostics.ts';
import { registerLanguage } from './language/register.ts';
import { PageTablePanel } from './panel/panel.ts';
import { ProcDocuments } from './proc-documents.ts';
import { RunProgress } from './progress.ts';
import type { Session, TimelineOptions } from './session.ts';
import { Sessions } from './sessions.ts';
import { StatusBar } from './status-bar.ts';
import { type SessionTree, Trees } from './tree/provider.ts';

/** What only some hosts can do. */
export type HostAbilities = TimelineOptions;

/** The extension's API: what the views show, for other extensions to read. */
export interface ExtensionApi {
  /** The session of a document's URI; undefined when it is not a scenario or not open. */
  session(uri: string): Session | undefined;
  /** The session that the views show. */
  activeSession(): Session | null;
  readonly processes: SessionTree;
  readonly machine: SessionTree;
}

/** Registers everything; disposables go to `context.subscriptions`. */
export function activateExtension(context: ExtensionContext, abilities: HostAbilities): ExtensionApi {
  const sessions = new Sessions(abilities);
  const panel = new PageTablePanel(context, sessions);
  const proc = new ProcDocuments(sessions);
  const trees = new Trees(sessions);
  context.subscriptions.push(
    sessions,
    new ContextKeys(sessions),
    new Diagnostics(sessions),
    new Decorations(sessions, context.extensionUri),
    new StatusBar(sessions),
    new RunProgress(sessions),
    panel,
    proc,
    trees,
    ...registerCommands({ context, sessions, panel, proc }),
    ...registerLanguage(sessions),
  );
  sessions.start();
  return {
    session: (uri) => sessions.find(uri),
    activeSession: () => sessions.active,
    processes: trees.processes,
    machine: trees.machine,
  };
}
