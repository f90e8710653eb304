/** A peer with models in a Chromium of its own, whose files lie on the disk as those of any user do. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type BrowserContext, type CDPSession, type Page } from '@playwright/test';
import { build } from 'vite';
import { OF_CHROMIUM } from '../browsers.ts';
import { ROOT } from '../processes.ts';
import type { TabCommand } from './commands.ts';

/** Small, and of the mesh's own origin: only pages that come from this computer may talk to it. */
const PAGE = '/api/peers';
const SAMPLE_MS = 200;

export interface Memory {
  /** All, with the parts of the browser's own program that ran so far. */
  bytes: number;
  /** Without what lies in files, as programs do, which tabs share and the system may drop. */
  ownBytes: number;
}

interface InPage {
  modelTab: (command: TabCommand) => Promise<unknown>;
}

export class ModelTab {
  readonly #context: BrowserContext;
  readonly #page: Page;
  readonly #session: CDPSession;
  readonly #folder: string;

  private constructor(context: BrowserContext, page: Page, session: CDPSession, folder: string) {
    this.#context = context;
    this.#page = page;
    this.#session = session;
    this.#folder = folder;
  }

  /** `folder`: for the profile. Resolves when it is on the mesh. */
  static async join(mesh: string, folder: string): Promise<ModelTab> {
    const context = await profile(folder);
    return ModelTab.#joinIn(context, new URL(mesh), folder);
  }

  /** Side by side in one Chromium: each at a name of its own for this computer, and so with files of its own. */
  static async joinSeveral(mesh: string, folder: string, count: number): Promise<ModelTab[]> {
    const context = await profile(folder);
    const tabs: ModelTab[] = [];
    for (let at = 0; at < count; at++) {
      const address = new URL(mesh);
      address.hostname = `tab-${at}.localhost`;
      tabs.push(await ModelTab.#joinIn(context, address, folder));
    }
    return tabs;
  }

  static async #joinIn(context: BrowserContext, mesh: URL, folder: string): Promise<ModelTab> {
    const { page: script, storeWorker } = await scripts();
    // A Chromium comes with one.
    const page = context.pages().find((one) => one.url() === 'about:blank') ?? (await context.newPage());
    page.on('pageerror', (error) => process.stderr.write(`${error.message}\n`));
    await page.goto(new URL(PAGE, mesh).href);
    await page.addScriptTag({ content: script });
    const tab = new ModelTab(context, page, await context.newCDPSession(page), folder);
    await tab.ask({ do: 'join', mesh: mesh.origin, storeWorker });
    return tab;
  }

  ask<Result>(command: TabCommand): Promise<Result> {
    return this.#page.evaluate((one) => (globalThis as unknown as InPage).modelTab(one), command) as Promise<Result>;
  }

  /** What its renderer processes have in memory as Linux tells it, workers and WebRTC included, once garbage is gone. */
  async memory(): Promise<Memory> {
    await this.#session.send('HeapProfiler.collectGarbage');
    return memoryOf(renderersOf(this.#folder));
  }

  /** The most of it while `busy` ran. */
  async mostMemory(busy: () => Promise<unknown>): Promise<Memory> {
    const pids = renderersOf(this.#folder);
    let most = memoryOf(pids);
    const timer = setInterval(() => {
      const now = memoryOf(pids);
      most = { bytes: Math.max(most.bytes, now.bytes), ownBytes: Math.max(most.ownBytes, now.ownBytes) };
    }, SAMPLE_MS);
    try {
      await busy();
    } finally {
      clearInterval(timer);
    }
    return most;
  }

  /** The last one takes its Chromium along. */
  async end(): Promise<void> {
    await this.#page.close();
    if (this.#context.pages().length === 0) await this.#context.close();
  }
}

function profile(folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, { ...OF_CHROMIUM, bypassCSP: true });
}

let built: Promise<{ page: string; storeWorker: string }> | null = null;

function scripts(): Promise<{ page: string; storeWorker: string }> {
  built ??= (async () => ({
    page: await bundle('e2e/src/model-tab/page.ts'),
    storeWorker: await bundle('web/src/engines/store/store-worker.ts'),
  }))();
  return built;
}

async function bundle(file: string): Promise<string> {
  const all = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@llmesh/source', 'browser', 'module', 'import', 'default'] },
    build: { write: false, lib: { entry: join(ROOT, file), formats: ['iife'], name: 'tab' } },
  });
  const [one] = [all].flat();
  if (one === undefined || !('output' in one)) throw new Error('nothing was built');
  return one.output[0].code;
}

/** The processes that run pages in the browser of this profile. */
function renderersOf(folder: string): number[] {
  const all = readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    const [args, stat] = [read(pid, 'cmdline'), read(pid, 'stat')];
    return args === null || stat === null ? [] : [{ pid, args, parent: parentIn(stat) }];
  });
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const ours = new Set(all.filter(({ args }) => args.includes(`--user-data-dir=${folder}`)).map(({ pid }) => pid));
  const isOurs = (pid: number): boolean => ours.has(pid) || (pid > 1 && isOurs(parents.get(pid) ?? 0));
  return all.filter(({ pid, args }) => args.includes('--type=renderer') && isOurs(pid)).map(({ pid }) => pid);
}

function memoryOf(pids: readonly number[]): Memory {
  let [bytes, ownBytes] = [0, 0];
  for (const pid of pids) {
    const status = read(pid, 'status') ?? '';
    const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
    bytes += of('VmRSS');
    ownBytes += of('RssAnon') + of('RssShmem');
  }
  return { bytes, ownBytes };
}

/** Null: there is no such process any more. */
function read(pid: number, what: 'cmdline' | 'stat' | 'status'): string | null {
  if (!Number.isInteger(pid)) return null;
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8');
  } catch {
    return null;
  }
}

/** The name of the program stands in brackets before it, and may have anything in it. */
function parentIn(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
