/** The engine worker of the built page in a real browser, without the page's own state around it. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser } from '@playwright/test';
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Finish, GenerateRequest, LoadedModel, Piece } from '@llmesh/core/engine/engine';
import { MeshError, type ErrorCode } from '@llmesh/core/base/errors';
import type { Scores } from '@llmesh/core/proof/score';
import type { Run } from '@llmesh/core/suites/continuation';
import { ROOT } from './processes.ts';

type Outcome<T> = { ok: true; value: T } | { ok: false; code: ErrorCode; message: string; detail: string };

/** The part of `web/src/engines/worker-wire.ts` that is used here. */
interface Remote {
  probe(): Promise<Outcome<Probe>>;
  load(
    model: CatalogueModel,
    settings: { mirror: string | null; hadGpu: boolean },
    onProgress: () => void,
    onLost: () => void,
  ): Promise<Outcome<LoadedModel>>;
  generate(request: GenerateRequest, onPiece: (piece: Piece) => unknown): Promise<Outcome<Finish>>;
  score(request: GenerateRequest, tokenIds: readonly number[]): Promise<Outcome<Scores>>;
  cancel(): Promise<void>;
}
interface InPage {
  Comlink: { wrap(worker: Worker): Remote; proxy<F>(callback: F): F };
  engine: Remote;
}

export interface PageEngine {
  loaded: LoadedModel;
  /** What it runs on, for a person. */
  device(): Promise<string>;
  /** `cancelAfter`: the answer is cancelled after this many pieces. Rejects with a `MeshError`. */
  run(request: GenerateRequest, cancelAfter?: number): Promise<Run>;
  /** Rejects with a `MeshError`. */
  score(request: GenerateRequest, tokenIds: readonly number[]): Promise<Scores>;
  /** Takes the answer slowly. Resolves with the text, and the most pieces that were waiting to be taken. */
  runSlowly(request: GenerateRequest, takeMs: number): Promise<{ text: string; mostAhead: number }>;
  close(): Promise<void>;
}

/**
 * `url`: the mesh whose page it is. `id`: the model's in the catalogue. `mirror`: where its files come from; null: from
 * where the catalogue says. Rejects with a `MeshError`.
 */
export async function openPageEngine(
  browser: Browser,
  url: string,
  id: string,
  mirror: string | null = null,
): Promise<PageEngine> {
  // The page's own policy lets no test put a script into it.
  const context = await browser.newContext({ serviceWorkers: 'block', bypassCSP: true });
  const page = await context.newPage();
  await page.goto(url);
  const comlink = createRequire(join(ROOT, 'web/package.json')).resolve('comlink/dist/umd/comlink.js');
  await page.addScriptTag({ content: readFileSync(comlink, 'utf8') });
  const loading = page.evaluate(
    ([script, model, settings]) => {
      const here = globalThis as unknown as InPage;
      here.engine = here.Comlink.wrap(new Worker(script, { type: 'module' }));
      const nothing = here.Comlink.proxy(() => {});
      return here.engine.load(model, settings, nothing, nothing);
    },
    [engineWorker(), inCatalogue(id), { mirror, hadGpu: false }] as const,
  );
  return {
    loaded: valueOf(await loading),
    async device() {
      return valueOf(await page.evaluate(() => (globalThis as unknown as InPage).engine.probe())).device;
    },
    async run(request, cancelAfter = Infinity) {
      const { pieces, ended } = await page.evaluate(
        async ([asked, most]) => {
          const { Comlink, engine } = globalThis as unknown as InPage;
          const pieces: Piece[] = [];
          // Without a name of its own: the compiler of programs marks those with what no page has.
          const take = Comlink.proxy((piece: Piece) => {
            pieces.push(piece);
            if (pieces.length === most) void engine.cancel();
          });
          return { ended: await engine.generate(asked, take), pieces };
        },
        [request, cancelAfter] as const,
      );
      return { pieces, finish: valueOf(ended) };
    },
    async score(request, tokenIds) {
      const outcome = await page.evaluate(
        ([asked, ids]) => (globalThis as unknown as InPage).engine.score(asked, ids),
        [request, tokenIds] as const,
      );
      return valueOf(outcome);
    },
    async runSlowly(request, takeMs) {
      const { ended, ...told } = await page.evaluate(
        async ([asked, ms]) => {
          const { Comlink, engine } = globalThis as unknown as InPage;
          let [text, ahead, mostAhead] = ['', 0, 0];
          let before = Promise.resolve();
          const take = (piece: Piece) => {
            text += piece.text;
            ahead += 1;
            mostAhead = Math.max(mostAhead, ahead);
            before = before.then(async () => {
              await new Promise((resolve) => setTimeout(resolve, ms));
              ahead -= 1;
            });
            return before;
          };
          const ended = await engine.generate(asked, Comlink.proxy(take));
          return { ended, text, mostAhead };
        },
        [request, takeMs] as const,
      );
      valueOf(ended);
      return told;
    },
    close: () => context.close(),
  };
}

function engineWorker(): string {
  const name = readdirSync(join(ROOT, 'web/dist/assets')).find((one) => one.startsWith('engine-worker'));
  if (name === undefined) throw new Error('The page is not built: npm run build');
  return `/assets/${name}`;
}

function inCatalogue(id: string): CatalogueModel {
  const { models } = JSON.parse(readFileSync(join(ROOT, 'models/catalogue.json'), 'utf8')) as {
    models: CatalogueModel[];
  };
  const found = models.find((model) => model.id === id);
  if (found === undefined) throw new Error(`${id} is not in the catalogue`);
  return found;
}

function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  // Whoever reads a failed test sees no causes.
  throw new MeshError(outcome.code, `${outcome.message} (${outcome.detail})`);
}
