// The scenarios that come with the extension, opened as untitled copies, and new scenarios.
import {
  EndOfLine,
  type QuickPickItem,
  Range,
  type TextDocument,
  Uri,
  ViewColumn,
  WorkspaceEdit,
  window,
  workspace,
} from 'vscode';
import { LANGUAGE } from './names.ts';
import { type Sample, samples } from './sample-list.ts';

/** Asks which sample to open; `name` answers beforehand. */
export async function openSample(extensionUri: Uri, name?: string): Promise<void> {
  const sample = samples.find((candidate) => candidate.name === name) ?? (await pick());
  if (sample === undefined) return;
  const bytes = await workspace.fs.readFile(Uri.joinPath(extensionUri, 'samples', `${sample.name}.vas`));
  await openCopy(new TextDecoder().decode(bytes));
}

/** Opens a new scenario with a few lines to start from. */
export function newScenario(): Promise<void> {
  return openCopy(TEMPLATE);
}

async function pick(): Promise<Sample | undefined> {
  const items = samples.map((sample): QuickPickItem & { sample: Sample } => ({
    label: sample.title,
    description: sample.desktop === true ? 'desktop only' : '',
    detail: sample.detail,
    sample,
  }));
  const title = 'Open a Sample Scenario';
  const picked = await window.showQuickPick(items, {
    title,
    matchOnDetail: true,
    placeHolder: 'A copy is opened; change it as you like',
  });
  return picked?.sample;
}

async function openCopy(content: string): Promise<void> {
  const document = await workspace.openTextDocument({ language: LANGUAGE, content });
  // VS Code gives out the name of a document that was closed anew, and with it the text that was kept of that one.
  if (document.getText() !== content.replaceAll('\n', lineEnd(document))) await setText(document, content);
  await show(document);
}

function lineEnd(document: TextDocument): string {
  return document.eol === EndOfLine.LF ? '\n' : '\r\n';
}

async function setText(document: TextDocument, text: string): Promise<void> {
  const edit = new WorkspaceEdit();
  edit.replace(document.uri, new Range(0, 0, document.lineCount, 0), text);
  await workspace.applyEdit(edit);
}

async function show(document: TextDocument): Promise<void> {
  // The tour, or the page tables, are in front: they stay in sight.
  const other = window.activeTextEditor === undefined && window.tabGroups.activeTabGroup.activeTab !== undefined;
  await window.showTextDocument(document, other ? ViewColumn.Beside : ViewColumn.Active);
}

const TEMPLATE = `# My scenario: one step a line, "process: [name =] call(arguments) [= expected]"
machine ram=64K swap=32K

app = spawn()
app: buf = mmap(NULL, 8K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
app: store(buf, "hello")        = minor
app: load(buf, 5)               = "hello"
app: munmap(buf, 8K)            = 0
`;
