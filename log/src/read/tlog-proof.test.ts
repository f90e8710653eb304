import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signWith } from '../base/ed25519.ts';
import { LogError } from '../base/log-error.ts';
import { utf8 } from '../base/text.ts';
import { writeCheckpoint } from '../note/checkpoint.ts';
import { noteKey, writeKey, type KeyType } from '../note/key.ts';
import { signText, writeNote } from '../note/note.ts';
import { inclusionProof } from '../tree/proof.ts';
import { readPolicy } from '../witness/policy.ts';
import { checkTlogProof, readTlogProof, writeTlogProof, type TlogProof } from './tlog-proof.ts';
import { logOf, someLeaves } from '../testing/memory-tiles.ts';

const [h1, h2] = ['hash1', 'hash2'].map((text) => sha256(utf8(text)));
const b64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const extra = utf8('extra information');

describe('the file of a proof', () => {
  // transparency-dev/formats, proof/tlog_proof_test.go.
  it.each([
    [
      { extra: null, index: 5, hashes: [h1!, h2!], note: 'test checkpoint\n' },
      `c2sp.org/tlog-proof@v1\nindex 5\n${b64(h1!)}\n${b64(h2!)}\n\ntest checkpoint\n`,
    ],
    [
      { extra, index: 10, hashes: [h1!], note: 'checkpoint data\n' },
      `c2sp.org/tlog-proof@v1\nextra ${b64(extra)}\nindex 10\n${b64(h1!)}\n\ncheckpoint data\n`,
    ],
    [{ extra: null, index: 0, hashes: [], note: 'checkpoint\n' }, 'c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n'],
  ])('is written and read as in the other implementation', (proof, text) => {
    expect(writeTlogProof(proof)).toBe(text);
    expect(readTlogProof(utf8(text))).toEqual(proof);
  });

  it.each([
    ['wrong-header\nindex 0\n\ncheckpoint\n'],
    ['c2sp.org/tlog-proof@v2\nindex 0\n\ncheckpoint\n'],
    ['c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n'],
    ['c2sp.org/tlog-proof@v1\nextra YQ==\nextra YQ==\nindex 0\n\ncheckpoint\n'],
    ['c2sp.org/tlog-proof@v1\nindex 0\nextra YQ==\n\ncheckpoint\n'],
    ['c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n'],
    ['c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n'],
    ['c2sp.org/tlog-proof@v1\nindex -5\n\ncheckpoint\n'],
    ['c2sp.org/tlog-proof@v1\nindex 05\n\ncheckpoint\n'],
    ['c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\ncheckpoint\n'],
    [`c2sp.org/tlog-proof@v1\nindex 0\n${b64(new Uint8Array(64))}\n\ncheckpoint\n`],
    [`c2sp.org/tlog-proof@v1\nindex 0\n${'a'.repeat(65 * 1024)}\n`],
    [`c2sp.org/tlog-proof@v1\nindex 0\n${`${b64(h1!)}\n`.repeat(64)}\ncheckpoint\n`],
    [`c2sp.org/tlog-proof@v1\nextra ${b64(new Uint8Array(98_307))}\nindex 0\n\ncheckpoint\n`],
    ['c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\ncheckpoint\r\n'],
    ['c2sp.org/tlog-proof@v1\nindex 0\n\n'],
    ['c2sp.org/tlog-proof@v1\nindex 0\n'],
    [''],
  ])('is refused: %j', (text) => {
    expect(readTlogProof(utf8(text))).toBeNull();
  });
});

describe('a proof', () => {
  const signer = (name: string, seed: number, type: KeyType) => {
    const { publicKey, sign } = signWith(new Uint8Array(32).fill(seed));
    return { key: noteKey(name, type, publicKey), sign };
  };
  const log = signer('example.com/log', 1, 'note');
  const witnesses = [2, 3, 4].map((seed) => signer(`w${seed}`, seed, 'cosignature'));
  const policy = readPolicy(
    utf8(
      `log ${writeKey(log.key)}\n${witnesses.map(({ key }) => `witness ${key.name} ${writeKey(key)}\n`).join('')}group g 2 w2 w3 w4\nquorum g\n`,
    ),
  );
  const LEAVES = someLeaves(300);
  const written = logOf(LEAVES);
  const proofOf = async (index: number, cosigners = witnesses): Promise<TlogProof> => {
    const { tiles, root } = await written;
    const text = writeCheckpoint({ origin: log.key.name, size: LEAVES.length, root, extensions: [] });
    const signatures = await Promise.all([log, ...cosigners].map((each) => signText(text, each, 1_800_000_000)));
    return {
      extra,
      index,
      hashes: await inclusionProof(tiles.source(300), index, 300),
      note: writeNote({ text, signatures }),
    };
  };
  const outcome = (proof: TlogProof | null, leaf: Uint8Array) => {
    try {
      return proof === null ? 'unread' : checkTlogProof(proof, leaf, policy).witnesses.length;
    } catch (error) {
      return error instanceof LogError ? error.code : error;
    }
  };

  it('shows offline that this leaf is at this place, before enough witnesses', async () => {
    for (const index of [0, 1, 255, 256, 299]) {
      const proof = readTlogProof(utf8(writeTlogProof(await proofOf(index))));
      expect(outcome(proof, LEAVES[index]!)).toBe(3);
      expect(outcome(proof, LEAVES[(index + 1) % 300]!)).toBe('inconsistent');
      expect(outcome({ ...proof!, index: (index + 1) % 300 }, LEAVES[index]!)).toBe('inconsistent');
      expect(outcome({ ...proof!, hashes: proof!.hashes.slice(1) }, LEAVES[index]!)).toBe('inconsistent');
    }
    expect(outcome(await proofOf(7, witnesses.slice(0, 2)), LEAVES[7]!)).toBe(2);
    expect(outcome(await proofOf(7, witnesses.slice(0, 1)), LEAVES[7]!)).toBe('not_final');
    expect(outcome({ ...(await proofOf(7)), note: 'checkpoint\n' }, LEAVES[7]!)).toBe('malformed');
  });

  it('shows nothing with one bit changed, but for what is told besides', async () => {
    const bytes = utf8(writeTlogProof(await proofOf(7)));
    const told = new TextDecoder().decode(bytes).indexOf('\nindex');
    fc.assert(
      fc.property(fc.integer({ min: told, max: bytes.length - 1 }), fc.nat(7), (at, bit) => {
        const changed = outcome(readTlogProof(bytes.with(at, bytes[at]! ^ (1 << bit))), LEAVES[7]!);
        // A witness whose name is another one now is unknown, and two are enough.
        if (changed !== 2) expect(changed).toBeTypeOf('string');
      }),
      { numRuns: 60 },
    );
  });
});
