/**
 * A tab of Chromium that can be behind another one, and asleep. Playwright tells each page that it sees that it is in front, so it only sets
 * the tab up; afterwards the browser is spoken to directly: https://chromedevtools.github.io/devtools-protocol/
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium, type Page } from '@playwright/test';
import WebSocket from 'ws';
import { OF_CHROMIUM } from './browsers.ts';

/** A tab hears of it a moment later. */
const SETTLED_MS = 1_000;

export interface WatchedTab {
  show(): Promise<void>;
  /** Puts another tab in front of it. */
  hide(): Promise<void>;
  /** As browsers do with tabs that nobody looks at. */
  freeze(): Promise<void>;
  wake(): Promise<void>;
  /** What an expression of JavaScript comes to in the page, as JSON has it. */
  evaluate(expression: string): Promise<unknown>;
  /** As when the computer is switched off. Idempotent. */
  close(): Promise<void>;
}

interface Target {
  id: string;
  type: string;
  webSocketDebuggerUrl: string;
}

/** `setUp`: with the only tab, while Playwright sees it. */
export async function openWatchedTab(setUp: (page: Page) => Promise<void>): Promise<WatchedTab> {
  const folder = await mkdtemp(join(tmpdir(), 'watched-tab-'));
  const options = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank'];
  const browser = spawn(OF_CHROMIUM.executablePath, [...OF_CHROMIUM.args, ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const close = async () => {
    const ended = new Promise((resolve) => browser.once('exit', resolve));
    if (browser.kill('SIGKILL')) await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const address = `http://${await hostOf(browser.stderr)}/json`;
    const seen = await chromium.connectOverCDP(new URL(address).origin);
    const [page] = seen.contexts()[0]?.pages() ?? [];
    if (page === undefined) throw new Error('Chromium started without a tab.');
    await setUp(page);
    await seen.close();
    const own = ((await (await fetch(`${address}/list`)).json()) as Target[]).find(({ type }) => type === 'page');
    const other = (await (await fetch(`${address}/new?about:blank`, { method: 'PUT' })).json()) as Target;
    if (own === undefined) throw new Error('The tab is gone.');
    const evaluate = async (expression: string) => {
      const { result } = await told(own, 'Runtime.evaluate', { expression, returnByValue: true });
      return (result as { value?: unknown } | undefined)?.value;
    };
    const bring = async ({ id }: Target, wanted: string) => {
      await fetch(`${address}/activate/${id}`);
      await sleep(SETTLED_MS);
      const state = await evaluate('document.visibilityState');
      if (state !== wanted) throw new Error(`The tab should be ${wanted}, and is ${String(state)}.`);
    };
    const become = async (state: string) => {
      await told(own, 'Page.setWebLifecycleState', { state });
    };
    return {
      show: () => bring(own, 'visible'),
      hide: () => bring(other, 'hidden'),
      freeze: () => become('frozen'),
      wake: () => become('active'),
      evaluate,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where Chromium says it listens. */
async function hostOf(said: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: said })) {
    const found = /listening on ws:\/\/([^/]+)/.exec(line)?.[1];
    if (found !== undefined) {
      said.resume();
      return found;
    }
  }
  throw new Error('Chromium ended before it listened.');
}

/** Sends one command and resolves with its result. */
async function told(
  { webSocketDebuggerUrl }: Target,
  method: string,
  params: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const socket = new WebSocket(webSocketDebuggerUrl);
  try {
    return await new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', () => reject(new Error(`The tab was gone before it did ${method}.`)));
      socket.once('open', () => socket.send(JSON.stringify({ id: 1, method, params })));
      socket.on('message', (data: Buffer) => {
        const { id, result, error } = JSON.parse(data.toString('utf8')) as Reply;
        if (id !== 1) return;
        if (result === undefined) reject(new Error(`${method}: ${error?.message ?? 'no result'}`));
        else resolve(result);
      });
    });
  } finally {
    socket.close();
  }
}

interface Reply {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}
