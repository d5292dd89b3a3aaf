// The identifiers that package.json and the code must agree on.

/** Language id of scenario documents. */
export const LANGUAGE = 'vas';

/** URI scheme of the read-only /proc documents. */
export const PROC_SCHEME = 'vas-proc';

/** URI scheme that carries tree items to the decoration provider; never opened. */
export const TREE_SCHEME = 'vas-tree';

/** View type of the page-table panel. */
export const PANEL_TYPE = 'vas.pageTables';

export const view = { processes: 'vas.processes', machine: 'vas.machine' } as const;

export const command = {
  step: 'vas.step',
  stepBack: 'vas.stepBack',
  runToEnd: 'vas.runToEnd',
  backToStart: 'vas.backToStart',
  runToCursor: 'vas.runToCursor',
  goToStep: 'vas.goToStep',
  cancel: 'vas.cancel',
  showPageTables: 'vas.showPageTables',
  revealAddress: 'vas.revealAddress',
  openMaps: 'vas.openMaps',
  openSmaps: 'vas.openSmaps',
  openSmapsRollup: 'vas.openSmapsRollup',
  openStatus: 'vas.openStatus',
  openMeminfo: 'vas.openMeminfo',
  openVmstat: 'vas.openVmstat',
  openFree: 'vas.openFree',
  copyAddress: 'vas.copyAddress',
  openSample: 'vas.openSample',
  newScenario: 'vas.newScenario',
  revealLine: 'vas.revealLine',
  showAddress: 'vas.showAddress',
} as const;

/** Context keys that the `when` clauses of package.json read. They describe the active session. */
export const contextKey = {
  hasSession: 'vas.hasSession',
  canStep: 'vas.canStep',
  canStepBack: 'vas.canStepBack',
  running: 'vas.running',
  hasProcess: 'vas.hasProcess',
} as const;
