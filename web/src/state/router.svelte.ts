/** Which page is shown, by the history API. */
import { PAGES, type PageName, type PagePath } from '@llmesh/core/wire/pages';

export type Page = PageName | 'missing';

/** What the router needs of a window. */
export interface RouterWindow {
  readonly location: { readonly pathname: string; readonly origin: string };
  readonly history: { pushState(data: unknown, unused: string, url: string): void };
  addEventListener(type: 'popstate', listener: () => void): void;
}

export class Router {
  readonly #window: RouterWindow;
  #page = $state<Page>('chat');
  /** Grows with each navigation, so that a page can move the focus to its heading; 0 on arrival. */
  #visits = $state(0);

  constructor(window: RouterWindow) {
    this.#window = window;
    this.#page = pageOf(window.location.pathname);
    window.addEventListener('popstate', () => this.#arrive());
  }

  get page(): Page {
    return this.#page;
  }

  get visits(): number {
    return this.#visits;
  }

  go(path: PagePath): void {
    if (this.#window.location.pathname !== path) this.#window.history.pushState(null, '', path);
    this.#arrive();
  }

  /** Follows the link and returns true if it is one of ours. */
  follow(href: string): boolean {
    const url = new URL(href, this.#window.location.origin);
    if (url.origin !== this.#window.location.origin || !isPath(url.pathname)) return false;
    this.go(url.pathname);
    return true;
  }

  #arrive(): void {
    this.#page = pageOf(this.#window.location.pathname);
    this.#visits++;
  }
}

function isPath(path: string): path is PagePath {
  return pageOf(path) !== 'missing';
}

function pageOf(path: string): Page {
  const names = Object.keys(PAGES) as PageName[];
  return names.find((name) => PAGES[name].path === path) ?? 'missing';
}
