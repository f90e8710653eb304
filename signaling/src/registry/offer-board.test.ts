import { expect, test } from 'vitest';
import { SIGN_OF_LIFE_MS, type Offers } from '@llmesh/core/wire/control-protocol';
import type { ModelId } from '@llmesh/core/base/ids';
import { MAX_PUBLISH_MS, OfferBoard, PUBLISH_MS, SLICE, type OfferReader } from './offer-board.ts';
import { ManualClock } from '@llmesh/core/testing/manual-clock';

interface Told {
  at: number;
  peers: number;
}

/** With one reader, and as many others. */
function setUp(others = 0) {
  const clock = new ManualClock();
  const published: Told[] = [];
  const last: Told[] = [];
  const readerOf = (told: Told[]): OfferReader => ({
    tell: (json) => void told.push({ at: clock.now(), peers: (JSON.parse(json.toString()) as Offers).peers }),
  });
  const mesh: Offers = { type: 'offers', peers: 0, providers: 0, models: [] };
  let added = 0;
  const read = () => {
    added += 1;
    return mesh;
  };
  const readers = [readerOf(published), ...Array.from({ length: others }, () => ({ tell() {} }))];
  if (others > 0) readers.push(readerOf(last));
  const board = new OfferBoard(clock, read, () => readers);
  return { clock, published, last, mesh, board, added: () => added };
}

test('says a change at once, the next ones together a second later', () => {
  const { clock, published, mesh, board } = setUp();
  mesh.peers = 1;
  board.touch();
  for (let i = 2; i <= 9; i++) {
    clock.turn(100);
    mesh.peers = i;
    board.touch();
  }
  clock.turn(10_000);
  expect(published).toEqual([
    { at: 0, peers: 1 },
    { at: PUBLISH_MS, peers: 9 },
  ]);
});

test.each([0, 3])('shows now and then that it is alive, with %i providers', (providers) => {
  const { clock, published, mesh, board } = setUp();
  mesh.providers = providers;
  board.touch();
  for (let ms = 0; ms < 4 * SIGN_OF_LIFE_MS; ms += 500) clock.turn(500);
  expect(published.length).toBeGreaterThanOrEqual(4);
  expect(published.length).toBeLessThanOrEqual(5);
});

test('says nothing when nothing differs, and is not late with what comes then', () => {
  const { clock, published, mesh, board } = setUp();
  board.touch();
  clock.turn(5000);
  board.touch();
  clock.turn(100);
  mesh.peers = 1;
  board.touch();
  expect(published).toEqual([
    { at: 0, peers: 0 },
    { at: 5100, peers: 1 },
  ]);
});

test('notices by itself that a provider fell silent', () => {
  const { clock, published, mesh, board } = setUp();
  mesh.providers = mesh.peers = 1;
  board.touch();
  clock.turn(3000);
  mesh.providers = mesh.peers = 0;
  clock.turn(PUBLISH_MS);
  expect(published).toEqual([
    { at: 0, peers: 1 },
    { at: 4000, peers: 0 },
  ]);
});

test('a change that can wait does not hold up one that cannot', () => {
  const { clock, published, mesh, board } = setUp();
  mesh.peers = 1;
  board.touch(PUBLISH_MS);
  clock.turn(200);
  expect(published).toEqual([]);
  mesh.peers = 2;
  board.touch();
  clock.turn(5000);
  expect(published).toEqual([{ at: 200, peers: 2 }]);
});

test('is silent once closed', () => {
  const { clock, published, mesh, board } = setUp();
  mesh.providers = 1;
  board.touch();
  board.close();
  board.close();
  mesh.peers = 7;
  board.touch();
  clock.turn(10_000);
  expect(published.length).toBe(1);
});

test('has a bound on what it sends: many readers are told less often, and not all in one go', () => {
  const { clock, published, last, mesh, board } = setUp(20 * SLICE);
  const bytes = 4_000;
  mesh.models = [
    {
      id: 'm' as ModelId,
      name: 'M'.repeat(bytes),
      quant: 'q8',
      format: 'gguf',
      contextTokens: 2048,
      providers: 1,
      slots: 1,
      busySlots: 0,
      queued: 0,
      tokensPerSecond: null,
    },
  ];
  for (let i = 0; i < 60; i++) {
    mesh.peers = i;
    board.touch();
    clock.turn(PUBLISH_MS);
  }
  const [first, second] = published.map(({ at }) => at);
  expect(first).toBe(0);
  const bytesPerSecond = (20 * SLICE * bytes * 1000) / second!;
  expect(bytesPerSecond).toBeLessThan(2.2 * 1024 * 1024);
  expect(bytesPerSecond).toBeGreaterThan(1024 * 1024);
  expect(last[0]!.at).toBeGreaterThan(0);
  expect(last[0]!.at).toBeLessThan(second!);
  expect(last[0]!.peers).toBe(0);
});

test('however many there are, nobody waits for ever', () => {
  const { clock, published, mesh, board } = setUp(100 * SLICE);
  mesh.models = [
    {
      id: 'm' as ModelId,
      name: 'M'.repeat(40_000),
      quant: 'q8',
      format: 'gguf',
      contextTokens: 2048,
      providers: 1,
      slots: 1,
      busySlots: 0,
      queued: 0,
      tokensPerSecond: null,
    },
  ];
  board.touch();
  mesh.peers = 1;
  board.touch();
  clock.turn(MAX_PUBLISH_MS);
  expect(published.map(({ peers }) => peers)).toEqual([0, 1]);
});

test('who comes is told what there is, added up once for all who come together', () => {
  const { clock, published, mesh, board, added } = setUp();
  mesh.peers = 1;
  const before = added();
  for (let i = 0; i < 1_000; i++) expect(JSON.parse(board.current().toString())).toMatchObject({ peers: 1 });
  expect(added() - before).toBe(1);
  clock.turn(200);
  mesh.peers = 2;
  expect(JSON.parse(board.current().toString())).toMatchObject({ peers: 2 });
  mesh.peers = 1;
  board.touch();
  // Or else the last who came would believe the 2 until something changes.
  expect(published).toEqual([{ at: 200, peers: 1 }]);
});
