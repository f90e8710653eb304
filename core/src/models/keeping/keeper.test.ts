import { beforeEach, describe, expect, it } from 'vitest';
import { toBase32 } from '../../base/base32.ts';
import { Emitter } from '../../base/emitter.ts';
import type { MeshError } from '../../base/errors.ts';
import { newPeerId, type ContentId, type PeerId } from '../../base/ids.ts';
import type { ControlEvents } from '../../control/control.ts';
import { softwareIdentity, verify } from '../../identity/identity.ts';
import { rootOf, signDraw } from '../../proof/draw.ts';
import { readStorageReport, storageCheck } from '../../proof/keeping/storage-report.ts';
import { makeModel, randomFile } from '../../testing/made-model.ts';
import { SwarmWorld, type SwarmNode } from '../../testing/swarm-world.ts';
import type { Keeps } from '../../wire/candidate.ts';
import { PIECE_BYTES } from '../manifest.ts';
import { AGAIN_MS, Keeper, type KeepConsent } from './keeper.ts';

const [small, other, large] = [
  await makeModel({ 'small.gguf': randomFile(2 * PIECE_BYTES) }),
  await makeModel({ 'other.gguf': randomFile(2 * PIECE_BYTES + 1) }),
  await makeModel({ 'large.gguf': randomFile(6 * PIECE_BYTES) }),
];
const secret = new Uint8Array(32).fill(5);
const control = softwareIdentity(secret);
const identity = softwareIdentity(new Uint8Array(32).fill(6));

/** The control plane, as a keeper sees it. */
class ControlForTests extends Emitter<ControlEvents> {
  issuer: PeerId | null = control.peerId;
  said: Keeps | null | undefined;
  filed: Uint8Array[] = [];

  tell<K extends keyof ControlEvents>(event: K, ...news: ControlEvents[K]): void {
    this.emit(event, ...news);
  }

  keeps(keeps: Keeps | null): void {
    this.said = keeps;
  }

  async fileKept(report: Uint8Array): Promise<void> {
    this.filed.push(report);
  }
}

let world: SwarmWorld;
let node: SwarmNode;
let plane: ControlForTests;
let consent: KeepConsent;
let saved: readonly ContentId[];
let paused: boolean;
let keeper: Keeper;
let failed: MeshError[];

beforeEach(async () => {
  world = new SwarmWorld();
  [node, plane, saved, paused, failed] = [world.join(), new ControlForTests(), [], false, []];
  for (const model of [small, other, large]) await world.seeder(model);
  consent = {
    roomBytes: () => 5 * PIECE_BYTES,
    isPaused: () => paused,
    load: async () => saved,
    save: async (contents) => {
      saved = [...contents];
    },
    lend: (contents) => node.swarm.seed(contents),
  };
  keeper = open();
  await world.clock.advance(0);
});

function open(over: Partial<KeepConsent> = {}): Keeper {
  const { swarm, store } = node;
  return new Keeper({
    ...{ swarm, store, identity, verify, control: plane, consent: { ...consent, ...over }, clock: world.clock },
    failed: (error) => failed.push(error),
  });
}

async function wish(...models: (typeof small)[]): Promise<void> {
  plane.tell(
    'keep',
    models.map(({ content }) => ({ content, sizeBytes: null })),
  );
  for (let i = 0; i < 100; i++) await world.clock.advance(100);
}

const whole = async () =>
  (await node.store.list())
    .filter((one) => one.whole)
    .map(({ content }) => content)
    .toSorted();

describe('a keeper', () => {
  it('fetches what others need, gives it on, and remembers that it is here only for them', async () => {
    expect(plane.said).toEqual({ roomBytes: 5 * PIECE_BYTES, refused: [] });
    await wish(small, other);
    expect(await whole()).toEqual([small.content, other.content].toSorted());
    expect(new Set(node.swarm.figures.seeded)).toEqual(new Set([small.content, other.content]));
    expect(saved).toEqual([small.content, other.content]);
    await keeper.close();
    await node.swarm.seed([]);
    keeper = open();
    await world.clock.advance(0);
    expect(new Set(node.swarm.figures.seeded)).toEqual(new Set([small.content, other.content]));
    expect(failed).toEqual([]);
  });

  it('stores nothing of what is larger than its room, and says so', async () => {
    await wish(large);
    expect(await node.store.list()).toEqual([]);
    expect(saved).toEqual([]);
    expect(plane.said).toEqual({ roomBytes: 5 * PIECE_BYTES, refused: [large.content] });
  });

  it('lets go what nobody needs any more only when the room is needed', async () => {
    await wish(small, other);
    await wish(other);
    expect(await whole()).toEqual([small.content, other.content].toSorted());
    const next = await makeModel({ 'next.gguf': randomFile(2 * PIECE_BYTES) });
    await world.seeder(next);
    await wish(other, next);
    expect(await whole()).toEqual([other.content, next.content].toSorted());
    await wish(other, next, small);
    // All three are needed, and two have room.
    expect(await whole()).toEqual([other.content, next.content].toSorted());
    expect(plane.said?.refused).toEqual([small.content]);
  });

  it('never gives away what its owner has and does not lend, and never removes it', async () => {
    const stored = await node.store.begin(small.content, small.manifest);
    for (let piece = 0; piece < small.map.count; piece++) await stored.write(piece, small.piece(piece));
    await stored.complete();
    await stored.close();
    await wish(small);
    expect(node.swarm.figures.seeded).toEqual([]);
    expect(plane.said?.refused).toEqual([small.content]);
    await wish();
    expect(await whole()).toEqual([small.content]);
  });

  it('begins nothing while the owner needs the device, and then does', async () => {
    paused = true;
    await wish(small);
    expect(await node.store.list()).toEqual([]);
    paused = false;
    for (let passed = 0; passed < AGAIN_MS + 5_000; passed += 1_000) await world.clock.advance(1_000);
    expect(await whole()).toEqual([small.content]);
  });

  /** Its timers and turns of the event loop, while this goes on. */
  async function settled(work: Promise<void>): Promise<void> {
    let over = false;
    const done = work.finally(() => (over = true));
    for (let i = 0; i < 200 && !over; i++) await world.clock.advance(10);
    await done;
  }

  it('lets go what does not fit any more when its owner gives less room, and says how much there is', async () => {
    let roomBytes = 5 * PIECE_BYTES;
    await keeper.close();
    keeper = open({ roomBytes: () => roomBytes });
    await wish(small, other);
    roomBytes = 3 * PIECE_BYTES;
    await settled(keeper.renew());
    expect(await whole()).toEqual([other.content]);
    expect(node.swarm.figures.seeded).toEqual([other.content]);
    expect(plane.said).toMatchObject({ roomBytes });
    // With none at all it stays, and nobody gets it.
    roomBytes = 0;
    await settled(keeper.renew());
    expect(plane.said).toBeNull();
    expect(await whole()).toEqual([other.content]);
    expect(node.swarm.figures.seeded).toEqual([]);
    roomBytes = 3 * PIECE_BYTES;
    await settled(keeper.renew());
    expect(node.swarm.figures.seeded).toEqual([other.content]);
  });

  it('removes all of it at a word, also what is on its way, and does not fetch it again', async () => {
    await wish(other);
    plane.tell('keep', [
      { content: other.content, sizeBytes: null },
      { content: small.content, sizeBytes: null },
    ]);
    await world.clock.advance(1);
    await settled(keeper.clear());
    await wish(other, small);
    expect(await node.store.list()).toEqual([]);
    expect(saved).toEqual([]);
    expect(plane.said?.refused).toEqual(expect.arrayContaining([other.content, small.content]));
  });

  it('makes room for its owner, and does not take it back', async () => {
    await wish(small, other);
    await settled(keeper.free(1));
    expect(await whole()).toEqual([other.content]);
    await wish(small, other);
    expect(await whole()).toEqual([other.content]);
    expect(plane.said?.refused).toEqual([small.content]);
  });

  it('leaves to its owner what they want for themselves', async () => {
    await wish(small);
    await settled(keeper.own(small.content));
    expect(saved).toEqual([]);
    await settled(keeper.clear());
    expect(await whole()).toEqual([small.content]);
    await wish(other);
    const used = await node.store.open(other.content);
    await settled(keeper.clear());
    // It is in use.
    expect(await whole()).toEqual([small.content, other.content].toSorted());
    await used?.close();
  });

  it('whose owner gives no room says nothing, and keeps nothing', async () => {
    await keeper.close();
    plane.said = undefined;
    keeper = open({ roomBytes: () => 0 });
    await world.clock.advance(0);
    expect(plane.said).toBeNull();
    await wish(small);
    expect(await node.store.list()).toEqual([]);
  });
});

describe('a check of another', () => {
  async function call(by: Uint8Array, of: SwarmNode) {
    const check = storageCheck(7, of.self, small.content);
    const { bytes } = await signDraw({ epoch: 1, root: rootOf([check]) }, softwareIdentity(by), by);
    plane.tell('prove', {
      ...{ type: 'prove', draw: toBase32(bytes), keeper: of.self, certificate: null, content: small.content, epoch: 7 },
    });
    for (let i = 0; i < 40; i++) {
      await world.clock.advance(50);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('is reported as it was found, signed', async () => {
    const other = await world.seeder(small);
    await call(secret, other);
    expect(readStorageReport(plane.filed[0]!)).toMatchObject({
      ...{ keeper: other.self, asker: identity.peerId, content: small.content, epoch: 7 },
      ...{ outcome: 'kept', sizeBytes: small.map.sizeBytes },
    });
  });

  it('is not made for anybody but the control plane of this mesh', async () => {
    await call(new Uint8Array(32).fill(9), await world.seeder(small));
    expect(plane.filed).toEqual([]);
    plane.tell('prove', {
      ...{ type: 'prove', draw: 'u'.repeat(96), keeper: newPeerId(), certificate: null, content: small.content },
      epoch: 7,
    });
    await world.clock.advance(1_000);
    expect(plane.filed).toEqual([]);
    expect(failed).toEqual([]);
  });
});
