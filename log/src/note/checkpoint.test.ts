import { hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCheckpoint, signCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { readCosignature } from './cosignature.ts';
import { leafHash } from '../base/hashing.ts';
import { noteKey, readKey, readSecretKey } from './key.ts';
import { openNote, readNote } from './note.ts';
import { isNoteText, utf8 } from '../base/text.ts';
import * as vector from '../testing/vectors.ts';

const ROOT = 'TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=';

describe('a checkpoint', () => {
  it("is written as in Go's tests", () => {
    const checkpoint = {
      origin: 'go.sum database tree',
      size: 123_456_789_012,
      root: leafHash(utf8('hello world')),
      extensions: [],
    };
    const text = `go.sum database tree\n123456789012\n${ROOT}\n`;
    expect(writeCheckpoint(checkpoint)).toBe(text);
    expect(readCheckpoint(text)).toEqual(checkpoint);
  });

  it('is read from the notes of the specifications and of running logs', () => {
    for (const note of [vector.COSIGNED, vector.SUMDB_NOTE, ...Object.values(vector.SIGSUM_NOTES)]) {
      const { text } = readNote(utf8(note))!;
      expect(writeCheckpoint(readCheckpoint(text)!)).toBe(text);
    }
    expect(readCheckpoint('Log\n3\n' + ROOT + '\nlots\nof\nlines\n')?.extensions).toEqual(['lots', 'of', 'lines']);
  });

  it('of running logs is signed by their keys', () => {
    const sigsum = noteKey(vector.SIGSUM_ORIGIN, 'note', hexToBytes(vector.SIGSUM_PUBLIC_KEY));
    for (const note of Object.values(vector.SIGSUM_NOTES)) {
      expect(openNote(readNote(utf8(note))!, [sigsum])).not.toBeNull();
    }
    // The specification's example is one of Go's checksum database under another name.
    const renamed = vector.COSIGNED.replace(/^example.*/, 'go.sum database tree').replace(
      '— example.com/behind-the-sofa',
      '— sum.golang.org',
    );
    const opened = openNote(readNote(utf8(renamed))!, [readKey(vector.SUMDB_KEY)!]);
    expect(opened?.checked).toHaveLength(1);
    expect(readCosignature(opened!.unknown[0]!.bytes)?.timeS).toBe(1_679_315_147);
  });

  it.each([
    ['', 'nothing'],
    ['Head\n9944\n', 'too few lines'],
    [`\n9944\n${ROOT}\n`, 'no origin'],
    [`Log\n123\n${ROOT}`, 'no last newline'],
    [`Lo\u0000g\n123\n${ROOT}\n`, 'a control character'],
    [`Log\ud800\n123\n${ROOT}\n`, 'half a character'],
    [`Log\nbananas\n${ROOT}\n`, 'no number'],
    [`Log\n-34\n${ROOT}\n`, 'a negative size'],
    [`Log\n+34\n${ROOT}\n`, 'a sign'],
    [`Log\n034\n${ROOT}\n`, 'a leading zero'],
    [`Log\n0x12\n${ROOT}\n`, 'a size in another base'],
    [`Log\n3 \n${ROOT}\n`, 'a space'],
    [`Log\n٣\n${ROOT}\n`, 'digits of another script'],
    [`Log\n1e3\n${ROOT}\n`, 'an exponent'],
    [`Log\n9007199254740992\n${ROOT}\n`, 'a size past 2^53'],
    [`Log\n3438945738945739845734895735\n${ROOT}\n`, 'a huge size'],
    [`Log\n123\nThisIsn'tBase64\n`, 'no Base 64'],
    [`Log\n123\nYmFuYW5hcw==\n`, 'a short hash'],
    [`Log\n123\n${ROOT.replace('0=', '1=')}\n`, 'bits after the end of the hash'],
    [`Log\n123\n${ROOT.slice(0, -1)}\n`, 'no padding'],
    [`Log\n9944\n${ROOT}\n\n`, 'an empty extension line'],
    [`Log\n9944\n${ROOT}\na\n\nb\n`, 'an empty line between'],
  ])('is refused: %j (%s)', (text) => {
    expect(readCheckpoint(text)).toBeNull();
  });

  it('that could not be read again is not written', () => {
    const good = { origin: 'a', size: 1, root: new Uint8Array(32), extensions: [] };
    for (const bad of [
      { origin: '' },
      { origin: 'a\nb' },
      { origin: 'a\u0000' },
      { size: -1 },
      { size: 1.5 },
      { size: 2 ** 53 },
      { root: new Uint8Array(31) },
      { extensions: [''] },
      { extensions: ['a\n'] },
    ]) {
      expect(() => writeCheckpoint({ ...good, ...bad })).toThrow(RangeError);
    }
  });

  it('is signed by its log', async () => {
    const signer = readSecretKey(vector.PETER_SECRET)!;
    const checkpoint = { origin: 'PeterNeumann', size: 7, root: new Uint8Array(32).fill(9), extensions: [] };
    const note = readNote(utf8(await signCheckpoint(checkpoint, signer, 1)))!;
    expect(readCheckpoint(openNote(note, [signer.key])!.text)).toEqual(checkpoint);
  });

  it('comes back as it was written, whatever it says', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !text.includes('\n') && isNoteText(text)),
        fc.maxSafeNat(),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (origin, size, root) => {
          const checkpoint = { origin, size, root, extensions: [] };
          expect(readCheckpoint(writeCheckpoint(checkpoint))).toEqual(checkpoint);
        },
      ),
    );
  });
});
