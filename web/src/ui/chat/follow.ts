/** Keeps a scrolling box at its end while text comes in, until the reader looks at something else. */

/** Rounding of positions on screens with fractions of a pixel. */
const ROUNDING_PX = 2;
/** A finger that moves less than this is still a tap. */
const TAP_PX = 3;
/** Keys that scroll up. */
const UP_KEYS: ReadonlySet<string> = new Set(['ArrowUp', 'PageUp', 'Home']);

export interface Following {
  /** Goes to the end and follows it from there. */
  toEnd(): void;
  /** Goes to the beginning and follows nothing. */
  toStart(): void;
  /** Follows nothing, and stays where it is. */
  letGo(): void;
  /** Lets the page itself scroll: what `act` does is not taken for the reader's doing. */
  quietly(act: () => void): void;
  stop(): void;
}

/**
 * Lets go at the reader's first step up, by wheel, finger, key, scroll bar or the browser's own search, and when text is
 * selected. Takes up again when they scroll to the very end. `changed` hears of both.
 */
export function follow(scroller: HTMLElement, content: HTMLElement, changed: (following: boolean) => void): Following {
  const listening = new AbortController();
  let following = false;
  let touchedAt = { x: 0, y: 0 };
  /** null until the browser has laid it out: to ask earlier makes it do that twice. */
  let seen: ReturnType<typeof geometry> | null = null;

  function geometry() {
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    return { scrollTop, scrollHeight, clientHeight };
  }

  function set(now: boolean) {
    if (now === following) return;
    following = now;
    changed(now);
  }

  function quietly(act: () => void) {
    act();
    seen = geometry();
  }

  function toBottom() {
    quietly(() => (scroller.scrollTop = scroller.scrollHeight));
  }

  /** Before its effect: by the time of the scroll event, the next words may have pulled the page down again. */
  function stepUp() {
    if (scroller.scrollTop > 0) set(false);
  }

  function scrolled() {
    const before = seen;
    seen = geometry();
    if (before === null) return;
    const moved = seen.scrollTop - before.scrollTop;
    if (moved > 0 && seen.scrollHeight - seen.scrollTop - seen.clientHeight <= ROUNDING_PX) set(true);
    // What moves while the text or the box changes its size was moved by the browser.
    const resized = seen.scrollHeight !== before.scrollHeight || seen.clientHeight !== before.clientHeight;
    if (moved < -ROUNDING_PX && !resized) set(false);
  }

  function wheeled({ deltaY, ctrlKey }: WheelEvent) {
    // With Ctrl, and by a pinch, it zooms.
    if (deltaY < 0 && !ctrlKey) stepUp();
  }

  function touched({ touches }: TouchEvent) {
    touchedAt = { x: touches[0]?.clientX ?? 0, y: touches[0]?.clientY ?? 0 };
  }

  function dragged({ touches: [touch] }: TouchEvent) {
    if (touch === undefined) return;
    const down = touch.clientY - touchedAt.y;
    if (down > TAP_PX && down > Math.abs(touch.clientX - touchedAt.x)) stepUp();
  }

  function pressed(event: KeyboardEvent) {
    const { key, shiftKey } = event;
    if (UP_KEYS.has(key) || (key === ' ' && shiftKey)) stepUp();
    // A browser glides there, past rows that are drawn on the way, whose true heights would stop it. Code and tables scroll by themselves.
    const inside = event.target instanceof Element && event.target.closest('[tabindex]') !== scroller;
    if ((key !== 'Home' && key !== 'End') || inside || shiftKey || event.ctrlKey || event.altKey || event.metaKey)
      return;
    event.preventDefault();
    if (key === 'Home') toStart();
    else toEnd();
  }

  function toStart() {
    set(false);
    quietly(() => (scroller.scrollTop = 0));
  }

  function toEnd() {
    set(true);
    toBottom();
  }

  function selected() {
    const selection = document.getSelection();
    if (selection !== null && !selection.isCollapsed && scroller.contains(selection.anchorNode)) set(false);
  }

  const { signal } = listening;
  scroller.addEventListener('scroll', scrolled, { signal, passive: true });
  scroller.addEventListener('wheel', wheeled, { signal, passive: true });
  scroller.addEventListener('touchstart', touched, { signal, passive: true });
  scroller.addEventListener('touchmove', dragged, { signal, passive: true });
  scroller.addEventListener('keydown', pressed, { signal });
  document.addEventListener('selectionchange', selected, { signal });
  const grown = new ResizeObserver(() => {
    seen ??= geometry();
    if (following) toBottom();
  });
  grown.observe(content);
  grown.observe(scroller);

  return {
    toEnd,
    toStart,
    letGo() {
      set(false);
      seen = geometry();
    },
    quietly,
    stop() {
      listening.abort();
      grown.disconnect();
    },
  };
}
