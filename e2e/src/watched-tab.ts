/**
 * A tab of Chromium that can be behind another one. Playwright tells each page that it sees that it is in front, so it only sets the tab up;
 * afterwards the browser is spoken to directly: https://chromedevtools.github.io/devtools-protocol/
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
    if (browser.kill()) await ended;
    await rm(folder, { recursive: true, maxRetries: 5 });
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
    const bring = async ({ id }: Target, wanted: string) => {
      await fetch(`${address}/activate/${id}`);
      await sleep(SETTLED_MS);
      const state = await evaluated(own, 'document.visibilityState');
      if (state !== wanted) throw new Error(`The tab should be ${wanted}, and is ${String(state)}.`);
    };
    return { show: () => bring(own, 'visible'), hide: () => bring(other, 'hidden'), close };
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

async function evaluated({ webSocketDebuggerUrl }: Target, expression: string): Promise<unknown> {
  const socket = new WebSocket(webSocketDebuggerUrl);
  try {
    return await new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', () =>
        socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } })),
      );
      socket.on('message', (data: Buffer) => {
        const { id, result } = JSON.parse(data.toString('utf8')) as {
          id?: number;
          result?: { result: { value: unknown } };
        };
        if (id === 1) resolve(result?.result.value);
      });
    });
  } finally {
    socket.close();
  }
}
