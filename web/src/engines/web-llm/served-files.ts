/**
 * Files that web-llm gets without their being in the Cache API a second time. It reads through `caches`, and has no other door
 * for ours; so in the engine worker `caches` first looks at what is served here. The addresses lead nowhere (RFC 2606): what is
 * not served cannot come from anywhere else by mistake.
 */
const ORIGIN = 'https://llmesh.invalid';

const served = new Map<string, Blob>();
let looksHere = false;

export interface ServedFolder {
  /** For `ModelRecord.model`. */
  url: string;
  urlOf: (path: string) => string;
  /** From now on they are not served any more. */
  end: () => void;
}

/** `name`: a plain name that no other folder has meanwhile. `files`: by their paths in it. */
export function serveFolder(name: string, files: ReadonlyMap<string, Blob>): ServedFolder {
  lookHere();
  const url = `${ORIGIN}/${name}/resolve/main/`;
  const urls = [...files].map(([path, file]) => {
    served.set(url + path, file);
    return url + path;
  });
  return {
    url,
    urlOf: (path) => url + path,
    end() {
      for (const one of urls) served.delete(one);
    },
  };
}

/** In place of the browser's own, in this worker alone. */
function lookHere(): void {
  if (looksHere) return;
  looksHere = true;
  const { caches } = globalThis;
  const open = async (name: string) => new ServedCache(await caches.open(name));
  Object.defineProperty(globalThis, 'caches', { value: { open }, configurable: true });
}

/** What web-llm and our own code for its models use of a cache. */
class ServedCache {
  readonly #cache: Cache;

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  async match(asked: Request | string): Promise<Response | undefined> {
    const url = urlOf(asked);
    const file = served.get(url);
    if (file !== undefined) return new Response(file, { headers: { 'content-length': String(file.size) } });
    return url.startsWith(ORIGIN) ? undefined : await this.#cache.match(asked);
  }

  async keys(): Promise<readonly Request[]> {
    return [...(await this.#cache.keys()), ...[...served.keys()].map((url) => new Request(url))];
  }

  add(asked: Request | string): Promise<void> {
    return this.#cache.add(asked);
  }

  put(asked: Request | string, response: Response): Promise<void> {
    return this.#cache.put(asked, response);
  }

  delete(asked: Request | string): Promise<boolean> {
    return this.#cache.delete(asked);
  }
}

function urlOf(asked: Request | string): string {
  return typeof asked === 'string' ? asked : asked.url;
}
