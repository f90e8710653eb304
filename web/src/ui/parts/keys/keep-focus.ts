/**
 * Whoever works by keys continues where they were when what they pressed goes away: a button that has done its work, a row
 * that was deleted. `data-focus-home` on what is around it holds the selector of the thing inside that comes next.
 */

const FOCUSABLE = 'a[href], button, input, select, summary, textarea, [tabindex]';

/** A person who points with a finger writes on the screen: focusing a text box would cover half the page with a keyboard. */
export function byTouch(): boolean {
  return matchMedia('(pointer: coarse)').matches && !matchMedia('(any-pointer: fine)').matches;
}

/** Focuses anything, also what only a script may focus. */
export function land(target: HTMLElement): void {
  if (target.tabIndex < 0) target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

/** An attachment: watches what has the focus inside `root`. */
export function keepFocus(root: HTMLElement): () => void {
  const listening = new AbortController();
  /** What had the focus last, and what was around it, inside out. */
  let path: Element[] = [];

  function remember({ target }: Event) {
    path = [];
    const pressed = (target as Element).closest(FOCUSABLE);
    for (let one = pressed; one !== null && one !== root; one = one.parentElement) path.push(one);
  }

  function left() {
    const [last] = path;
    return last !== undefined && (!last.isConnected || last.matches(':disabled') || !last.checkVisibility());
  }

  function look() {
    const { activeElement } = document;
    if ((activeElement !== null && activeElement !== document.body && activeElement.isConnected) || !left()) return;
    for (const around of path) {
      const home = around.isConnected ? around.getAttribute('data-focus-home') : null;
      const next = home === null ? null : around.querySelector<HTMLElement>(home);
      if (next === null || !next.checkVisibility()) continue;
      path = [];
      if (!(byTouch() && next.matches('textarea, input'))) land(next);
      return;
    }
  }

  const { signal } = listening;
  root.addEventListener('focusin', remember, { signal });
  // Safari does not focus the buttons that are clicked; and whoever clicks on nothing means nothing to have the focus.
  root.addEventListener('pointerdown', remember, { signal, capture: true });
  const changes = new MutationObserver(look);
  changes.observe(root, { childList: true, subtree: true, attributeFilter: ['disabled', 'hidden'] });
  return () => {
    listening.abort();
    changes.disconnect();
  };
}
