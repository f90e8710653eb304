/**
 * Keeps the page for visits without a network: the shell, what shows kept conversations, and what tells what this device can
 * do. Each version of the page has a cache of its own, which stays for as long as a tab may run that version: when one tab
 * goes on to a newer version, the others still find their files.
 */
import { placeAt } from '@llmesh/core/wire/pages';
import { SHARE, sharedAddress } from './share.ts';

interface KeptFile {
  url: string;
  /** null: the name of the file tells its content. */
  revision: string | null;
}

// The build writes the list in here, by this very name.
const files = (self as unknown as { __WB_MANIFEST: KeptFile[] }).__WB_MANIFEST;
const scope = self as unknown as ServiceWorkerScope;

/** The shell names all files of its version, so that its own content tells which one it is. */
const PAGE = `page-${files.find(({ url }) => url === 'index.html')?.revision}`;
/** Also those of the worker before this one. */
const PAGES_CACHE = /^(?:page-|workbox-precache)/;
const SHELL = '/';
const paths = new Map(files.map(({ url, revision }) => [url === 'index.html' ? SHELL : `/${url}`, revision]));

/** Who asked this device once can ask it without a network: the engine that it took stays. */
const ENGINE = /^\/assets\/(?:.*(?:web-llm|wllama)|pdf)/i;
const ENGINES = 'engines';
/** Of one language, read by those who read the page in it. */
const TRANSLATION = /^\/assets\/translation-.*\.json$/;
const MAX_ENGINE_FILES = 24;
const NO_PAGES = /^\/(?:api|assets|mesh|signal|relay|models|v1|healthz|metrics)(?:\/|$)/;

scope.addEventListener('install', (event) => event.waitUntil(keepPage()));
// The first visit, too, finds its parts without a network. No page reloads by it.
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener('message', ({ data }) => {
  if ((data as { type?: unknown } | null)?.type === 'SKIP_WAITING') void scope.skipWaiting();
});
scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method === 'POST' && origin === scope.location.origin && pathname === SHARE) {
    event.respondWith(request.formData().then((shared) => Response.redirect(sharedAddress(shared), 303)));
    return;
  }
  if (request.method !== 'GET' || origin !== scope.location.origin) return;
  if (request.mode !== 'navigate') {
    if (pathname.startsWith('/assets/') || paths.has(pathname)) event.respondWith(fileOf(event, pathname));
  } else if (placeAt(pathname) !== null) {
    event.respondWith(shell());
    event.waitUntil(forgetOthers());
  } else if (!NO_PAGES.test(pathname)) event.respondWith(fetch(request).catch(() => shell()));
});

async function keepPage(): Promise<void> {
  const cache = await caches.open(PAGE);
  const keep = async ([path, revision]: [string, string | null]) => {
    const response = await fetch(path, { cache: revision === null ? 'default' : 'reload' });
    if (!response.ok) throw new Error(`${path} answered ${response.status}.`);
    await cache.put(path, response);
  };
  await Promise.all([...paths].map(keep));
}

async function shell(): Promise<Response> {
  return (await caches.match(SHELL, { cacheName: PAGE })) ?? fetch(SHELL);
}

/** Of this version, or of one that some tab still runs. */
async function fileOf(event: FetchEvent, path: string): Promise<Response> {
  const kept =
    (await caches.match(path, { cacheName: PAGE, ignoreVary: true })) ??
    (await caches.match(path, { ignoreVary: true }));
  if (kept !== undefined) return kept;
  const response = await fetch(event.request);
  if (response.ok && ENGINE.test(path)) event.waitUntil(keepEngine(path, response.clone()));
  if (response.ok && TRANSLATION.test(path)) event.waitUntil(keepInPage(path, response.clone()));
  return response;
}

async function keepInPage(path: string, response: Response): Promise<void> {
  await (await caches.open(PAGE)).put(path, response);
}

async function keepEngine(path: string, response: Response): Promise<void> {
  const cache = await caches.open(ENGINES);
  await cache.put(path, response);
  const kept = await cache.keys();
  for (const oldest of kept.slice(0, -MAX_ENGINE_FILES)) await cache.delete(oldest);
}

/** When nothing is open, no tab runs another version; a newer one may be on its way in. */
async function forgetOthers(): Promise<void> {
  const { waiting, installing } = scope.registration;
  if (waiting !== null || installing !== null) return;
  const open = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (open.length > 0) return;
  const others = (await caches.keys()).filter((name) => PAGES_CACHE.test(name) && name !== PAGE);
  await Promise.all(others.map((name) => caches.delete(name)));
}
