/** Which page is shown, by the history API. */
import { placeAt, type PageName, type Place } from '@llmesh/core/wire/pages';

export type Page = PageName | 'missing';

/** What the router needs of a window. */
export interface RouterWindow {
  readonly location: {
    readonly pathname: string;
    readonly search: string;
    readonly hash: string;
    readonly origin: string;
  };
  readonly history: {
    pushState(data: unknown, unused: string, url: string): void;
    replaceState(data: unknown, unused: string, url: string): void;
  };
  addEventListener(type: 'popstate', listener: () => void): void;
}

export class Router {
  readonly #window: RouterWindow;
  #place = $state.raw<Place | null>(null);
  /** Grows with each change of the page, so that it can move the focus to its heading; 0 on arrival. */
  #visits = $state(0);

  constructor(window: RouterWindow) {
    this.#window = window;
    this.#look();
    window.addEventListener('popstate', () => this.#arrive());
  }

  get page(): Page {
    return this.#place?.page ?? 'missing';
  }

  /** What is shown besides; null where there is no page. */
  get place(): Place | null {
    return this.#place;
  }

  get visits(): number {
    return this.#visits;
  }

  go(path: string): void {
    if (this.#window.location.pathname !== path) this.#window.history.pushState(null, '', path);
    this.#arrive();
  }

  /** Another address for what is shown already: Back does not lead to the one before. */
  replace(path: string): void {
    this.#window.history.replaceState(null, '', path);
    this.#arrive();
  }

  /** Follows the link and returns true if it is one of ours. */
  follow(href: string): boolean {
    const url = new URL(href, this.#window.location.origin);
    const place = url.origin === this.#window.location.origin ? placeAt(url.pathname) : null;
    if (place === null) return false;
    this.go(place.path);
    return true;
  }

  #arrive(): void {
    const before = this.page;
    this.#look();
    // From one conversation to the next the focus stays, most often in the list of them.
    if (this.page !== 'chat' || before !== 'chat') this.#visits++;
  }

  #look(): void {
    const { pathname, search, hash } = this.#window.location;
    this.#place = placeAt(pathname);
    if (this.#place === null || this.#place.path === pathname) return;
    this.#window.history.replaceState(null, '', this.#place.path + search + hash);
  }
}
