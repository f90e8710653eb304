/**
 * The pages of a mesh. The control plane serves the same document at each of these addresses, and the document looks at
 * its own address to show the page that is named here.
 */
export const PAGES = {
  chat: { path: '/' },
  models: { path: '/models' },
  donate: { path: '/donate' },
  network: { path: '/network' },
  credits: { path: '/credits' },
  votes: { path: '/votes' },
} as const;

export type PageName = keyof typeof PAGES;

/** What the address of a page leads to. */
export interface Place {
  page: PageName;
  /** The one address of this place, however it was spelt. */
  path: string;
  /** The conversation that is open on Chat; null: a new one. */
  talk: string | null;
  /** Whether the settings lie over it. */
  settings: boolean;
}

const MAX_PATH_CHARS = 128;
const TALK = /^\/c\/([\w-]{1,64})$/i;
const SETTINGS = '/settings';

/** Where this path leads, with a slash too many or in capitals, too; null: it is not the address of a page. */
export function placeAt(path: string): Place | null {
  if (path.length > MAX_PATH_CHARS) return null;
  const plain = path.replaceAll(/\/+/g, '/').replace(/(.)\/$/, '$1');
  const talk = TALK.exec(plain)?.[1];
  if (talk !== undefined) return { page: 'chat', path: talkPath(talk), talk, settings: false };
  const lower = plain.toLowerCase();
  if (lower === SETTINGS) return { page: 'chat', path: SETTINGS, talk: null, settings: true };
  const names = Object.keys(PAGES) as PageName[];
  const page = lower === '/c' ? 'chat' : names.find((name) => PAGES[name].path === lower);
  return page === undefined ? null : { page, path: PAGES[page].path, talk: null, settings: false };
}

/** The address of a conversation. It is kept in the browser in which it was had, so the address leads nobody else to it. */
export function talkPath(id: string): string {
  return `/c/${id}`;
}
