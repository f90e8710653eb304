import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { toBase32 } from '../base/base32.ts';
import { newPeerId, type ModelId, type PeerId } from '../base/ids.ts';
import { randomBytes } from '../base/random-bytes.ts';
import { ed25519 } from '@noble/curves/ed25519.js';
import { canonical } from '../wire/canonical.ts';
import type { Attestation } from '../wire/attestation.ts';
import { ModelAdvertSchema, type ModelAdvert } from '../wire/model-advert.ts';
import { admitted, attested, type Subject, type Verifier } from './attestation.ts';

const vendorKey = randomBytes(32);
const vendorPublic = ed25519.getPublicKey(vendorKey);
const statement = ({ provider, file }: Subject, until: number) => canonical(['quote', provider, file, until]);

/** A vendor that signs which program runs for which provider, until when: the quote ends with the hour. */
function quoteOf(subject: Subject, until: number, key = vendorKey): Uint8Array {
  const hour = new Uint8Array(4);
  new DataView(hour.buffer).setUint32(0, until);
  return new Uint8Array([...ed25519.sign(statement(subject, until), key), ...hour]);
}

const vendor: Verifier = {
  kind: 'tee',
  name: 'example',
  check: (quote, subject) => {
    if (quote.byteLength !== 68) return false;
    const until = new DataView(quote.buffer, quote.byteOffset).getUint32(64);
    return (
      until >= subject.nowSeconds && ed25519.verify(quote.subarray(0, 64), statement(subject, until), vendorPublic)
    );
  },
};

const subject: Subject = { provider: newPeerId(), file: 'ab'.repeat(32), nowSeconds: 1_000 };
const tee = (quote: Uint8Array, by = 'example'): Attestation => ({ kind: 'tee', vendor: by, quote: toBase32(quote) });

describe('an attestation', () => {
  it('is verified by who knows its vendor, for this provider, this file and now', () => {
    const good = quoteOf(subject, 2_000);
    expect(attested(tee(good), subject, [vendor])).toBe('verified');
    const otherPeer = { ...subject, provider: newPeerId() };
    const otherFile = { ...subject, file: 'cd'.repeat(32) };
    const late = { ...subject, nowSeconds: 2_001 };
    for (const other of [otherPeer, otherFile, late]) expect(attested(tee(good), other, [vendor])).toBe('refuted');
    expect(attested(tee(quoteOf(subject, 2_000, randomBytes(32))), subject, [vendor])).toBe('refuted');
    expect(attested(tee(good.subarray(1)), subject, [vendor])).toBe('refuted');
  });

  it('is not checked, and worth nothing, where nobody here can verify it', () => {
    const good = quoteOf(subject, 2_000);
    for (const claim of [
      undefined,
      { kind: 'none' } as const,
      tee(good, 'unknown'),
      { kind: 'zk', system: 'example', proof: toBase32(good) } as const,
    ]) {
      expect(attested(claim, subject, [vendor])).toBe('not checked');
    }
  });

  it('decides who may answer: where it is asked for, and never for who lies', () => {
    const peers = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32) as PeerId);
    const of = (i: number): Subject => ({ ...subject, provider: peers[i]! });
    const claims = [
      tee(quoteOf(of(0), 2_000)),
      undefined,
      tee(quoteOf(of(2), 2_000), 'unknown'),
      // Another's.
      tee(quoteOf(of(0), 2_000)),
    ];
    const candidates = claims.map((attestation, i) => {
      const model = { ...advert, ...(attestation !== undefined && { attestation }) };
      return { peerId: peers[i]!, model };
    });
    const names = (attestedBy?: string | null) => {
      const wanted = attestedBy === undefined ? {} : { attestedBy };
      return admitted(candidates, wanted, [vendor], subject.nowSeconds).map(({ peerId }) => peerId[0]);
    };
    expect(names()).toEqual(['a', 'b', 'c']);
    expect(names(null)).toEqual(['a']);
    expect(names('example')).toEqual(['a']);
    expect(names('unknown')).toEqual([]);
  });

  it('travels in adverts; one of a kind that is not known here is none, and its model is still offered', () => {
    const attestation = tee(quoteOf(subject, 2_000));
    expect(v.parse(ModelAdvertSchema, { ...advert, attestation }).attestation).toEqual(attestation);
    const odd = [
      { kind: 'oracle' },
      { ...attestation, quote: 'a'.repeat(20_000) },
      { ...attestation, vendor: 'Ex ample' },
    ];
    for (const one of odd)
      expect(v.parse(ModelAdvertSchema, { ...advert, attestation: one }).attestation).toEqual({ kind: 'none' });
  });
});

const advert: ModelAdvert = {
  id: 'tiny' as ModelId,
  name: 'Tiny',
  quant: 'q8',
  format: 'gguf',
  backend: 'cpu',
  contextTokens: 512,
  sha256: 'ab'.repeat(32),
  tokensPerSecond: null,
  continues: 'ids',
};
