import { describe, expect, it } from 'vitest';
import { Router, type RouterWindow } from './router.svelte.ts';

/** A window with nothing but a place and its past. */
class FakeWindow implements RouterWindow {
  readonly past: string[];
  #back = () => {};

  constructor(path: string) {
    this.past = [path];
  }

  get location() {
    const { pathname, search, hash, origin } = new URL(this.past.at(-1)!, 'https://mesh.example');
    return { pathname, search, hash, origin };
  }

  readonly history = {
    pushState: (_data: unknown, _unused: string, url: string) => void this.past.push(url),
    replaceState: (_data: unknown, _unused: string, url: string) => void this.past.splice(-1, 1, url),
  };

  addEventListener(_type: 'popstate', listener: () => void): void {
    this.#back = listener;
  }

  goBack(): void {
    this.past.pop();
    this.#back();
  }
}

describe('Router, in a fake window', () => {
  it('finds the page of each address', () => {
    const pages = ['/', '/donate', '/network', '/nowhere', '/constructor'].map(
      (path) => new Router(new FakeWindow(path)).page,
    );
    expect(pages).toEqual(['chat', 'donate', 'network', 'missing', 'missing']);
  });

  it('goes, and back', () => {
    const window = new FakeWindow('/');
    const router = new Router(window);
    expect(router.visits).toBe(0);
    router.go('/network');
    expect([router.page, router.visits]).toEqual(['network', 1]);
    window.goBack();
    expect([router.page, router.visits]).toEqual(['chat', 2]);
  });

  it('writes no second entry for the place it is at', () => {
    const window = new FakeWindow('/donate');
    new Router(window).go('/donate');
    expect(window.past).toEqual(['/donate']);
  });

  it('follows its own links only', () => {
    const router = new Router(new FakeWindow('/'));
    expect(router.follow('/donate')).toBe(true);
    expect(router.follow('https://mesh.example/network')).toBe(true);
    expect(router.follow('https://other.example/network')).toBe(false);
    expect(router.follow('//other.example/network')).toBe(false);
    expect(router.follow('/metrics')).toBe(false);
    expect(router.page).toBe('network');
  });

  it('gives each place one address, and leads back past the one that was replaced', () => {
    const window = new FakeWindow('/Donate/?from=mail#top');
    const router = new Router(window);
    expect([router.page, window.past]).toEqual(['donate', ['/donate?from=mail#top']]);
    router.go('/');
    router.replace('/c/abc');
    expect([router.place?.talk, window.past]).toEqual(['abc', ['/donate?from=mail#top', '/c/abc']]);
  });

  it('counts no visit from one conversation to the next', () => {
    const router = new Router(new FakeWindow('/c/one'));
    router.go('/c/two');
    router.go('/');
    expect(router.visits).toBe(0);
    router.go('/donate');
    router.go('/c/two');
    expect(router.visits).toBe(2);
  });
});
