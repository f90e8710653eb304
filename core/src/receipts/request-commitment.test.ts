import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelId } from '../base/ids.ts';
import { requestCommitment, type Committed } from './request-commitment.ts';

const committed: fc.Arbitrary<Committed> = fc.record({
  task: fc.constantFrom('chat', 'completion', 'embedding'),
  model: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,9}$/).map((id) => id as ModelId),
  file: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/)),
  input: fc.uint8Array({ maxLength: 40 }),
  maxUnits: fc.integer({ min: 1, max: 1e6 }),
  salt: fc.uint8Array({ minLength: 16, maxLength: 16 }),
});
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('what commits both ends to a request', () => {
  it('is the same for the same request, and for no other', () => {
    fc.assert(
      fc.property(
        committed,
        committed,
        fc.constantFrom(...(Object.keys(EXAMPLE) as (keyof Committed)[])),
        (one, other, field) => {
          const digest = hex(requestCommitment(one));
          expect(hex(requestCommitment(structuredClone(one)))).toBe(digest);
          const changed = { ...one, [field]: other[field] };
          const same = hex(requestCommitment(changed)) === digest;
          expect(same).toBe(JSON.stringify(changed) === JSON.stringify(one));
        },
      ),
    );
  });

  it('is what other programs compute, too', () => {
    expect(hex(requestCommitment(EXAMPLE))).toBe(EXPECTED);
  });
});

const EXAMPLE: Committed = {
  task: 'chat',
  model: 'llmesh-tiny' as ModelId,
  file: '5a'.repeat(32),
  input: new Uint8Array([0x81, 0xa1, 0x61, 0x01]),
  maxUnits: 64,
  salt: new Uint8Array(16).fill(7),
};
/** By a few lines of Python: hashlib, and MessagePack written by hand. */
const EXPECTED = '9fc55b2553a9fbd3e6415e3896603514cbaa8c97b5e72811d4f7f61d191414fa';
