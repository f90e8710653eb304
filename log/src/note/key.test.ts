import { hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import { signWith } from '../base/ed25519.ts';
import { noteKey, readKey, readSecretKey, writeKey, writeSecretKey } from './key.ts';
import * as vector from '../testing/vectors.ts';

const KEYS = [vector.SPEC_KEY, vector.PETER, vector.ENOCH, vector.SUMDB_KEY, vector.WITNESS_KEY];

describe('a key', () => {
  it.each(KEYS)('is read and written as others do: %s', (text) => {
    const key = readKey(text);
    expect(key).not.toBeNull();
    expect(writeKey(key!)).toBe(text);
  });

  it('signs a note, or as a witness: its type is a part of its id', () => {
    expect(readKey(vector.PETER)?.type).toBe('note');
    expect(readKey(vector.WITNESS_KEY)?.type).toBe('cosignature');
    const { name, publicKey, id } = readKey(vector.PETER)!;
    expect(noteKey(name, 'cosignature', publicKey).id).not.toBe(id);
  });

  it("is refused in every mangled form that Go's tests know", () => {
    for (let from = 0; from <= vector.PETER.length; from += 1) {
      for (let to = from + 1; to <= vector.PETER.length; to += 1) {
        if (to - from < vector.PETER.length) expect(readKey(vector.PETER.slice(from, to))).toBeNull();
      }
    }
    const chars = vector.PETER.split('');
    for (const [at, char] of chars.entries()) {
      const next = String.fromCharCode(char.charCodeAt(0) + 1);
      expect(readKey(chars.with(at, next).join('')), `${at}`).toBeNull();
    }
    // One is too long, one of an unknown type; the ids fit them.
    expect(readKey('PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==')).toBeNull();
    expect(readKey('PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')).toBeNull();
  });

  it('is refused with a name that hides what it is', () => {
    const { publicKey } = readKey(vector.PETER)!;
    for (const name of ['', 'a b', 'a\u00a0b', 'a\u2003b', 'a\u0085b', 'a+b', 'a\nb', 'a\tb', '\ud800']) {
      expect(() => noteKey(name, 'note', publicKey), JSON.stringify(name)).toThrow(RangeError);
    }
    // Another letter is another key, however alike they look.
    expect(noteKey('\u212aey', 'note', publicKey).id).not.toBe(noteKey('Key', 'note', publicKey).id);
    expect(readKey(vector.PETER.replace('Peter', 'P\u0435ter'))).toBeNull();
    expect(readKey(`${'n'.repeat(2_000)}${vector.PETER}`)).toBeNull();
  });
});

describe('a secret key', () => {
  it('is read and written as Go does', () => {
    const signer = readSecretKey(vector.PETER_SECRET);
    expect(writeKey(signer!.key)).toBe(vector.PETER);
    const seed = hexToBytes(vector.TORCHWOOD_SEED);
    const text = writeSecretKey('example.com/witness', 'cosignature', seed);
    expect(readSecretKey(text)?.key.publicKey).toEqual(signWith(seed).publicKey);
    expect(readSecretKey(text)?.key.publicKey).toEqual(hexToBytes(vector.TORCHWOOD_PUBLIC_KEY));
  });

  it('is refused in every mangled form', () => {
    const chars = vector.PETER_SECRET.split('');
    for (const [at, char] of chars.entries()) {
      const next = String.fromCharCode(char.charCodeAt(0) + 1);
      expect(readSecretKey(chars.with(at, next).join('')), `${at}`).toBeNull();
      expect(readSecretKey(vector.PETER_SECRET.slice(0, at))).toBeNull();
    }
    expect(readSecretKey(vector.PETER)).toBeNull();
  });
});
