/**
 * Fetches the files of a part of the page before the browser imports it. A module whose import failed once stays failed in
 * Firefox until the page is reloaded, and no browser says whether it was the network or a newer page on the server. What
 * `fetch` brought lies in the browser's cache, so the import does not go to the network again.
 *
 * The build puts this around every `import(…)` of the page, in place of Vite's own preloading; see `vite.config.ts`.
 */
import { PartError } from '../state/shell/part-error.ts';

/** Longer than the largest part takes on a slow phone. */
const PATIENCE_MS = 30_000;

/** By URL. */
const arrived = new Map<string, Promise<void>>();
// What is only on its way (`preload`) may still not come.
for (const { href } of document.querySelectorAll<HTMLLinkElement>('link[rel=stylesheet], link[rel=modulepreload]'))
  arrived.set(href, Promise.resolve());
for (const { src } of document.querySelectorAll<HTMLScriptElement>('script[src]')) arrived.set(src, Promise.resolve());

/** `files`: the part itself, the modules that it imports and its style sheets, as paths from the root. */
export async function loadPart<T>(load: () => Promise<T>, files: readonly string[] = []): Promise<T> {
  await Promise.all(files.map((file) => arrive(new URL(`/${file}`, location.origin))));
  try {
    return await load();
  } catch (cause) {
    throw new PartError('broken', files[0] ?? 'A part', { cause });
  }
}

function arrive(url: URL): Promise<void> {
  const before = arrived.get(url.href);
  if (before !== undefined) return before;
  const coming = bring(url).catch((error: unknown) => {
    arrived.delete(url.href);
    throw error;
  });
  arrived.set(url.href, coming);
  return coming;
}

async function bring(url: URL): Promise<void> {
  const style = url.pathname.endsWith('.css');
  const { status, type } = await answer(url);
  const right = type.includes(style ? 'css' : 'javascript');
  // Some servers answer with the page itself where a file is gone.
  if (status === 404 || status === 410 || (status === 200 && !right)) throw new PartError('updated', url.pathname);
  if (status !== 200) throw new PartError('away', url.pathname);
  if (style) await wear(url);
}

async function answer(url: URL): Promise<{ status: number; type: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    // To its end: the browser's cache does not keep the half of a file.
    await response.arrayBuffer();
    return { status: response.status, type: response.headers.get('Content-Type') ?? '' };
  } catch (cause) {
    throw new PartError('away', url.pathname, { cause });
  }
}

function wear(url: URL): Promise<void> {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = url.href;
  return new Promise((resolve, reject) => {
    link.addEventListener('load', () => resolve());
    link.addEventListener('error', () => {
      link.remove();
      reject(new PartError('away', url.pathname));
    });
    document.head.append(link);
  });
}
