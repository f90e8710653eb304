import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { follow, type Following } from './follow.ts';

const HEIGHT = 100;

/** jsdom lays nothing out: this box is as high as told, and scrolls as far as a browser would. */
class Box {
  readonly element = document.createElement('div');
  readonly heard: boolean[] = [];
  readonly following: Following;
  #text = 500;
  #top = 0;

  constructor() {
    const content = this.element.appendChild(document.createElement('p'));
    content.textContent = 'Some words.';
    document.body.append(this.element);
    Object.defineProperties(this.element, {
      clientHeight: { get: () => HEIGHT },
      scrollHeight: { get: () => this.#text },
      scrollTop: {
        get: () => this.#top,
        set: (top: number) => {
          this.#top = this.#bounded(top);
        },
      },
    });
    this.following = follow(this.element, content, (now) => this.heard.push(now));
  }

  get top(): number {
    return this.#top;
  }

  /** The answer grows, which a browser tells its observers. */
  grow(by: number): void {
    this.#text += by;
    this.#top = this.#bounded(this.#top);
    for (const grown of Observer.all) grown();
  }

  /** The reader scrolls, or something does for them. */
  scroll(by: number): void {
    this.#top = this.#bounded(this.#top + by);
    this.element.dispatchEvent(new Event('scroll'));
  }

  #bounded(top: number): number {
    return Math.max(0, Math.min(top, this.#text - HEIGHT));
  }
}

class Observer {
  static all: (() => void)[] = [];
  constructor(changed: () => void) {
    Observer.all.push(changed);
  }
  observe(): void {}
  disconnect(): void {}
}

describe('following an answer', () => {
  let box: Box;
  beforeEach(() => {
    vi.stubGlobal('ResizeObserver', Observer);
    Observer.all = [];
    box = new Box();
    box.following.toEnd();
  });
  afterEach(() => {
    box.following.stop();
    box.element.remove();
    vi.unstubAllGlobals();
  });

  it('stays at the end while the answer grows', () => {
    box.grow(40);
    box.grow(40);
    expect(box.top).toBe(480);
    box.element.dispatchEvent(new Event('scroll'));
    expect(box.heard).toEqual([true]);
  });

  it('lets go of a reader before the first step up has moved anything', () => {
    box.element.dispatchEvent(new WheelEvent('wheel', { deltaY: -1 }));
    box.grow(40);
    expect([box.top, box.heard]).toEqual([400, [true, false]]);
  });

  it.each(['ArrowUp', 'PageUp', 'Home'])('lets go at %s', (key) => {
    box.element.dispatchEvent(new KeyboardEvent('keydown', { key }));
    box.grow(40);
    expect(box.top).toBe(400);
  });

  it('lets go where a scroll bar, a screen reader or the search of the browser moves up', () => {
    box.scroll(-5);
    box.grow(40);
    expect(box.top).toBe(395);
  });

  it('lets go while text is selected, so that the selection stays in sight', () => {
    const text = box.element.querySelector('p')!;
    document.getSelection()!.selectAllChildren(text);
    document.dispatchEvent(new Event('selectionchange'));
    box.grow(40);
    expect(box.top).toBe(400);
    document.getSelection()!.removeAllRanges();
  });

  it('takes no zooming, no scrolling down, and none of its own for a step up', () => {
    box.element.dispatchEvent(new WheelEvent('wheel', { deltaY: -9, ctrlKey: true }));
    box.element.dispatchEvent(new WheelEvent('wheel', { deltaY: 9 }));
    box.following.quietly(() => (box.element.scrollTop = 300));
    box.element.dispatchEvent(new Event('scroll'));
    // Text that becomes shorter moves what is below it.
    box.grow(-100);
    box.element.dispatchEvent(new Event('scroll'));
    expect(box.heard).toEqual([true]);
  });

  it('takes up again at the very end only', () => {
    box.scroll(-200);
    box.scroll(150);
    box.grow(10);
    expect([box.top, box.heard]).toEqual([350, [true, false]]);
    box.scroll(60);
    box.grow(10);
    expect([box.top, box.heard]).toEqual([420, [true, false, true]]);
  });
});
