import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../base/ids.ts';
import { makeModel, randomFile } from '../../testing/made-model.ts';
import { asked, fetching, nodeHasher, SwarmWorld, type SwarmNode } from '../../testing/swarm-world.ts';
import { proveLeaf } from '../leaf-path.ts';
import { LEAF_BYTES, manifestBytes, PIECE_BYTES } from '../manifest.ts';
import { isTimely, LEAF_MS, MAX_WAY_MS, type StorageFinding } from './storage-check.ts';

const folder = await makeModel({
  'params_shard_0.bin': randomFile(3 * PIECE_BYTES + 5),
  'params_shard_1.bin': randomFile(40_000),
});
const LEAVES = [0, 100, 192, 193, 195];
const never = new AbortController().signal;

async function check(world: SwarmWorld, asker: SwarmNode, peerId: PeerId): Promise<StorageFinding> {
  const found: { outcome: StorageFinding | null; ended: boolean } = { outcome: null, ended: false };
  const drawn = (leaves: number) => {
    expect(leaves).toBe(193 + 3);
    return LEAVES;
  };
  void asker.swarm.check({ peerId, certificate: null }, { content: folder.content, drawn }, never).then((outcome) => {
    Object.assign(found, { outcome, ended: true });
  });
  for (let i = 0; i < 2_000 && !found.ended; i++) await world.clock.advance(10);
  return found.outcome!;
}

describe('a keeper', () => {
  it('that has the model shows its leaves, wherever they are', async () => {
    const world = new SwarmWorld();
    const keeper = await world.seeder(folder);
    const found = await check(world, world.join(), keeper.self);
    expect(found).toMatchObject({ outcome: 'kept', sizeBytes: folder.map.sizeBytes });
    expect(found.leaves).not.toEqual(new Uint8Array(32));
  });

  it('that does not lend it now, has only a part of it, or has left is not said to be wrong', async () => {
    const world = new SwarmWorld();
    const keeper = await world.seeder(folder);
    keeper.limits.seeding = false;
    expect(await check(world, world.join(), keeper.self)).toMatchObject({ outcome: 'unreachable' });
    const begun = world.join();
    const outcome = fetching(begun, asked(folder, { lend: true, manifest: folder.manifest }));
    await world.clock.advance(100);
    expect(await check(world, world.join(), begun.self)).toMatchObject({ outcome: 'unreachable' });
    keeper.leave();
    begun.leave();
    await world.until(outcome);
    expect(await check(world, world.join(), keeper.self)).toMatchObject({ outcome: 'unreachable' });
  });

  /** Says that it has the model, and answers as the test says. */
  function liar(world: SwarmWorld, flip: number, afterMs: number) {
    const { clock } = world;
    return world.stranger((channel, message) => {
      if (message.kind === 'WANT_MANIFEST')
        channel.send({ kind: 'MANIFEST', content: folder.content, bytes: manifestBytes(folder.manifest) });
      if (message.kind !== 'PROVE') return;
      const { id, file, leaf } = message;
      const piece = folder.piece(folder.map.first(file) + Math.floor((leaf * LEAF_BYTES) / PIECE_BYTES));
      const fileBytes = folder.manifest.files[file]!.sizeBytes;
      const { bytes, path } = proveLeaf({ piece, layer: folder.layers[file]!, fileBytes }, leaf, nodeHasher);
      bytes[0]! ^= flip;
      clock.after(afterMs, () => channel.send({ kind: 'PROOF', id, proof: { bytes, path } }));
    });
  }

  it('that sends a wrong leaf is found out', async () => {
    const world = new SwarmWorld();
    expect(await check(world, world.join(), liar(world, 1, 0).self)).toMatchObject({ outcome: 'wrong' });
  });

  it('that has to get each leaf from somewhere else is late', async () => {
    const world = new SwarmWorld();
    expect(await check(world, world.join(), liar(world, 0, 60).self)).toMatchObject({ outcome: 'kept' });
    expect(await check(world, world.join(), liar(world, 0, 400).self)).toMatchObject({ outcome: 'late' });
  });
});

describe('time', () => {
  it('is judged by the usual leaf, and by the way that it had, up to a limit', () => {
    expect(isTimely([9_000, 20, LEAF_MS, 30], 0)).toBe(true);
    expect(isTimely([LEAF_MS + 1, LEAF_MS + 1, 20, LEAF_MS + 1], 0)).toBe(false);
    expect(isTimely([LEAF_MS + 90, LEAF_MS + 90, LEAF_MS + 90], 50)).toBe(true);
    expect(isTimely([LEAF_MS + MAX_WAY_MS + 1], 100_000)).toBe(false);
  });
});
