/** Tabs of Chromium that pass a model on to each other: our store and our mesh, each in a browser of its own, without the page around them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { madeGguf, type MadeGguf } from '../src/made-gguf.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { startModelMirror, type ModelMirror } from '../src/model-mirror.ts';
import type { Fetched, OneFileModel } from '../src/model-tab/commands.ts';
import { lie, type Deceit } from '../src/model-tab/liar.ts';
import { ModelTab } from '../src/model-tab/tab.ts';
import { test } from '../src/visit.ts';

const PIECE_BYTES = 1_048_576;

let mesh: TestMesh;
let folder: string;
let made: MadeGguf;
let model: OneFileModel;
let hub: ModelMirror;
const tabs: ModelTab[] = [];
test.beforeEach(async () => {
  test.setTimeout(240_000);
  mesh = await startMesh();
  folder = await mkdtemp(join(tmpdir(), 'llmesh-e2e-tabs-'));
  made = await madeGguf(8 * PIECE_BYTES + 5);
  model = modelOf(made);
  hub = await startModelMirror({ files: made.files });
});
test.afterEach(async () => {
  for (const tab of tabs.splice(0)) await tab.end();
  await hub.close();
  await mesh.stop();
  await rm(folder, { recursive: true, force: true });
});

function modelOf({ manifest, layers, model: { content } }: MadeGguf): OneFileModel {
  if (content === undefined) throw new Error('The catalogue does not pin it.');
  // Node's hashes are Buffers, which mean nothing to a browser.
  const files = manifest.files.map((file) => ({
    ...file,
    sha256: new Uint8Array(file.sha256),
    root: new Uint8Array(file.root),
  }));
  return { content, manifest: { ...manifest, files }, layers };
}

async function newTab(): Promise<ModelTab> {
  const tab = await ModelTab.join(mesh.url, join(folder, `tab-${tabs.length}`));
  tabs.push(tab);
  return tab;
}

const fromHub = (tab: ModelTab) => tab.ask<Fetched>({ do: 'fetch', model, source: hub.url + made.path, lend: true });
const fromTabs = (tab: ModelTab) => tab.ask<Fetched>({ do: 'fetch', model, source: null, lend: true });
const given = (tab: ModelTab) => tab.ask<number>({ do: 'given' });

test(
  'a third gets a model from one that has it from the hub and from one that never saw a hub, at once',
  { tag: '@wide' },
  async () => {
    const [first, second, third] = [await newTab(), await newTab(), await newTab()];
    await fromHub(first);
    await hub.close();
    expect((await fromTabs(second)).sha256).toBe(made.model.sha256);
    const before = await given(first);
    const fetched = await fromTabs(third);
    expect(fetched.sha256).toBe(made.model.sha256);
    expect(fetched).toMatchObject({ fromWeb: 0, wrong: 0 });
    // The last pieces do not wait for the slower of the two: one may come from both.
    const twice = fetched.fromPeers - made.model.sizeBytes;
    expect([0, PIECE_BYTES]).toContain(twice);
    expect((await given(first)) - before).toBeGreaterThan(PIECE_BYTES);
    expect(await given(second)).toBeGreaterThan(PIECE_BYTES);
  },
);

for (const [title, deceit, wrongPieces] of [
  ['a peer that sends wrong bytes loses its place after one piece', 'wrong pieces', 1],
  ['a peer that sends a block now and then holds nobody up', 'a block now and then', 0],
] satisfies [string, Deceit, number][]) {
  test(title, { tag: '@wide' }, async () => {
    const [lender, joiner] = [await newTab(), await newTab()];
    const liar = await lie(mesh.url, model, deceit);
    const fetching = fromTabs(joiner);
    // Nobody else is there yet.
    await expect.poll(() => (wrongPieces > 0 ? liar.sent : liar.asked), { timeout: 30_000 }).toBeGreaterThan(0);
    await fromHub(lender);
    const fetched = await fetching;
    expect(fetched.sha256).toBe(made.model.sha256);
    expect(fetched.wrong).toBe(wrongPieces * PIECE_BYTES);
    // Whoever drips has not sent a piece by then.
    expect(liar.sent > 0).toBe(wrongPieces > 0);
    liar.close();
  });
}
