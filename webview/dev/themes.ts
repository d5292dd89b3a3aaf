/** The theme variables that VS Code puts on the page, for its four default kinds of theme. */

export type ThemeName = 'dark' | 'light' | 'hc-dark' | 'hc-light';

type Variables = Readonly<Record<string, string>>;

const COMMON: Variables = {
  'font-family': 'system-ui, "Liberation Sans", "DejaVu Sans", sans-serif',
  'font-size': '13px',
  'editor-font-family': '"DejaVu Sans Mono", monospace',
  'editor-font-size': '14px',
};

const DARK: Variables = {
  ...COMMON,
  foreground: '#cccccc',
  'editor-background': '#1f1f1f',
  'editor-foreground': '#cccccc',
  descriptionForeground: '#9d9d9d',
  disabledForeground: 'rgba(204, 204, 204, 0.5)',
  errorForeground: '#f85149',
  focusBorder: '#0078d4',
  'icon-foreground': '#cccccc',
  'widget-border': '#313131',
  'panel-border': '#2b2b2b',
  'editorWidget-background': '#202020',
  'badge-background': '#616161',
  'badge-foreground': '#f8f8f8',
  'input-background': '#313131',
  'input-foreground': '#cccccc',
  'input-border': '#3c3c3c',
  'input-placeholderForeground': '#989898',
  'inputOption-activeBackground': '#2489db82',
  'inputOption-activeBorder': '#2488db',
  'inputOption-activeForeground': '#ffffff',
  'inputValidation-errorBackground': '#5a1d1d',
  'inputValidation-errorBorder': '#be1100',
  'dropdown-background': '#313131',
  'dropdown-foreground': '#cccccc',
  'dropdown-border': '#3c3c3c',
  'dropdown-listBackground': '#1f1f1f',
  'toolbar-hoverBackground': 'rgba(90, 93, 94, 0.31)',
  'list-hoverBackground': '#2a2d2e',
  'progressBar-background': '#0078d4',
  'textLink-foreground': '#4daafc',
  'editorWarning-foreground': '#cca700',
  'list-warningForeground': '#cca700',
  'gitDecoration-modifiedResourceForeground': '#e2c08d',
  'charts-foreground': '#cccccc',
  'charts-blue': '#3794ff',
  'charts-green': '#89d185',
  'charts-yellow': '#cca700',
  'charts-orange': '#ea5c0055',
  'charts-red': '#f14c4c',
  'charts-purple': '#b180d7',
};

const LIGHT: Variables = {
  ...DARK,
  foreground: '#3b3b3b',
  'editor-background': '#ffffff',
  'editor-foreground': '#3b3b3b',
  descriptionForeground: '#3b3b3b',
  disabledForeground: 'rgba(97, 97, 97, 0.5)',
  focusBorder: '#005fb8',
  'icon-foreground': '#3b3b3b',
  'widget-border': '#e5e5e5',
  'panel-border': '#e5e5e5',
  'editorWidget-background': '#f8f8f8',
  'badge-background': '#cccccc',
  'badge-foreground': '#3b3b3b',
  'input-background': '#ffffff',
  'input-foreground': '#3b3b3b',
  'input-border': '#cecece',
  'input-placeholderForeground': '#767676',
  'inputOption-activeBackground': '#bed6ed',
  'inputOption-activeBorder': '#005fb8',
  'inputOption-activeForeground': '#000000',
  'inputValidation-errorBackground': '#f2dede',
  'dropdown-background': '#ffffff',
  'dropdown-foreground': '#3b3b3b',
  'dropdown-border': '#cecece',
  'dropdown-listBackground': '#ffffff',
  'toolbar-hoverBackground': 'rgba(184, 184, 184, 0.31)',
  'list-hoverBackground': '#f2f2f2',
  'progressBar-background': '#005fb8',
  'textLink-foreground': '#005fb8',
  'editorWarning-foreground': '#bf8803',
  'list-warningForeground': '#855f00',
  'gitDecoration-modifiedResourceForeground': '#895503',
  'charts-foreground': '#3b3b3b',
  'charts-blue': '#1a85ff',
  'charts-green': '#388a34',
  'charts-yellow': '#bf8803',
  'charts-orange': '#d18616',
  'charts-red': '#e51400',
  'charts-purple': '#652d90',
};

/** High-contrast themes leave `charts.orange` and `list.warningForeground` undefined. */
function withoutOrange({ 'charts-orange': _, 'list-warningForeground': __, ...others }: Variables): Variables {
  return others;
}

const HC_DARK: Variables = {
  ...withoutOrange(DARK),
  foreground: '#ffffff',
  'editor-background': '#000000',
  descriptionForeground: 'rgba(255, 255, 255, 0.7)',
  disabledForeground: '#a5a5a5',
  contrastBorder: '#6fc3df',
  contrastActiveBorder: '#f38518',
  focusBorder: '#f38518',
  'icon-foreground': '#ffffff',
  'widget-border': '#6fc3df',
  'editorWidget-background': '#0c141f',
  'badge-background': '#000000',
  'badge-foreground': '#ffffff',
  'input-background': '#000000',
  'input-foreground': '#ffffff',
  'input-border': '#6fc3df',
  'inputOption-activeBackground': 'rgba(0, 0, 0, 0)',
  'inputOption-activeBorder': '#6fc3df',
  'inputValidation-errorBackground': '#000000',
  'inputValidation-errorBorder': '#be1100',
  'dropdown-background': '#000000',
  'dropdown-foreground': '#ffffff',
  'dropdown-border': '#6fc3df',
  'dropdown-listBackground': '#000000',
  'toolbar-hoverBackground': 'transparent',
  'toolbar-hoverOutline': '#f38518',
  'list-hoverBackground': 'rgba(255, 255, 255, 0.1)',
  'progressBar-background': '#6fc3df',
  'textLink-foreground': '#21a6ff',
  'editorWarning-foreground': '#ffd370',
  'charts-yellow': '#ffd370',
};

const HC_LIGHT: Variables = {
  ...withoutOrange(LIGHT),
  foreground: '#292929',
  'editor-background': '#ffffff',
  descriptionForeground: 'rgba(41, 41, 41, 0.7)',
  disabledForeground: '#7f7f7f',
  contrastBorder: '#0f4a85',
  contrastActiveBorder: '#006bbd',
  focusBorder: '#006bbd',
  'icon-foreground': '#292929',
  'widget-border': '#0f4a85',
  'editorWidget-background': '#ffffff',
  'badge-background': '#0f4a85',
  'badge-foreground': '#ffffff',
  'input-border': '#0f4a85',
  'inputOption-activeBackground': 'rgba(0, 0, 0, 0)',
  'inputOption-activeBorder': '#0f4a85',
  'inputOption-activeForeground': '#292929',
  'dropdown-border': '#0f4a85',
  'toolbar-hoverBackground': 'transparent',
  'toolbar-hoverOutline': '#006bbd',
  'list-hoverBackground': 'rgba(15, 74, 133, 0.1)',
  'progressBar-background': '#0f4a85',
  'textLink-foreground': '#0f4a85',
  'editorWarning-foreground': '#895503',
  'charts-yellow': '#895503',
};

const THEMES: Readonly<Record<ThemeName, readonly [className: string, variables: Variables]>> = {
  dark: ['vscode-dark', DARK],
  light: ['vscode-light', LIGHT],
  'hc-dark': ['vscode-high-contrast', HC_DARK],
  // VS Code marks a light high-contrast theme with both classes.
  'hc-light': ['vscode-high-contrast vscode-high-contrast-light', HC_LIGHT],
};

/** Puts a theme on the page as VS Code does: variables on the root element, a class on the body. */
export function applyTheme(name: ThemeName): void {
  const [className, variables] = THEMES[name];
  const root = document.documentElement;
  root.removeAttribute('style');
  for (const [variable, value] of Object.entries(variables)) root.style.setProperty(`--vscode-${variable}`, value);
  document.body.className = className;
}
