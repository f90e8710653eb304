import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeModel, randomFile } from '../testing/made-model.ts';
import { nodeHasher } from '../testing/swarm-world.ts';
import { isLeaf, leavesIn, pathLength, proveLeaf } from './leaf-path.ts';
import { LEAF_BYTES, PIECE_BYTES } from './manifest.ts';

it.each([
  1,
  LEAF_BYTES,
  LEAF_BYTES + 1,
  5 * LEAF_BYTES,
  PIECE_BYTES,
  PIECE_BYTES + 1,
  5 * PIECE_BYTES + 3 * LEAF_BYTES + 7,
])(
  'every leaf of a file of %i bytes is proved by the root of its manifest, and by no other place, size or byte',
  async (fileBytes) => {
    const model = await makeModel({ 'model.gguf': randomFile(fileBytes) });
    const { root } = model.manifest.files[0]!;
    const layer = model.layers[0]!;
    const leaves = leavesIn(fileBytes);
    for (let leaf = 0; leaf < leaves; leaf += 1 + Math.floor(leaves / 40)) {
      const piece = model.piece(Math.floor((leaf * LEAF_BYTES) / PIECE_BYTES));
      const proof = proveLeaf({ piece, layer, fileBytes }, leaf, nodeHasher);
      const holds = (place: number, over = {}, of = { root, fileBytes }) =>
        isLeaf(of, place, { ...proof, ...over }, nodeHasher);
      expect(holds(leaf)).toBe(true);
      if (leaves > 1) expect(holds((leaf + 1) % leaves)).toBe(false);
      expect(holds(leaf, { bytes: proof.bytes.with(0, proof.bytes[0]! ^ 1) })).toBe(false);
      expect(holds(leaf, { bytes: proof.bytes.subarray(1) })).toBe(false);
      expect(holds(leaf, { path: new Uint8Array(proof.path.byteLength + 32) })).toBe(false);
      expect(holds(leaf, {}, { root: root.map((byte) => byte ^ 1), fileBytes })).toBe(false);
    }
    expect(() => proveLeaf({ piece: model.piece(0).subarray(0, 0), layer, fileBytes }, 0, nodeHasher)).toThrow(
      RangeError,
    );
  },
);

it('a path has as many hashes as its tree has levels', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (fileBytes) => {
      const width = 2 ** pathLength(fileBytes);
      expect(width).toBeGreaterThanOrEqual(leavesIn(fileBytes));
      if (fileBytes > 2 * PIECE_BYTES) expect(width / 2).toBeLessThan(leavesIn(fileBytes));
    }),
  );
});
