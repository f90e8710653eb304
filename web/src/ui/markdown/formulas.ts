/**
 * Formulas in the page: their source, until they are set. The program that sets them is loaded with the first one, and works
 * between frames. What it cannot set, or would take too long over, stays as it was written.
 */
import { FORMULA_CHARS, MAX_FORMULA_NESTING } from './read/limits.ts';

/** Longer ones scroll within themselves. */
const WIDE_CHARS = 40;
const FRAME_MS = 8;

type Typeset = (tex: string, display: boolean) => DocumentFragment | null;

const waiting: (() => void)[] = [];
let typeset: Typeset | null = null;
let loading = false;

/** An element that holds the formula, set now or soon. */
export function shownFormula(tex: string, source: string, display: boolean): HTMLElement {
  const element = document.createElement('span');
  if (display) {
    element.className = 'formula formula--display';
    // It scrolls sideways, and keys must reach it.
    element.tabIndex = 0;
    element.setAttribute('role', 'group');
    element.setAttribute('aria-label', 'Formula');
  } else element.className = tex.length > WIDE_CHARS ? 'formula formula--wide' : 'formula';
  element.dir = 'ltr';
  element.textContent = source;
  if (tex.length > FORMULA_CHARS || isDeep(tex)) return element;
  waiting.push(() => {
    const set = typeset!(tex, display);
    if (set !== null) element.replaceChildren(set);
  });
  if (typeset === null) load();
  else if (waiting.length === 1) requestAnimationFrame(work);
  return element;
}

/** Without it formulas stay as they were written; the next one tries again. */
function load(): void {
  if (loading) return;
  loading = true;
  import('./typeset.ts').then(
    (module) => {
      typeset = module.typeset;
      work();
    },
    () => (loading = false),
  );
}

function work(): void {
  const until = performance.now() + FRAME_MS;
  while (waiting.length > 0 && performance.now() < until) waiting.shift()!();
  if (waiting.length > 0) requestAnimationFrame(work);
}

/** Braces in braces: the program that sets formulas calls itself for each. */
function isDeep(tex: string): boolean {
  let depth = 0;
  for (const [mark] of tex.matchAll(/\\[{}]|[{}[\]]|\\left|\\right|\\begin|\\end|\\big|[\^_]/gi)) {
    if (mark === '{' || mark === '[' || mark === '\\left' || mark === '\\begin') depth += 1;
    else if (mark === '}' || mark === ']' || mark === '\\right' || mark === '\\end') depth -= 1;
    if (depth > MAX_FORMULA_NESTING) return true;
  }
  return false;
}
