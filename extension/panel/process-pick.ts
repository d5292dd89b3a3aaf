// All processes of a run in the editor's own list, which filters as one types.
import { type QuickPickItem, window } from 'vscode';
import { processOutlines, processPids, type Timeline } from '../../simulator/index.ts';
import { countText } from '../../webview/protocol.ts';

interface ProcessItem extends QuickPickItem {
  readonly pid: number;
}

/** Lets the user choose a process. @param chosen the one to begin at @returns null when none was taken */
export function pickAnyProcess(timeline: Timeline, chosen: number | null): Promise<number | null> {
  const items = timeline
    .settled(() => processOutlines(timeline, processPids(timeline)))
    .map(({ pid, name, state, ended }): ProcessItem => {
      const end = state === 'alive' ? '' : `${state}${ended === null ? '' : `: ${ended}`}`;
      return { pid, label: `${name} (${pid})`, description: end };
    });
  const pick = window.createQuickPick<ProcessItem>();
  pick.title = 'Process to Look At';
  pick.placeholder = `Name or PID, among ${countText(items.length, 'process', 'processes')}`;
  pick.matchOnDescription = true;
  pick.items = items;
  pick.activeItems = items.filter(({ pid }) => pid === chosen);
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      resolve(pick.activeItems[0]?.pid ?? null);
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(null);
      pick.dispose();
    });
    pick.show();
  });
}
