/** Peers of before: a message that they do not know would end the link, so they are sent none. */
import { expect, it } from 'vitest';
import * as v from 'valibot';
import { MeshError } from '../../base/errors.ts';
import { newPeerId } from '../../base/ids.ts';
import { bytesToHex } from '@noble/hashes/utils.js';
import { makeModel, randomFile } from '../../testing/made-model.ts';
import { asked, fetching, hasAll, SwarmWorld } from '../../testing/swarm-world.ts';
import { ManifestSchema, SeekSchema, UnwantSchema, WantManifestSchema, WantSchema } from '../../wire/swarm-protocol.ts';
import type { HolderIndex } from '../swarm-port.ts';
import { manifestBytes, PIECE_BYTES } from '../manifest.ts';
import { BLOCK_BYTES, writeBlock } from './link/block.ts';

const model = await makeModel({ 'model.gguf': randomFile(3 * PIECE_BYTES + 7) });
const { content } = model;
/** All that such a peer is asked in the messages of then; as then, what it does not know of a message it skips. */
const KNOWN = v.variant('kind', [SeekSchema, WantSchema, UnwantSchema, WantManifestSchema, ManifestSchema]);

/** Lends the model, and leaves over a message that it does not know. */
function older(world: SwarmWorld): { unknown: string[]; self: string } {
  const unknown: string[] = [];
  const { self } = world.stranger((channel, message) => {
    const read = v.safeParse(KNOWN, message);
    if (!read.success) {
      if (message.kind === 'GAINED' || message.kind === 'FETCHING' || message.kind === 'HAVE') return;
      unknown.push(message.kind);
      channel.close();
      return;
    }
    if (message.kind === 'SEEK')
      channel.send({
        kind: 'HAVE',
        content: message.content,
        bits: message.content === content ? null : new Uint8Array(0),
      });
    if (message.kind === 'WANT_MANIFEST')
      channel.send({ kind: 'MANIFEST', content, bytes: manifestBytes(model.manifest) });
    if (message.kind !== 'WANT') return;
    for (const want of message.wants) {
      const bytes = want.what === 'layer' ? model.layers[want.file] : model.piece(want.piece);
      if (bytes === undefined) throw new Error('asked for what is not there');
      for (let at = 0; at < bytes.byteLength; at += BLOCK_BYTES) channel.bulk?.send(writeBlock(want.id, bytes, at));
    }
  });
  world.held.set(self, [{ content, sha256: null, whole: true }]);
  return { unknown, self };
}

it('give what they have to somebody who would ask for its chunks, and stay connected', async () => {
  const world = new SwarmWorld();
  const old = older(world);
  const node = world.join();
  // With another model here, chunks would be of use.
  const other = await makeModel({ 'model.gguf': randomFile(2 * PIECE_BYTES) });
  const stored = await node.store.begin(other.content, other.manifest);
  for (const [file, layer] of other.layers.entries()) await stored.keepLayer(file, layer);
  for (let piece = 0; piece < other.map.count; piece++) await stored.write(piece, other.piece(piece));
  await stored.complete();
  await stored.close();
  const outcome = fetching(node, asked(model));
  await world.until(outcome);
  expect(await hasAll(outcome, model)).toBe(true);
  expect(old.unknown).toEqual([]);
});

it('are asked by nothing but a content id while the index is away, and stay connected', async () => {
  const world = new SwarmWorld();
  const old = older(world);
  const index = world.index(newPeerId());
  let isAway = false;
  const away = () => Promise.reject(new MeshError('control_unreachable', 'The mesh cannot be reached.'));
  const holders: HolderIndex['holders'] = (wanted, signal) => (isAway ? away() : index.holders(wanted, signal));
  const node = world.join({ holders: { hold: () => {}, holders } });
  const linked = fetching(node, asked(model));
  await world.until(linked);
  await linked.stored?.close();
  await node.swarm.seed([]);
  await node.store.remove(content);
  isAway = true;
  const sha256 = bytesToHex(randomFile(32));
  const outcome = fetching(node, asked(model, { content: null, sha256 }));
  await world.until(outcome);
  expect(outcome.error).toMatchObject({ code: 'control_unreachable' });
  expect(old.unknown).toEqual([]);
  const again = fetching(node, asked(model));
  await world.until(again);
  expect(await hasAll(again, model)).toBe(true);
});
