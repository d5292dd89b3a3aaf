// Drives a real VS Code in a browser as a person would: palette, keys, clicks, and looking at what is on the screen.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Frame, type Locator, type Page } from 'playwright-core';
import { inject } from 'vitest';
import { samples } from '../../../extension/sample-list.ts';
import { launchOptions } from '../../../scripts/browser.ts';
import { outDir, root } from '../../../scripts/paths.ts';
import { freshWorkspace } from '../../../scripts/suite.ts';
import { startServer } from '../../../scripts/vscode-server.ts';
import { startWebHost } from '../../../scripts/vscode-web.ts';

/** The colour themes that everything must be readable in, by VS Code's names for them. */
export const themes = {
  light: 'Light Modern',
  dark: 'Dark Modern',
  'high-contrast': 'Dark High Contrast',
  'high-contrast-light': 'Light High Contrast',
} as const;

export type Theme = keyof typeof themes;

/** The class by which the workbench tells its theme. */
const themeClass: Record<Theme, string> = {
  light: 'vs',
  dark: 'vs-dark',
  'high-contrast': 'hc-black',
  'high-contrast-light': 'hc-light',
};

/** A row of a tree view, as it is on the screen. */
export interface TreeRow {
  /** Label and description, with single spaces. */
  readonly text: string;
  /** What a screen reader says. */
  readonly label: string;
  /** 1 at the root. */
  readonly level: number;
  /** Undefined for a row without children. */
  readonly expanded: boolean | undefined;
  readonly selected: boolean;
  /** It has the tree's focus: arrows go on from here. */
  readonly focused: boolean;
}

const windowSize = { width: 1400, height: 900 };

/** What a test can wait for at most, in milliseconds, unless it says otherwise. */
const patience = 15_000;

/** Tries `probe` until it returns something other than undefined. @throws Error naming `what` when patience is over */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  milliseconds: number = patience,
): Promise<T> {
  const end = Date.now() + milliseconds;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      lastError = error;
    }
    if (Date.now() > end) {
      const reason = lastError instanceof Error ? ` (${lastError.message})` : '';
      throw new Error(`waited ${milliseconds} ms in vain for ${what}${reason}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A pattern for text as the workbench writes it, whose spaces may be the ones that do not break. */
function pattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(' ', '\\s');
}

/**
 * A workbench on the screen. `sharedEditor()` gives the one that all test files share; `launchEditor()` one of a test's own.
 * `page` is there for whatever the methods do not do.
 */
export class Editor {
  readonly page: Page;
  /** The folder that is open, absolute: a copy of `samples/` that tests may change. */
  readonly workspace: string;
  private file = '';

  constructor(page: Page, workspace: string) {
    this.page = page;
    this.workspace = workspace;
  }

  /** Opens a file of the workspace by quick open; the cursor is then at its beginning. @param name relative to it */
  async openFile(name: string): Promise<void> {
    const base = name.split('/').at(-1) ?? name;
    await this.quickPick('Control+P', name, new RegExp(`^${pattern(base)}`));
    const group = this.page.locator('.editor-group-container.active');
    await group.locator(`.tab.active[data-resource-name="${base}"]`).waitFor({ timeout: patience });
    await eventually('the focus in the editor', async () => {
      if (await group.locator('.monaco-editor.focused').isVisible()) return true;
      await group.locator('.view-lines').first().click({ timeout: 1000 });
      return undefined;
    });
    await this.page.keyboard.press('Control+Home');
    this.file = name;
  }

  /** Opens a copy of a sample by the command. @param name its file's, without `.vas` */
  async openSample(name: string): Promise<void> {
    const { title } = samples.find((sample) => sample.name === name) ?? { title: name };
    await this.runCommand('Address Space: Open a Sample Scenario…');
    await this.pick(title);
    await this.page.locator('.editor-group-container.active .view-lines').waitFor({ timeout: patience });
    this.file = `${name}.vas`;
  }

  /**
   * Runs a command from the palette.
   * @param title as the palette shows it, with or without its category: `View: Close All Editors`
   */
  async runCommand(title: string): Promise<void> {
    await this.quickPick('F1', `>${title}`, new RegExp(`^(.*: )?${pattern(title)}$`));
  }

  /** Chooses a row of the quick pick that is open. @param label the row's label, exactly */
  async pick(label: string): Promise<void> {
    await this.quickInput().fill(label);
    await this.quickRow(new RegExp(`^${pattern(label)}$`)).click({ timeout: patience });
  }

  /** Puts the cursor of the active editor there; line and column count from 1. */
  async goTo(line: number, column = 1): Promise<void> {
    await this.page.keyboard.press('Escape');
    await this.page.keyboard.press('Control+G');
    await this.quickInput().fill(`:${line}:${column}`);
    await this.page.keyboard.press('Enter');
    await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden', timeout: patience });
  }

  /**
   * Hovers what is written on a line of the open file (by the keyboard's way of hovering) and returns the hover's text.
   * @param line counted from 1 @param text that line's text to hover: its first occurrence, as the file is on disk
   */
  async hover(line: number, text: string): Promise<string> {
    const lines = (await readFile(join(this.workspace, this.file), 'utf8')).split(/\r?\n/);
    const column = (lines[line - 1] ?? '').indexOf(text);
    if (column < 0) throw new Error(`hover: no "${text}" on line ${line} of ${this.file}`);
    await this.goTo(line, column + 1);
    await this.page.keyboard.press('Control+K');
    await this.page.keyboard.press('Control+I');
    return eventually('a hover', async () => {
      const texts = await this.page.locator('.monaco-hover:not(.hidden) .hover-contents').allInnerTexts();
      const shown = texts.join('\n').trim();
      return shown === '' || shown === 'Loading...' ? undefined : shown;
    });
  }

  /** Opens a view container by its icon in the activity bar. @param title `Address Space Explorer`, `Explorer` */
  async openContainer(title: string): Promise<void> {
    const icon = this.page.locator(`.part.activitybar .action-item a.action-label[aria-label^="${title}"]`).first();
    const shown = this.page.locator('.part.sidebar .composite.title h2', { hasText: title });
    if (!(await shown.isVisible())) await icon.click({ timeout: patience });
    await shown.waitFor({ timeout: patience });
  }

  /** Clicks a button of the active editor's title bar. @param label its title, without the key */
  async clickEditorAction(label: string): Promise<void> {
    const actions = this.page.locator('.editor-group-container.active .title .editor-actions');
    const named = actions.locator(`a.action-label:is([aria-label="${label}"], [aria-label^="${label} ("])`);
    await named.click({ timeout: patience });
  }

  /** The text of the active editor as it is on the screen (what is scrolled out of sight is missing), decorations included. */
  async visibleText(): Promise<string[]> {
    const lines = this.page.locator('.editor-group-container.active .view-lines .view-line');
    return lines.evaluateAll((elements) =>
      elements
        .map((element) => ({ top: (element as HTMLElement).offsetTop, text: element.textContent ?? '' }))
        .sort((a, b) => a.top - b.top)
        .map(({ text }) => text.replace(/\u00a0/g, ' ')),
    );
  }

  /** The rows of the side bar's trees that are on the screen, from the top. @param view of that view alone: its name */
  async treeRows(view?: string): Promise<TreeRow[]> {
    return this.treeRowLocator(view).evaluateAll((elements) =>
      elements
        .map((element) => ({ element, top: element.getBoundingClientRect().top }))
        .sort((a, b) => a.top - b.top)
        .map(({ element }) => ({
          text: [...element.querySelectorAll('.label-name, .label-description')]
            .map((part) => part.textContent?.trim())
            .join(' '),
          label: element.getAttribute('aria-label') ?? '',
          level: Number(element.getAttribute('aria-level')),
          expanded: element.hasAttribute('aria-expanded')
            ? element.getAttribute('aria-expanded') === 'true'
            : undefined,
          selected: element.getAttribute('aria-selected') === 'true',
          focused: element.classList.contains('focused'),
        })),
    );
  }

  /** The tree row whose text contains `text`; for clicking, hovering and its inline buttons. Waits until it is there. */
  async treeRow(text: string, view?: string): Promise<Locator> {
    const row = this.treeRowLocator(view).filter({ hasText: text }).first();
    await row.waitFor({ timeout: patience });
    return row;
  }

  /** Opens (or, with `expanded` false, closes) the children of the tree row whose text contains `text`. */
  async expandTreeRow(text: string, expanded = true): Promise<void> {
    const row = await this.treeRow(text);
    if ((await row.getAttribute('aria-expanded')) !== String(expanded)) {
      await row.locator('.monaco-tl-twistie').click();
    }
    await eventually(`"${text}" to be ${expanded ? 'open' : 'closed'}`, async () =>
      (await row.getAttribute('aria-expanded')) === String(expanded) ? true : undefined,
    );
  }

  /**
   * The frame of our webview: the one that loaded `webview.js`. Waits until `selector` is in it.
   * Its elements are found with `frame.locator(…)`.
   */
  async webviewFrame(selector = 'body *'): Promise<Frame> {
    return eventually(`${selector} in the webview`, async () => {
      for (const frame of this.page.frames()) {
        // A frame of before a reload may go while one looks at it.
        if (frame.isDetached()) continue;
        const ours = await frame.locator('script[src*="webview.js"]').count();
        if (ours > 0 && (await frame.locator(selector).count()) > 0) return frame;
      }
      return undefined;
    });
  }

  /** The messages that notifications have shown since `closeAll` (the smoke-test driver lets no toast pop up). */
  async notifications(): Promise<string[]> {
    await this.runCommand('Notifications: Show Notifications');
    const center = this.page.locator('.notifications-center.visible');
    await center.waitFor({ timeout: patience });
    const messages = await center.locator('.notification-list-item-message').allTextContents();
    await center.locator('a.action-label.codicon-notifications-hide').click({ timeout: patience });
    await center.waitFor({ state: 'hidden', timeout: patience });
    return messages;
  }

  /** Switches the colour theme by the palette and waits until the workbench has it. */
  async setTheme(theme: Theme): Promise<void> {
    if (await this.hasTheme(theme)) return;
    await this.runCommand('Preferences: Color Theme');
    await this.pick(themes[theme]);
    await eventually(`the theme ${theme}`, async () => ((await this.hasTheme(theme)) ? true : undefined));
    await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden', timeout: patience });
  }

  private async hasTheme(theme: Theme): Promise<boolean> {
    const classes = (await this.page.locator('.monaco-workbench').first().getAttribute('class')) ?? '';
    return classes.split(/\s+/).includes(themeClass[theme]);
  }

  /**
   * Writes a picture of the window to `out/screenshots/NAME-THEME.png`, in that theme when one is given.
   * @returns the file's path
   */
  async screenshot(name: string, theme?: Theme): Promise<string> {
    if (theme !== undefined) await this.setTheme(theme);
    const folder = join(outDir, 'screenshots');
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${theme === undefined ? name : `${name}-${theme}`}.png`);
    await this.page.screenshot({ path, animations: 'disabled', caret: 'hide' });
    return path;
  }

  /** Closes every editor without saving, and every message: what the next test file starts from. */
  async closeAll(): Promise<void> {
    await this.runCommand('View: Close All Editors');
    const discard = this.page.locator('.monaco-dialog-box').getByRole('button', { name: "Don't Save" });
    await eventually('the editors to close', async () => {
      if (await discard.isVisible()) await discard.click();
      return (await this.page.locator('.tabs-container .tab').count()) === 0 ? true : undefined;
    });
    await this.runCommand('Notifications: Clear All Notifications');
    this.file = '';
  }

  private quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible .quick-input-filter input');
  }

  /**
   * Opens a quick pick by a key, types, and takes the first row with that label. The list is filled and filled again while
   * one looks (files are found one after another), and a window that just loaded may close it: all of it is done again then.
   */
  private async quickPick(key: string, text: string, label: RegExp): Promise<void> {
    await eventually(`${label} in the quick pick of ${key}`, async () => {
      await this.page.keyboard.press('Escape');
      await this.page.keyboard.press(key);
      await this.quickInput().fill(text, { timeout: 3000 });
      await this.quickRow(label).click({ timeout: 5000 });
      return true;
    });
  }

  /** The first row of the open quick pick with that label: looked for at the moment it is used, wherever it moved to. */
  private quickRow(label: RegExp): Locator {
    const named = this.page.locator('.label-name', { hasText: label });
    return this.page
      .locator('.quick-input-widget:visible .quick-input-list .monaco-list-row')
      .filter({ has: named })
      .first();
  }

  private treeRowLocator(view: string | undefined): Locator {
    const sideBar = this.page.locator('.part.sidebar');
    const pane = `.pane:has(> .pane-header[aria-label^="${view} Section"])`;
    return (view === undefined ? sideBar : sideBar.locator(pane)).locator('.monaco-list-row[role="treeitem"]');
  }
}

async function openWorkbench(page: Page, url: string): Promise<void> {
  await page.goto(url, { timeout: 60_000 });
  await page.locator('.monaco-workbench .part.editor').waitFor({ timeout: 60_000 });
  await page.locator('.part.statusbar .statusbar-item').first().waitFor({ timeout: 60_000 });
}

let shared: Promise<Editor> | undefined;

/**
 * The editor that all UI tests share, with a copy of `samples/` open: `beforeAll(async () => { editor = await sharedEditor(); })`.
 * Each call loads the window again and closes every editor, whatever an earlier test file left.
 */
export async function sharedEditor(): Promise<Editor> {
  shared ??= connect();
  const editor = await shared;
  await openWorkbench(editor.page, inject('workbenchUrl'));
  await editor.closeAll();
  return editor;
}

/** The shared editor if a test has asked for it. */
export async function sharedEditorIfAny(): Promise<Editor | undefined> {
  return shared;
}

async function connect(): Promise<Editor> {
  const browser = await chromium.connectOverCDP(inject('browserEndpoint'));
  const context = browser.contexts()[0] ?? (await browser.newContext());
  const page = context.pages()[0] ?? (await context.newPage());
  await page.setViewportSize(windowSize);
  page.on('dialog', (dialog) => void dialog.accept());
  return new Editor(page, inject('workspace'));
}

/** An editor of a test's own; the test closes it. */
export interface OwnEditor {
  readonly editor: Editor;
  close(): Promise<void>;
}

/**
 * Launches another server and browser, for what the shared one cannot show (restricted mode, say).
 * @param name of its data and workspace @param settings the user's settings, added to the usual ones
 */
export async function launchEditor(name: string, settings: Readonly<Record<string, unknown>>): Promise<OwnEditor> {
  const workspace = await freshWorkspace(name);
  const server = await startServer(name, 0, settings);
  return openOwn(server, server.url(workspace), workspace);
}

/** Opens a workbench without a server, whose extension host is a worker of the page; no folder is open. */
export async function launchWebEditor(): Promise<OwnEditor> {
  const host = await startWebHost();
  return openOwn(host, host.url, join(root, 'samples'));
}

/** Opens `url` in a browser of its own; what serves it is stopped with it. */
async function openOwn(host: { stop(): Promise<void> }, url: string, workspace: string): Promise<OwnEditor> {
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    await browser?.close();
    await host.stop();
  };
  try {
    browser = await chromium.launch(launchOptions(inject('browserPath')));
    const page = await browser.newPage({ viewport: windowSize });
    await openWorkbench(page, url);
    return { editor: new Editor(page, workspace), close };
  } catch (error) {
    await close();
    throw error;
  }
}
