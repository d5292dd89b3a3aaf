/** What the drawing needs of the page: sizes, themes, and lighting up what changed. */
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** The width of an element's content in CSS pixels, kept up to date; 0 before the first layout. */
export function useWidth(ref: RefObject<Element | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const measure = () => setWidth(Math.floor(element.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}

/** A number that grows whenever VS Code puts on another theme. */
export function useTheme(): number {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const observer = new MutationObserver(() => setVersion((v) => v + 1));
    observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
    return () => observer.disconnect();
  }, []);
  return version;
}

/** Whether the user asked for no motion, of the system or of VS Code (`workbench.reduceMotion`). */
export function stillness(): boolean {
  if (document.body.classList.contains('vscode-reduce-motion')) return true;
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** Lights the element up for a moment when `value` is another one than in the drawing before (not when it is new). */
export function useFlash<T extends HTMLElement>(value: string): RefObject<T | null> {
  const ref = useRef<T>(null);
  const before = useRef(value);
  useLayoutEffect(() => {
    if (before.current === value) return;
    before.current = value;
    flash(ref.current);
  }, [value]);
  return ref;
}

function flash(element: HTMLElement | null): void {
  if (element === null || stillness()) return;
  const colour = getComputedStyle(element).getPropertyValue('--ase-flash');
  element.animate([{ backgroundColor: colour }, {}], { duration: 900, easing: 'ease-out' });
}

/**
 * For what is chosen outside of the page: after a call of the answer, the element has the focus again when the page has
 * it. By itself it would not: a browser takes the focus from an element when another document's gets it. The workbench may
 * give the focus, take it away and give it again, so this holds until the user does something in the page.
 */
export function useReturn(ref: RefObject<HTMLElement | null>): () => void {
  const leaves = useRef(false);
  useEffect(() => {
    const comeBack = () => {
      if (leaves.current) ref.current?.focus();
    };
    const stay = () => {
      leaves.current = false;
    };
    window.addEventListener('focus', comeBack);
    for (const act of ['keydown', 'pointerdown']) window.addEventListener(act, stay, true);
    return () => {
      window.removeEventListener('focus', comeBack);
      for (const act of ['keydown', 'pointerdown']) window.removeEventListener(act, stay, true);
    };
  }, [ref]);
  return () => {
    leaves.current = true;
  };
}

/** Where the keyboard goes inside an element whose focused part is gone, the best place first. */
const LANDINGS = ['[data-row="path"]', '[tabindex="0"]', 'button:not([tabindex="-1"]), select, input, summary'];

/**
 * Keeps the keyboard near where it was when a drawing takes the focused element away: in the closest part around it that
 * is still there. Otherwise the next Tab would begin at the top of the page.
 */
export function useKeptFocus(root: RefObject<HTMLElement | null>): void {
  const around = useRef<readonly Element[]>([]);
  useEffect(() => {
    const note = (event: FocusEvent) => {
      const parents: Element[] = [];
      const focused = event.target instanceof Element ? event.target : null;
      for (let at = focused; at !== null; at = at.parentElement) parents.push(at);
      around.current = parents;
    };
    document.addEventListener('focusin', note);
    return () => document.removeEventListener('focusin', note);
  }, []);
  useLayoutEffect(() => {
    const [focused, ...parents] = around.current;
    // A page that has not the keyboard must not take it.
    if (focused === undefined || focused.isConnected || !document.hasFocus()) return;
    around.current = [];
    if (document.activeElement !== document.body) return;
    for (const parent of parents.filter((element) => element.isConnected && root.current?.contains(element))) {
      const landing = LANDINGS.map((selector) => parent.querySelector<HTMLElement>(selector)).find((it) => it !== null);
      if (landing === undefined) continue;
      landing.focus();
      return;
    }
  });
}
