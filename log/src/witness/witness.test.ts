import { hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { fromBase64 } from '../base/base64.ts';
import { signWith } from '../base/ed25519.ts';
import { EMPTY_ROOT } from '../base/hashing.ts';
import { utf8 } from '../base/text.ts';
import { signCheckpoint } from '../note/checkpoint.ts';
import { noteKey, readKey, readSecretKey, type NoteKey } from '../note/key.ts';
import { openNote, readNote, writeNote } from '../note/note.ts';
import { consistencyProof, rootOf } from '../tree/proof.ts';
import { readAddCheckpoint, readConflict, withCosignatures, writeAddCheckpoint } from './add-checkpoint.ts';
import { Witness } from './witness.ts';
import { logOf, someLeaves } from '../testing/memory-tiles.ts';
import { MemoryWitness } from '../testing/memory-witness.ts';
import * as vector from '../testing/vectors.ts';

const signed = signWith(hexToBytes(vector.TORCHWOOD_SEED));
const key = noteKey('example.com/witness', 'cosignature', signed.publicKey);
const sigsum = noteKey(vector.SIGSUM_ORIGIN, 'note', hexToBytes(vector.SIGSUM_PUBLIC_KEY));
const monkeys = readKey(vector.MONKEYS_KEY)!;
const LOGS: Record<string, NoteKey[]> = {
  [vector.SIGSUM_ORIGIN]: [sigsum],
  monkeys: [monkeys],
  'go.sum database tree': [readKey(vector.SUMDB_KEY)!],
};
let state: MemoryWitness;
let nowS: number;
let witness: Witness;

beforeEach(() => {
  state = new MemoryWitness();
  nowS = 1_800_000_000;
  witness = new Witness({
    signers: [{ key, sign: signed.sign }],
    keysOf: (origin) => (Object.hasOwn(LOGS, origin) ? LOGS[origin]! : []),
    state,
    nowS: () => nowS,
  });
});

const ask = (old: number, proof: readonly string[], note: string) =>
  witness.addCheckpoint(utf8([`old ${old}`, ...proof, '', note].join('\n')));

describe('a request', () => {
  it('is read and written as in the specification', () => {
    const request = readAddCheckpoint(utf8(vector.WITNESS_REQUEST));
    expect(request).toMatchObject({ oldSize: 20_852_014 });
    expect(request?.proof).toHaveLength(4);
    expect(writeAddCheckpoint(request!)).toBe(vector.WITNESS_REQUEST);
  });

  it.each([
    ['nothing', ''],
    ['no old size', vector.WITNESS_REQUEST.replace(/^old.*\n/, '')],
    ['a leading zero', vector.WITNESS_REQUEST.replace('old 2', 'old 02')],
    ['a negative size', vector.WITNESS_REQUEST.replace('old 2', 'old -2')],
    ['two spaces', vector.WITNESS_REQUEST.replace('old ', 'old  ')],
    ['a huge size', vector.WITNESS_REQUEST.replace('old 20852014', `old ${'9'.repeat(40)}`)],
    ['a short hash', vector.WITNESS_REQUEST.replace('PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=', 'PlRN')],
    ['64 hashes', vector.WITNESS_REQUEST.replace('\n', `\n${`${'A'.repeat(43)}=\n`.repeat(60)}`)],
    ['no empty line', vector.WITNESS_REQUEST.replace('\n\n', '\n')],
    ['no checkpoint', 'old 0\n\n'],
    ['bytes after its end', `${vector.WITNESS_REQUEST}x`],
    ['carriage returns', vector.WITNESS_REQUEST.replaceAll('\n', '\r\n')],
    ['too many bytes', vector.WITNESS_REQUEST.replace('old ', `${'x'.repeat(200_000)}old `)],
  ])('is refused with %s', async (_, body) => {
    expect(await witness.addCheckpoint(utf8(body))).toMatchObject({ status: 400, fork: null });
  });
});

describe('a witness', () => {
  it("answers torchwood's requests as torchwood does, but for the 404 that the specification asks for", async () => {
    const notes = vector.SIGSUM_NOTES;
    const proofs = vector.SIGSUM_PROOFS;
    expect(await ask(0, [], notes[1])).toMatchObject({
      status: 200,
      body: expect.stringContaining('— example.com/witness'),
    });
    expect(await ask(1, proofs['1-3'], notes[3].replace('x6go=', 'x6gx='))).toMatchObject({ status: 400 });
    expect(await ask(1, proofs['1-3'], notes[3].replace('x6go=', 'x6gw='))).toMatchObject({ status: 403 });
    expect(await ask(1, proofs['1-3'], notes[3].replaceAll('e562', 'e563'))).toMatchObject({ status: 404 });
    expect(await ask(1, [], notes[3])).toMatchObject({ status: 422 });
    const altered = proofs['1-3'][1].replace('AA=', 'BA=');
    expect(await ask(1, [proofs['1-3'][0], altered], notes[3])).toMatchObject({ status: 422 });
    expect(await ask(1, proofs['1-3'], notes[3])).toMatchObject({ status: 200 });
    expect(await ask(1, proofs['1-5'], notes[5])).toMatchObject({ status: 409, body: '3\n', type: 'text/x.tlog.size' });
    expect(await ask(3, proofs['3-5'], notes[5])).toMatchObject({ status: 200 });
    expect(await ask(0, [], notes[5])).toMatchObject({ status: 409, body: '5\n' });
    expect(await ask(0, [], vector.SUMDB_NOTE)).toMatchObject({ status: 200 });
  });

  it("answers omniwitness's cases as omniwitness does", async () => {
    const proof = vector.MONKEYS_PROOF.map((hex) => Buffer.from(hexToBytes(hex)).toString('base64'));
    const signer = readSecretKey(vector.MONKEYS_SECRET)!;
    const at = (size: number, root: Uint8Array) =>
      signCheckpoint({ origin: 'monkeys', size, root, extensions: [] }, signer, 0);
    expect(await ask(0, [], await at(0, EMPTY_ROOT))).toMatchObject({ status: 200 });
    expect(await ask(0, proof, vector.MONKEYS_5)).toMatchObject({ status: 422 });
    expect(await ask(0, [], vector.MONKEYS_5)).toMatchObject({ status: 200 });
    expect(await ask(2, proof, vector.MONKEYS_8)).toMatchObject({ status: 409, body: '5\n' });
    expect(await ask(5, proof.slice(1), vector.MONKEYS_8)).toMatchObject({ status: 422 });
    const root = fromBase64('41smjBUiAU70EtKlT6lIOIYtRTYxYXsDB+XHfcvu/BE=')!;
    expect(await ask(5, [], await at(5, root))).toMatchObject({ status: 200 });
    expect(await ask(5, proof, vector.MONKEYS_8)).toMatchObject({ status: 200 });
    expect(await ask(8, proof, vector.MONKEYS_5)).toMatchObject({ status: 400 });
  });

  it('signs no empty tree that has a root of its own', async () => {
    const note = await signCheckpoint(
      { origin: 'monkeys', size: 0, root: new Uint8Array(32), extensions: [] },
      readSecretKey(vector.MONKEYS_SECRET)!,
      0,
    );
    expect(await ask(0, [], note)).toMatchObject({ status: 422 });
  });

  it('gives signatures that verify, and keeps the note with them', async () => {
    const { body } = await ask(0, [], vector.SIGSUM_NOTES[1]);
    const note = readNote(utf8(vector.SIGSUM_NOTES[1]))!;
    const whole = withCosignatures(note, utf8(body), [key])!;
    expect(openNote(whole, [sigsum, key])?.checked).toMatchObject([{ timeS: null }, { timeS: 1_800_000_000 }]);
    expect(state.last.get(vector.SIGSUM_ORIGIN)?.note).toBe(writeNote(whole));
    // It signs again, later, what it signed before; the newer signature replaces the older.
    nowS += 60;
    const again = withCosignatures(whole, utf8((await ask(1, [], vector.SIGSUM_NOTES[1])).body), [key])!;
    expect(openNote(again, [key])?.checked).toMatchObject([{ timeS: 1_800_000_060 }]);
  });

  it('does not go back in time with its clock', async () => {
    await ask(0, [], vector.SIGSUM_NOTES[1]);
    nowS -= 3_600;
    await ask(1, vector.SIGSUM_PROOFS['1-3'], vector.SIGSUM_NOTES[3]);
    expect(state.last.get(vector.SIGSUM_ORIGIN)).toMatchObject({ size: 3, timeS: 1_800_000_000 });
  });

  it('signs one of two that continue the same checkpoint, when both come at once', async () => {
    await ask(0, [], vector.SIGSUM_NOTES[1]);
    // Both have been read and found right before either is put down.
    let arrived = 0;
    let release = (): void => undefined;
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    state.onPut = () => {
      arrived += 1;
      if (arrived === 2) release();
      return both;
    };
    const answers = await Promise.all([
      ask(1, vector.SIGSUM_PROOFS['1-5'], vector.SIGSUM_NOTES[5]),
      ask(1, vector.SIGSUM_PROOFS['1-3'], vector.SIGSUM_NOTES[3]),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    const [winner, loser] = answers[0].status === 200 ? answers : answers.toReversed();
    expect(winner?.body).toContain('— example.com/witness');
    expect(readConflict(utf8(loser!.body))).toBe(state.last.get(vector.SIGSUM_ORIGIN)?.size);
  });

  it('never signs two faces of a log, whatever it is shown in whatever order', async () => {
    const signer = readSecretKey(vector.MONKEYS_SECRET)!;
    // Two logs under one key that part at their fifth leaf.
    const faces = await Promise.all(
      [someLeaves(12), [...someLeaves(4), ...someLeaves(8, 100)]].map(async (leaves) =>
        (await logOf(leaves)).tiles.source(12),
      ),
    );
    const notes = await Promise.all(
      faces.map((source) =>
        Promise.all(
          Array.from({ length: 13 }, async (_, size) => {
            const root = await rootOf(source, size);
            const text = await signCheckpoint({ origin: 'monkeys', size, root, extensions: [] }, signer, 0);
            return readNote(utf8(text))!;
          }),
        ),
      ),
    );
    let signatures = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(1), fc.nat(12), fc.option(fc.nat(12), { freq: 1 })), { minLength: 1, maxLength: 10 }),
        async (shown) => {
          state.last.clear();
          const cosigned = new Set<number>();
          for (const [face, size, lied] of shown) {
            const oldSize = lied ?? state.last.get('monkeys')?.size ?? 0;
            const proof = oldSize <= size ? await consistencyProof(faces[face]!, oldSize, size) : [];
            const request = writeAddCheckpoint({ oldSize, proof, note: notes[face]![size]! });
            if ((await witness.addCheckpoint(utf8(request))).status !== 200) continue;
            signatures += 1;
            if (size > 4) cosigned.add(face);
          }
          expect(cosigned.size).toBeLessThan(2);
        },
      ),
      { numRuns: 25 },
    );
    expect(signatures).toBeGreaterThan(5);
  });

  it('has both faces of a log that shows it two of one size', async () => {
    await ask(0, [], vector.MONKEYS_5);
    const note = await signCheckpoint(
      { origin: 'monkeys', size: 5, root: new Uint8Array(32).fill(9), extensions: [] },
      readSecretKey(vector.MONKEYS_SECRET)!,
      0,
    );
    const { status, fork } = await ask(5, [], note);
    expect(status).toBe(422);
    expect(fork).toMatchObject({ origin: 'monkeys', size: 5, shown: note });
    expect(openNote(readNote(utf8(fork!.seen))!, [monkeys])).not.toBeNull();
  });

  it('signs nothing that it could not put down', async () => {
    state.onPut = () => Promise.reject(new Error('The disk is full.'));
    await expect(ask(0, [], vector.MONKEYS_5)).rejects.toThrow('The disk is full.');
    expect(state.last.size).toBe(0);
  });

  it('has keys that sign the time', () => {
    const signers = [readSecretKey(vector.MONKEYS_SECRET)!];
    expect(() => new Witness({ signers, keysOf: () => [], state, nowS: () => 1 })).toThrow(RangeError);
    expect(() => new Witness({ signers: [], keysOf: () => [], state, nowS: () => 1 })).toThrow(RangeError);
  });
});

describe("a witness's answer", () => {
  it('counts only as far as it is by keys that are known, and right', async () => {
    const { body } = await ask(0, [], vector.SIGSUM_NOTES[1]);
    const note = readNote(utf8(vector.SIGSUM_NOTES[1]))!;
    expect(withCosignatures(note, utf8(body), [])).toBeNull();
    expect(withCosignatures(note, utf8(body.slice(0, -1)), [key])).toBeNull();
    expect(withCosignatures(note, utf8(`${body}nonsense\n`), [key])).toBeNull();
    expect(withCosignatures({ ...note, text: `${note.text}x\n` }, utf8(body), [key])).toBeNull();
    expect(withCosignatures(note, utf8(vector.PETER_LINE + body), [key])?.signatures).toHaveLength(2);
    for (const bad of ['', '5', '05\n', '5\n\n', 'x\n', `${'1'.repeat(40)}\n`])
      expect(readConflict(utf8(bad))).toBeNull();
  });
});
