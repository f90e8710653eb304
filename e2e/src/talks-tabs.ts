/** Three tabs of one browser with the page's own conversations in them, and nothing else of the page: see `web/src/testing/talks-page.ts`. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { BrowserContext, Page } from '@playwright/test';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build, defaultClientConditions } from 'vite';
import { ROOT } from './processes.ts';

/** A turn as it is shown or kept: its id, its text, and the state of an answer. */
export type TurnLine = [id: string, text: string, state: string];

export interface Shown {
  open: string;
  /** What stands in the box. */
  box: string;
  talks: string[];
  turns: TurnLine[];
  busy: boolean;
}

export interface KeptRecords {
  talks: string[];
  turns: { key: string; turn: { role: 'user' | 'assistant'; id: string; text: string; state?: string } }[];
  drafts: [key: string, text: string][];
}

/** What a person does, by the name that `talks-page.ts` has for it, and with what. */
export type Operation = readonly [name: string, ...args: (string | number | boolean)[]];

/** What `talks-page.ts` puts into its tab. */
interface InPage {
  tab: {
    perform(operations: readonly Operation[]): Promise<(string | null)[]>;
    shown(): Shown;
    kept(): Promise<KeptRecords>;
    turnsKept(talk: string): Promise<TurnLine[]>;
  };
}

export type Note = (tab: Tab, what: 'begins' | 'ends' | 'fails', which: string) => void;

export async function serveTalks(): Promise<{ url: string; close: () => Promise<void> }> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    plugins: [svelte()],
    resolve: { conditions: ['@llmesh/source', ...defaultClientConditions] },
    build: {
      write: false,
      target: 'es2023',
      lib: { entry: join(ROOT, 'web/src/testing/talks-page.ts'), formats: ['es'] },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const [bundle] = [built].flat();
  if (bundle === undefined || !('output' in bundle)) throw new Error('nothing was built');
  const script = bundle.output[0].code;
  const server: Server = createServer((request, response) => {
    const isScript = request.url === '/talks.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    // A tab that is opened again need not read and compile it again.
    if (isScript) response.setHeader('cache-control', 'max-age=3600');
    response.end(
      isScript ? script : '<!doctype html><title>tab</title><script type="module" src="/talks.js"></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export class Tab {
  readonly #context: BrowserContext;
  readonly #url: string;
  readonly #note: Note;
  #page: Page | null = null;

  constructor(context: BrowserContext, url: string, note: Note) {
    this.#context = context;
    this.#url = url;
    this.#note = note;
  }

  /** `lent`: somebody lends the model. */
  async open(lent: boolean): Promise<void> {
    const page = await this.#context.newPage();
    this.#page = page;
    await page.exposeFunction('note', (what: 'begins' | 'ends' | 'fails', which: string) => {
      if (this.#page === page) this.#note(this, what, which);
    });
    await page.addInitScript(`globalThis.lent = ${lent}`);
    await page.goto(this.#url);
    await page.waitForFunction(() => 'tab' in globalThis);
  }

  async reload(lent: boolean): Promise<void> {
    await this.#here.reload();
    await this.#here.waitForFunction(() => 'tab' in globalThis);
    await this.perform([['lend', lent]]);
  }

  /** As when the browser ends the process of a tab: nothing of it runs any more. */
  async kill(lent: boolean): Promise<void> {
    const page = this.#here;
    this.#page = null;
    const crashed = page.waitForEvent('crash');
    const session = await this.#context.newCDPSession(page);
    // It never answers.
    session.send('Page.crash').catch(() => {});
    await crashed;
    await page.close();
    await this.open(lent);
  }

  /** One after the other. Resolves with the conversation that each was done in; null: there was nothing to do. */
  perform(operations: readonly Operation[]): Promise<(string | null)[]> {
    return this.#here.evaluate((all) => (globalThis as unknown as InPage).tab.perform(all), operations);
  }

  shown(): Promise<Shown> {
    return this.#here.evaluate(() => (globalThis as unknown as InPage).tab.shown());
  }

  kept(): Promise<KeptRecords> {
    return this.#here.evaluate(() => (globalThis as unknown as InPage).tab.kept());
  }

  turnsKept(talk: string): Promise<TurnLine[]> {
    return this.#here.evaluate((id) => (globalThis as unknown as InPage).tab.turnsKept(id), talk);
  }

  get #here(): Page {
    if (this.#page === null) throw new Error('The tab is closed.');
    return this.#page;
  }
}
