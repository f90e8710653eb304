/** A page with web-llm as its package has it and the tiny model's library, and nothing of the product around them. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser } from '@playwright/test';
import { readGgufHeader } from '@llmesh/core/gguf/gguf-header';
import { KEPT_LISTS, mlcFilesOf } from '../../web/src/engines/tiny-gpu/mlc-files.ts';
import { ROOT } from './processes.ts';

export interface Said {
  text: string;
  promptTokens: number;
  /** The scores of every word before the first token; empty where the page was opened without. */
  scores: number[];
  /** Without reading the prompt. */
  tokensPerSecond: number;
}

export interface TinyGpuPage {
  /** The model's greedy answer to a text that it goes on from. */
  say(prompt: string, maxTokens: number): Promise<Said>;
  close(): Promise<void>;
}

interface Engine {
  reload(id: string): Promise<void>;
  resetChat(): Promise<void>;
  completions: {
    create(request: object): Promise<{
      choices: [{ text: string }];
      usage: { prompt_tokens: number; extra: { decode_tokens_per_s: number } };
    }>;
  };
}
interface InPage {
  webLlm: {
    MLCEngine: new (config: object) => Engine;
    WebWorkerMLCEngine: new (worker: object, config: object) => Engine;
  };
  Worker: new (url: string, options: object) => object;
  engine: Engine;
  scores: number[];
}

/** `withScores`: reading them costs time, and takes the engine out of its worker, where nothing draws. */
export async function openTinyGpuPage(browser: Browser, file: string, withScores: boolean): Promise<TinyGpuPage> {
  const { url, close } = await serve(await filesFor(file));
  const page = await browser.newPage();
  await page.goto(url);
  await page.waitForFunction('globalThis.webLlm');
  await page.evaluate(
    async ([origin, scored]) => {
      const here = globalThis as unknown as InPage;
      const processor = {
        processLogits(logits: Float32Array) {
          if (here.scores.length === 0) here.scores = Array.from(logits);
          return logits;
        },
        processSampledToken() {},
        resetState() {},
      };
      const model = { model_id: 'tiny', model: `${origin}/model/`, model_lib: `${origin}/library.wasm` };
      const config = { appConfig: { model_list: [model], cacheBackend: 'cache' }, logLevel: 'ERROR' };
      here.engine = scored
        ? new here.webLlm.MLCEngine({ ...config, logitProcessorRegistry: new Map([['tiny', processor]]) })
        : new here.webLlm.WebWorkerMLCEngine(new here.Worker('/worker.js', { type: 'module' }), config);
      await here.engine.reload('tiny');
    },
    [url, withScores] as const,
  );
  return {
    say: (prompt, maxTokens) =>
      page.evaluate(
        async ([text, most]) => {
          const here = globalThis as unknown as InPage;
          here.scores = [];
          await here.engine.resetChat();
          const { choices, usage } = await here.engine.completions.create({
            prompt: text,
            temperature: 0,
            max_tokens: most,
          });
          return {
            text: choices[0].text,
            promptTokens: usage.prompt_tokens,
            scores: here.scores,
            tokensPerSecond: usage.extra.decode_tokens_per_s,
          };
        },
        [prompt, maxTokens] as const,
      ),
    async close() {
      await page.close();
      await close();
    },
  };
}

async function filesFor(path: string): Promise<Record<string, string | Uint8Array>> {
  const bytes = new Uint8Array(readFileSync(path));
  const source = { sizeBytes: bytes.byteLength, head: async (length: number) => bytes.subarray(0, length) };
  const files = mlcFilesOf(await readGgufHeader(source, KEPT_LISTS), bytes);
  const webLlm = createRequire(join(ROOT, 'web/package.json')).resolve('@mlc-ai/web-llm');
  return {
    ...Object.fromEntries(Object.entries(files).map(([name, body]) => [`/model/resolve/main/${name}`, body])),
    '/library.wasm': readFileSync(join(ROOT, 'models/tiny/gpu/tiny-web-llm.wasm')),
    '/web-llm.js': readFileSync(webLlm),
    '/worker.js': `import { WebWorkerMLCEngineHandler } from '/web-llm.js';\nconst handler = new WebWorkerMLCEngineHandler();\nonmessage = (message) => handler.onmessage(message);`,
    '/': `<!doctype html><script type="module">globalThis.webLlm = await import('/web-llm.js')</script>`,
  };
}

const TYPES: Record<string, string> = { js: 'text/javascript', wasm: 'application/wasm', '/': 'text/html' };

async function serve(files: Record<string, string | Uint8Array>): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://here').pathname;
    const body = files[path];
    if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': TYPES[path.split('.').at(-1) ?? ''] ?? 'text/plain' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
