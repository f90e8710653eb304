import { expect, test } from 'vitest';
import type { Offers } from '@llmesh/core/control-protocol';
import { OfferBoard, PUBLISH_MS } from './offer-board.ts';
import { ManualClock } from '@llmesh/core/manual-clock';

function setUp() {
  const clock = new ManualClock();
  const published: { at: number; peers: number }[] = [];
  const mesh: Offers = { type: 'offers', peers: 0, providers: 0, models: [] };
  const board = new OfferBoard(
    clock,
    () => mesh,
    (json) => published.push({ at: clock.now(), peers: (JSON.parse(json) as Offers).peers }),
  );
  return { clock, published, mesh, board };
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
