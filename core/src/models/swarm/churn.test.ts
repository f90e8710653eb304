/** Swarms in which peers come, leave and lie: whoever stays has the model in the end, as long as one honest source stays. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PIECE_BYTES } from '../manifest.ts';
import { makeModel, randomFile } from '../../testing/made-model.ts';
import { asked, fetching, hasAll, SwarmWorld, webServer } from '../../testing/swarm-world.ts';
import { BLOCK_BYTES, writeBlock } from './link/block.ts';

const models = [
  await makeModel({ 'model.gguf': randomFile(4 * PIECE_BYTES + 1) }),
  await makeModel({ a: randomFile(100), b: randomFile(PIECE_BYTES), c: randomFile(PIECE_BYTES + 1), d: randomFile(9) }),
];

const swarms = fc.record({
  seed: fc.integer(),
  model: fc.constantFrom(...models),
  /** What stays: an honest holder, a server with or without hashes. */
  source: fc.constantFrom('peer', 'web', 'web with layers'),
  joiners: fc.integer({ min: 1, max: 4 }),
  /** When each of some joiners leaves, in milliseconds; some come back as somebody else. */
  leavers: fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 4_000 }), back: fc.boolean() }), { maxLength: 3 }),
  liars: fc.array(fc.constantFrom('wrong', 'silent', 'declines', 'nonsense'), { maxLength: 3 }),
});

it('end with the right bytes', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(swarms, async ({ seed, model, source, joiners, leavers, liars }) => {
      const world = new SwarmWorld(seed);
      world.network.bulk = { clock: world.clock, bytesPerSecond: 4_000_000 };
      if (source === 'peer') await world.seeder(model);
      const web =
        source === 'peer'
          ? null
          : webServer(world.clock, model, { bytesPerSecond: 1_000_000, layers: source === 'web with layers' });
      for (const kind of liars) {
        const { self } = world.stranger((channel, message) => {
          const { bulk } = channel;
          if (bulk !== null) bulk.receive = () => {};
          if (message.kind === 'SEEK') channel.send({ kind: 'HAVE', content: model.content, bits: null });
          if (message.kind !== 'WANT') return;
          for (const { id } of message.wants) {
            if (kind === 'declines') channel.send({ kind: 'DECLINE', ids: [id] });
            if (kind === 'nonsense') bulk?.send(new Uint8Array(20));
            if (kind === 'wrong') {
              for (let at = 0; at < PIECE_BYTES; at += BLOCK_BYTES) {
                bulk?.send(writeBlock(id, new Uint8Array(PIECE_BYTES), at));
              }
            }
          }
        });
        world.held.set(self, [{ content: model.content, sha256: null, whole: true }]);
      }
      const request = () => asked(model, { web, manifest: model.manifest });
      const stay = Array.from({ length: joiners }, () => fetching(world.join(), request()));
      for (const { afterMs, back } of leavers) {
        const node = world.join();
        fetching(node, request());
        world.clock.after(afterMs, () => {
          node.leave();
          if (back) stay.push(fetching(world.join(), request()));
        });
      }
      await world.until(stay, 5_000);
      await world.until(stay, 240_000);
      for (const outcome of stay) {
        expect(outcome.error).toBeNull();
        expect(await hasAll(outcome, model)).toBe(true);
      }
    }),
    { numRuns: 40, seed: 17 },
  );
});
