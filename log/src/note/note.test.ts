import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSignature, signWith } from '../base/ed25519.ts';
import { noteKey, readKey, readSecretKey, type NoteKey } from './key.ts';
import { MAX_SIGNATURES, openNote, readNote, signText, writeNote, type NoteSignature } from './note.ts';
import { utf8 } from '../base/text.ts';
import * as vector from '../testing/vectors.ts';

const peter = readKey(vector.PETER)!;
const enoch = readKey(vector.ENOCH)!;
const open = (text: string, ...keys: NoteKey[]) => {
  const note = readNote(utf8(text));
  return note === null ? 'malformed' : openNote(note, keys);
};

describe('a note', () => {
  it.each([vector.SPEC_NOTE, vector.POEM, vector.SUMDB_NOTE, vector.COSIGNED])(
    'is read and written alike: %s',
    (text) => {
      expect(writeNote(readNote(utf8(text))!)).toBe(text);
    },
  );

  it('of the specification is signed by its key', () => {
    const opened = open(vector.SPEC_NOTE, readKey(vector.SPEC_KEY)!);
    expect(opened).toMatchObject({ text: 'This is an example message.\n', unknown: [] });
    expect(open(vector.SUMDB_NOTE, readKey(vector.SUMDB_KEY)!)).toMatchObject({ unknown: [] });
  });

  it('may have empty lines: the last one ends its text', () => {
    expect(readNote(utf8(vector.POEM))?.text).toMatch(/sole:\n\ned è subito sera.\n$/);
  });

  it('is signed as Go signs it', async () => {
    const signature = await signText(vector.GO_TEXT, readSecretKey(vector.PETER_SECRET)!, 0);
    expect(writeNote({ text: vector.GO_TEXT, signatures: [signature] })).toBe(
      `${vector.GO_TEXT}\n${vector.PETER_LINE}`,
    );
  });

  it('is opened as Go opens it', () => {
    const both = `${vector.GO_TEXT}\n${vector.PETER_LINE}${vector.ENOCH_LINE}`;
    expect(open(both, peter)).toMatchObject({ checked: [{ key: peter }], unknown: [{ name: 'EnochRoot' }] });
    expect(open(both, peter, enoch)).toMatchObject({ checked: [{ key: peter }, { key: enoch }], unknown: [] });
    expect(open(both)).toBeNull();
    const altered = `${vector.ENOCH_LINE.slice(0, 60)}ABCD${vector.ENOCH_LINE.slice(60)}`;
    const repeated = `${both}${vector.PETER_LINE}${vector.ENOCH_LINE}${altered}`;
    const opened = open(repeated, peter);
    expect(opened).toMatchObject({ checked: [{ key: peter }] });
    expect(opened).toHaveProperty('unknown.length', 2);
  });

  it('is worth nothing with one wrong signature by a known key', () => {
    const wrong = `${vector.PETER_LINE.slice(0, 60)}ABCD${vector.PETER_LINE.slice(60)}`;
    expect(open(`${vector.GO_TEXT}\n${wrong}`, peter)).toBeNull();
    expect(open(`${vector.GO_TEXT}\n${vector.ENOCH_LINE}${wrong}`, peter, enoch)).toBeNull();
    expect(open(`x${vector.GO_TEXT}\n${vector.PETER_LINE}`, peter)).toBeNull();
  });

  it('has the form of a note, or is none', () => {
    const text = vector.GO_TEXT;
    const line = vector.PETER_LINE;
    for (const bad of [
      '',
      '\n\n',
      text,
      `${text}\n`,
      `${text}\n${line.slice(0, -1)}`,
      `\u0001${text}\n${line}`,
      `${text.replace('\n', '\r\n')}\n${line}`,
      `a\tb\n\n${line}`,
      `${text}\n${line.replace('PeterNeumann', 'Bad Name')}`,
      `${text}\n${line.replace('PeterNeumann', 'a+b')}`,
      `${text}\n${line.replace('PeterNeumann', 'a\u2028b')}`,
      `${text}\n${line.replace('—', '-')}`,
      `${text}\n${line.replace('=', '')}`,
      `${text}\n${line.replace('\n', ' \n')}`,
      `${text}\n— PeterNeumann x08goQ\n`,
      `${text}\n— PeterNeumann x08gow==\n`,
      `${text}\n${line}Unexpected line.\n`,
      `${text}\n${line}\n`,
      `${text}\n${line.repeat(MAX_SIGNATURES + 1)}`,
      `${'x'.repeat(200_000)}\n\n${line}`,
    ]) {
      expect(readNote(utf8(bad)), JSON.stringify(bad.slice(0, 200))).toBeNull();
    }
    expect(readNote(Uint8Array.of(0xff, ...utf8(`${text}\n${line}`)))).toBeNull();
  });

  it('carries at least sixteen signatures of five kilobytes', () => {
    const signatures = Array.from({ length: 16 }, (_, i) => ({
      name: `example.com/${i}`,
      id: '00000000',
      bytes: new Uint8Array(5_000),
    }));
    expect(readNote(utf8(writeNote({ text: 'a\n', signatures })))?.signatures).toHaveLength(16);
  });

  it('costs as many checks as it has right signatures, and one', () => {
    let checks = 0;
    const signatures: NoteSignature[] = Array.from({ length: MAX_SIGNATURES }, (_, i) => ({
      name: peter.name,
      id: peter.id,
      bytes: new Uint8Array(64).fill(i),
    }));
    const opened = openNote({ text: 'a\n', signatures }, [peter], (...args) => {
      checks += 1;
      return checkSignature(...args);
    });
    expect(opened).toBeNull();
    expect(checks).toBe(1);
  });

  it('is signed with the time by a witness, and only by a key of that kind', async () => {
    const { publicKey, sign } = signWith(new Uint8Array(32).fill(1));
    const witness = noteKey('w', 'cosignature', publicKey);
    const signature = await signText('a\n', { key: witness, sign }, 1_679_315_147);
    const text = writeNote({ text: 'a\n', signatures: [signature] });
    expect(open(text, witness)).toMatchObject({ checked: [{ timeS: 1_679_315_147 }] });
    expect(open(text, { ...witness, type: 'note' })).toBeNull();
    const later = signature.bytes.with(7, signature.bytes[7]! + 1);
    expect(openNote({ text: 'a\n', signatures: [{ ...signature, bytes: later }] }, [witness])).toBeNull();
  });

  it('cannot be read from any bytes but those that were written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const note = readNote(bytes);
        if (note !== null) expect(utf8(writeNote(note))).toEqual(bytes);
      }),
    );
    const good = utf8(vector.SPEC_NOTE);
    const key = readKey(vector.SPEC_KEY)!;
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const note = readNote(good.with(at, good[at]! ^ by));
        expect(note === null ? null : openNote(note, [key])).toBeNull();
      }),
    );
  });
});
