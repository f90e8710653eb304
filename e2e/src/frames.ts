/** What a person notices of a page at work, measured inside of it: late frames, and how long it takes to react to a key. */
import type { Locator, Page } from '@playwright/test';

export interface Noticed {
  frames: number;
  framesOver50Ms: number;
  longestFrameMs: number;
  /** From each key or click that took longer than a frame to what it changed on the screen. */
  reactionsMs: number[];
}

interface Watch {
  frames: number[];
  reactions: number[];
  stop: () => void;
}

/** tsx gives functions their names with a helper, which pages do not have. */
const NAMES = 'globalThis.__name ??= (named) => named';

export async function watchFrames(page: Page): Promise<() => Promise<Noticed>> {
  await page.evaluate(NAMES);
  const watch = await page.evaluateHandle(() => {
    const found: Watch = { frames: [], reactions: [], stop: () => {} };
    let last = performance.now();
    const loop = {
      next: 0,
      frame(now: number) {
        found.frames.push(now - last);
        last = now;
        loop.next = requestAnimationFrame((then) => loop.frame(then));
      },
    };
    loop.frame(last);
    const events = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { interactionId?: number })[])
        if (entry.interactionId) found.reactions.push(entry.duration);
    });
    events.observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
    found.stop = () => {
      cancelAnimationFrame(loop.next);
      events.disconnect();
    };
    return found;
  });
  return async () => {
    const { frames, reactions } = await watch.evaluate((found) => {
      found.stop();
      // The first two are of the time before the watch began.
      return { frames: found.frames.slice(2), reactions: found.reactions };
    });
    return {
      frames: frames.length,
      framesOver50Ms: frames.filter((ms) => ms > 50).length,
      longestFrameMs: Math.round(Math.max(0, ...frames)),
      reactionsMs: reactions,
    };
  };
}

/** Milliseconds from the press of `button` to the frame that shows `text` inside of `place`. */
export function untilShown(button: Locator, place: string, text: string): Promise<number> {
  return button.evaluate(
    async (pressed, [inside, wanted]) => {
      const startedMs = performance.now();
      (pressed as HTMLElement).click();
      while (!document.querySelector(inside)?.textContent.includes(wanted)) await new Promise(requestAnimationFrame);
      // Drawn with the frame after.
      await new Promise(requestAnimationFrame);
      return performance.now() - startedMs;
    },
    [place, text] as const,
  );
}

/** Milliseconds from each letter that is typed into this box, one by one, to the frame with what it changes. */
export async function keyTimes(page: Page, box: string, text: string): Promise<number[]> {
  await page.evaluate(NAMES);
  return page.evaluate(
    async ([selector, typed]) => {
      const input = document.querySelector<HTMLInputElement>(selector)!;
      const key = {
        /** Resolves once the frame that comes next is drawn. */
        drawn() {
          return new Promise<void>((resolve) => {
            const { port1, port2 } = new MessageChannel();
            port1.addEventListener('message', () => resolve());
            port1.start();
            requestAnimationFrame(() => port2.postMessage(null));
          });
        },
        async type(value: string) {
          await key.drawn();
          const startedMs = performance.now();
          input.value = value;
          input.dispatchEvent(new InputEvent('input', { bubbles: true }));
          await key.drawn();
          return performance.now() - startedMs;
        },
      };
      const took: number[] = [];
      for (let length = 1; length <= typed.length; length++) took.push(await key.type(typed.slice(0, length)));
      await key.type('');
      return took;
    },
    [box, text] as const,
  );
}
