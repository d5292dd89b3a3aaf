// What the commands of the palette, the title bars, the keys and the trees do.
import { commands, type Disposable, type ExtensionContext, env, type TextEditor, window } from 'vscode';
import { type MemoryFile, type ProcFile, processPids, type Timeline } from '../simulator/index.ts';
import { numberText } from '../webview/protocol.ts';
import { command } from './names.ts';
import { type PageTablePanel, revealLine } from './panel/panel.ts';
import { addressText, firstProcess } from './panel/selection.ts';
import type { ProcDocuments } from './proc-documents.ts';
import { report } from './report.ts';
import { newScenario, openSample } from './samples.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';
import type { TreeNode } from './tree/nodes.ts';

/** An address of a process, as tree items and hovers hand it to `vas.showAddress`. */
export interface AddressArgument {
  readonly pid: number;
  /** `0x…`. */
  readonly address: string;
  /** The document of the scenario; the active one when absent. */
  readonly scenario?: string;
  /** What the address field shows. */
  readonly text?: string;
}

interface Tools {
  readonly context: ExtensionContext;
  readonly sessions: Sessions;
  readonly panel: PageTablePanel;
  readonly proc: ProcDocuments;
}

export function registerCommands(tools: Tools): Disposable[] {
  const { context, sessions, panel } = tools;
  const register = (id: string, action: (...args: never[]) => unknown) =>
    commands.registerCommand(id, async (...args: never[]) => {
      try {
        return await action(...args);
      } catch (error) {
        report(error);
        return undefined;
      }
    });
  const withSession = (action: (session: Session) => unknown) => () => {
    const session = currentSession(sessions);
    if (session === null) return window.showInformationMessage('Open a scenario (.vas) first.');
    return action(session);
  };
  return [
    register(command.step, withSession(step)),
    register(command.stepBack, withSession(stepBack)),
    register(
      command.runToEnd,
      withSession((session) => session.runToEnd().then(() => tellObstacle(session))),
    ),
    register(
      command.backToStart,
      withSession((session) => session.backToStart()),
    ),
    register(command.runToCursor, withSession(runToCursor)),
    register(command.goToStep, withSession(goToStep)),
    register(
      command.cancel,
      withSession((session) => session.cancel()),
    ),
    register(command.showPageTables, () => (panel.isVisible ? panel.enter() : panel.show())),
    register(
      command.revealAddress,
      withSession((session) => askAddress(panel, session)),
    ),
    register(command.showAddress, (at: AddressArgument) => showAddress(tools, at)),
    register(command.openMaps, (node?: TreeNode) => openProc(tools, 'maps', node)),
    register(command.openSmaps, (node?: TreeNode) => openProc(tools, 'smaps', node)),
    register(command.openSmapsRollup, (node?: TreeNode) => openProc(tools, 'smaps_rollup', node)),
    register(command.openStatus, (node?: TreeNode) => openProc(tools, 'status', node)),
    register(
      command.openMeminfo,
      withSession((session) => openMemory(tools, session, 'meminfo')),
    ),
    register(
      command.openVmstat,
      withSession((session) => openMemory(tools, session, 'vmstat')),
    ),
    register(
      command.openFree,
      withSession((session) => openMemory(tools, session, 'free')),
    ),
    register(command.copyAddress, (node?: TreeNode) => copyAddress(node)),
    register(command.openSample, (name?: string) =>
      openSample(context.extensionUri, typeof name === 'string' ? name : undefined),
    ),
    register(command.newScenario, () => newScenario()),
    register(
      command.revealLine,
      withSession((session) => revealLine(session, session.timeline?.next?.line ?? 1)),
    ),
  ];
}

/** The session of the editor in front, else the one that the views show. */
function currentSession(sessions: Sessions): Session | null {
  const editor = window.activeTextEditor;
  const own = editor === undefined ? undefined : sessions.ownerOf(editor.document);
  if (own !== undefined) sessions.activate(own);
  return own ?? sessions.active;
}

async function step(session: Session): Promise<void> {
  await session.step();
  tellObstacle(session);
  keepInSight(session);
}

async function stepBack(session: Session): Promise<void> {
  await session.stepBack();
  keepInSight(session);
}

async function runToCursor(session: Session): Promise<void> {
  const editor = editorOf(session);
  if (editor === undefined) return;
  const line = editor.selection.active.line + 1;
  await session.runToLine(line);
  tellObstacle(session);
  const next = session.timeline?.next ?? null;
  if (session.obstacle === null && next?.line !== line) {
    window.setStatusBarMessage(`Line ${line} does not come up: the run stands at its end.`, 4000);
  }
}

async function goToStep(session: Session): Promise<void> {
  const { total } = session;
  const range = total === null ? '0 is the start' : `0 is the start, ${numberText(total)} the end`;
  const answer = await window.showInputBox({
    title: 'Go to Step',
    prompt: `Number of executed steps: ${range}`,
    value: String(session.position),
    validateInput: (text) => (/^\d{1,15}$/.test(text.trim()) ? undefined : 'A whole number of steps, please'),
  });
  if (answer === undefined) return;
  await session.goToStep(Number(answer));
  tellObstacle(session);
  keepInSight(session);
}

async function askAddress(panel: PageTablePanel, session: Session): Promise<void> {
  const { timeline } = session;
  const shownPid = (of: Timeline) => panel.focusOf(session).selection(of)?.pid ?? firstProcess(of);
  const pid = timeline?.settled(() => shownPid(timeline)) ?? null;
  if (timeline === null || pid === null) {
    void window.showInformationMessage('No process is alive at this step.');
    return;
  }
  const answer = await window.showInputBox({
    title: `Go to Address in ${timeline.names.get(pid) ?? pid}`,
    prompt: 'An address or an expression with the names of the scenario',
    placeHolder: 'buf + 0x1008',
    validateInput: (text) => addressError(timeline, pid, text),
  });
  if (answer === undefined) return;
  const text = timeline.settled(() => addressText(timeline, pid, answer));
  const value = timeline.settled(() => timeline.evaluate(text));
  if ('value' in value) panel.showAddress(session, pid, `0x${value.value.toString(16)}`, text);
}

function addressError(timeline: Timeline, pid: number, text: string): string | undefined {
  if (text.trim() === '') return undefined;
  const answer = timeline.settled(() => timeline.evaluate(addressText(timeline, pid, text)));
  if ('error' in answer) return answer.error;
  if ('value' in answer) return undefined;
  return `That is a ${'text' in answer ? 'string' : 'process'}, not an address`;
}

function showAddress({ sessions, panel }: Tools, at: AddressArgument): void {
  const session = at.scenario === undefined ? sessions.active : (sessions.find(at.scenario) ?? sessions.active);
  if (session !== null) panel.showAddress(session, at.pid, at.address, at.text);
}

async function openProc({ sessions, proc }: Tools, file: ProcFile, node: TreeNode | undefined): Promise<void> {
  const session = currentSession(sessions);
  if (session?.timeline == null) return;
  const pid = pidOf(node) ?? (await pickProcess(session.timeline));
  if (pid !== null) await proc.openProcess(session, pid, file);
}

async function openMemory({ proc }: Tools, session: Session, file: MemoryFile): Promise<void> {
  if (session.timeline === null) tellObstacle(session);
  else await proc.openMemory(session, file);
}

function pidOf(node: TreeNode | undefined): number | null {
  if (node?.kind === 'process' || node?.kind === 'mm') return node.view.pid;
  return node?.kind === 'vma' || node?.kind === 'run' || node?.kind === 'chunk' ? node.pid : null;
}

async function pickProcess(timeline: Timeline): Promise<number | null> {
  const alive = timeline.settled(() => processPids(timeline, 'alive'));
  const [only] = alive;
  if (only === undefined) {
    void window.showInformationMessage('No process is alive at this step.');
    return null;
  }
  if (alive.length === 1) return only;
  const { names } = timeline;
  const items = alive.map((pid) => ({ label: names.get(pid) ?? String(pid), description: `PID ${pid}`, pid }));
  return (await window.showQuickPick(items, { title: 'Which process?' }))?.pid ?? null;
}

async function copyAddress(node: TreeNode | undefined): Promise<void> {
  if (node?.kind === 'vma' || node?.kind === 'run') await env.clipboard.writeText(node.view.start);
}

function tellObstacle(session: Session): void {
  if (session.obstacle !== null) void window.showWarningMessage(`Stepping waits: ${session.obstacle}`);
}

function editorOf(session: Session): TextEditor | undefined {
  const active = window.activeTextEditor;
  if (active?.document === session.document) return active;
  return window.visibleTextEditors.find((editor) => editor.document === session.document);
}

/** Scrolls the next line into view, moving as little as possible. */
function keepInSight(session: Session): void {
  const line = session.timeline?.next?.line ?? session.timeline?.lastRecord?.line;
  const editor = editorOf(session);
  if (editor === undefined || line === undefined || line > session.document.lineCount) return;
  const { range } = session.document.lineAt(line - 1);
  if (!editor.visibleRanges.some((visible) => visible.contains(range))) editor.revealRange(range, 2);
}
