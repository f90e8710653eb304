import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode } from '@msgpack/msgpack';
import { fromBase32 } from '../base/base32.ts';
import { softwareIdentity } from '../identity/identity.ts';
import { newPeerId, type ModelId } from '../base/ids.ts';
import {
  checkLease,
  CLOCK_SKEW_SECONDS,
  LeaseBook,
  MAX_LEASE_BYTES,
  MAX_LEASE_SECONDS,
  MAX_LEASED_PROVIDERS,
  leaseOf,
  readLeases,
  signLeases,
  type Lease,
  type Leases,
} from './lease.ts';
import { randomBytes } from '../base/random-bytes.ts';
import { signRecord } from '../identity/signed-record.ts';

const control = softwareIdentity(randomBytes(32));
const ada = softwareIdentity(randomBytes(32)).peerId;
const bob = softwareIdentity(randomBytes(32)).peerId;
const mallory = softwareIdentity(randomBytes(32));
const model = 'tiny' as ModelId;
const now = 1_800_000_000;
const terms = {
  issuer: control.peerId,
  requester: ada,
  provider: bob,
  task: 'chat',
  model,
  complexity: 1_000,
  maxUnits: 512,
  nowSeconds: now,
};

function lease(changes: Partial<Leases> = {}): Leases {
  const what = { task: 'chat', model, complexity: 1_000, price: 7, priceVersion: 1, maxUnits: 512 };
  const fresh = { requester: ada, providers: [bob], ...what, expiresAt: now + 60 };
  return { issuer: control.peerId, ...fresh, seed: randomBytes(16), ...changes };
}

const refused = expect.objectContaining({ name: 'MeshError', code: 'lease_refused' });

describe('a lease', () => {
  it('is read as it was given, whatever it says', async () => {
    const text = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/);
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.maxSafeNat(),
        fc.maxSafeNat(),
        fc.maxSafeNat(),
        async (model, price, tokens, expiresAt) => {
          const given = lease({
            model: model as ModelId,
            price,
            priceVersion: price,
            maxUnits: Math.max(1, tokens),
            expiresAt,
          });
          const bytes = await signLeases(given, control);
          expect(bytes.byteLength).toBeLessThanOrEqual(MAX_LEASE_BYTES);
          expect(readLeases(bytes)).toEqual({ ...given, seed: new Uint8Array(given.seed) });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('counts for whom and what it names, while it lasts', async () => {
    const given = lease();
    const bytes = await signLeases(given, control);
    expect(checkLease(bytes, terms).price).toBe(7);
    expect(() => checkLease(bytes, { ...terms, requester: mallory.peerId })).toThrow(refused);
    expect(() => checkLease(bytes, { ...terms, provider: mallory.peerId })).toThrow(refused);
    expect(() => checkLease(bytes, { ...terms, model: 'huge' as ModelId })).toThrow(refused);
    expect(() => checkLease(bytes, { ...terms, issuer: mallory.peerId })).toThrow(refused);
    expect(() => checkLease(bytes, { ...terms, task: 'embedding' })).toThrow(refused);
    expect(() => checkLease(bytes, { ...terms, maxUnits: 513 })).toThrow(refused);
    expect(() => checkLease(bytes, { ...terms, complexity: 1_001 })).toThrow(refused);
    const last = given.expiresAt + CLOCK_SKEW_SECONDS;
    checkLease(bytes, { ...terms, nowSeconds: last });
    expect(() => checkLease(bytes, { ...terms, nowSeconds: last + 1 })).toThrow(refused);
    const long = await signLeases(lease({ expiresAt: now + MAX_LEASE_SECONDS + CLOCK_SKEW_SECONDS + 1 }), control);
    expect(() => checkLease(long, terms)).toThrow(refused);
  });

  it('is worth nothing when someone else wrote it, or in the name of another', async () => {
    const forged = await signLeases(lease(), mallory);
    expect(readLeases(forged)?.issuer).toBe(mallory.peerId);
    expect(() => checkLease(forged, terms)).toThrow(refused);
    const { requester, price, maxUnits, expiresAt, seed } = lease();
    const body = encode([
      4,
      control.peerId,
      requester,
      fromBase32(bob),
      'chat',
      model,
      1_000,
      price,
      maxUnits,
      expiresAt,
      seed,
      1,
    ]);
    expect(readLeases(await signRecord('lease', body, control))).not.toBeNull();
    expect(readLeases(await signRecord('lease', body, mallory))).toBeNull();
    expect(readLeases(await signRecord('receipt', body, control))).toBeNull();
  });

  it('is read as it was given before there were prices, when all was free', async () => {
    const { requester, maxUnits, expiresAt, seed } = lease();
    const ends = [control.peerId, requester, fromBase32(bob), 'chat', model, 1_000];
    const old = (price: number) => signRecord('lease', encode([3, ...ends, price, maxUnits, expiresAt, seed]), control);
    expect(readLeases(await old(0))).toMatchObject({ price: 0, priceVersion: 0, maxUnits, expiresAt });
    expect(readLeases(await old(1))).toBeNull();
  });

  it('is worth nothing when a single bit of it changes, or a byte is missing or too many', async () => {
    const bytes = await signLeases(lease(), control);
    fc.assert(
      fc.property(fc.nat({ max: bytes.byteLength - 1 }), fc.nat({ max: 7 }), (at, bit) => {
        expect(readLeases(bytes.with(at, (bytes[at] ?? 0) ^ (1 << bit)))).toBeNull();
      }),
    );
    for (let n = 0; n < bytes.byteLength; n++) expect(readLeases(bytes.subarray(0, n))).toBeNull();
    expect(readLeases(new Uint8Array([...bytes, 0]))).toBeNull();
  });

  it('is good for each provider that it names, and each has its own', async () => {
    const providers = Array.from({ length: MAX_LEASED_PROVIDERS }, () => newPeerId());
    const given = lease({
      providers,
      model: 'm'.repeat(96) as ModelId,
      price: 2 ** 53 - 1,
      priceVersion: 2 ** 53 - 1,
      maxUnits: 2 ** 53 - 1,
    });
    const bytes = await signLeases(given, control);
    expect(bytes.byteLength).toBeLessThanOrEqual(MAX_LEASE_BYTES);
    const read = readLeases(bytes)!;
    expect(read.providers).toEqual(providers);
    const nonces = providers.map((provider) => leaseOf(read, provider)!.nonce.join(' '));
    expect(new Set(nonces).size).toBe(MAX_LEASED_PROVIDERS);
    expect(leaseOf(read, bob)).toBeNull();
  });

  it('is refused when its own issuer wrote nonsense', async () => {
    const good: unknown[] = [
      4,
      control.peerId,
      ada,
      fromBase32(bob),
      'chat',
      model,
      1_000,
      7,
      512,
      now,
      randomBytes(16),
      1,
    ];
    const sign = (fields: unknown) => signRecord('lease', encode(fields), control);
    expect(readLeases(await sign(good))).not.toBeNull();
    const wrong: [number, unknown][] = [
      ...([
        [0, 1],
        [0, '2'],
        [1, 'x'],
        [2, null],
        [3, bob],
        [3, new Uint8Array()],
        [3, new Uint8Array(21)],
        [3, new Uint8Array(180)],
        [4, 'Chat'],
        [5, '../x'],
        [6, 0],
        [7, -1],
        [7, 1.5],
        [7, NaN],
      ] as [number, unknown][]),
      ...([
        [8, 0],
        [9, 2 ** 53],
        [10, new Uint8Array(15)],
        [10, 'sixteen bytes!!!'],
        [11, -1],
        [11, '1'],
      ] as [number, unknown][]),
    ];
    for (const [at, value] of wrong) expect(readLeases(await sign(good.with(at, value)))).toBeNull();
    for (const fields of [[], good.slice(1), [...good, 0], { 0: 1 }, 7, null, [[[[[[good]]]]]]]) {
      expect(readLeases(await sign(fields))).toBeNull();
    }
    // The same values, written another way: 7 as 64 bits, then as a float.
    const plain = encode(good);
    const at = plain.indexOf(7, plain.length - 30);
    const longer = new Uint8Array([...plain.subarray(0, at), 0xcf, 0, 0, 0, 0, 0, 0, 0, 7, ...plain.subarray(at + 1)]);
    expect(readLeases(await signRecord('lease', longer, control))).toBeNull();
    const float = new Uint8Array([...plain.subarray(0, at), 0xca, 0x40, 0xe0, 0, 0, ...plain.subarray(at + 1)]);
    expect(readLeases(await signRecord('lease', float, control))).toBeNull();
  });

  it('never makes its reader throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (junk) => {
        expect(readLeases(junk)).toBeNull();
      }),
    );
  });
});

/** Bob's. */
function own(changes: Partial<Leases> = {}): Lease {
  return leaseOf(lease(changes), bob)!;
}

describe('the book of leases', () => {
  it('lets each be used once', () => {
    const book = new LeaseBook();
    const one = own();
    book.use(one, now);
    book.use(own(), now);
    expect(() => book.use(one, now)).toThrow(refused);
    expect(() => book.use(one, one.expiresAt + CLOCK_SKEW_SECONDS)).toThrow(refused);
  });

  it('forgets them only once nobody would take them any more', () => {
    const book = new LeaseBook();
    const one = own();
    book.use(one, now);
    const after = one.expiresAt + CLOCK_SKEW_SECONDS + 1;
    book.use(own({ expiresAt: after + 60 }), after);
    expect(book.size).toBe(1);
    // Not even when the clock is put back.
    expect(() => book.use(one, now)).toThrow(refused);
  });

  it('is bounded, and rather refuses a new one than forgets an old one', () => {
    const book = new LeaseBook(3);
    const known = [own(), own(), own()];
    for (const one of known) book.use(one, now);
    expect(() => book.use(own(), now)).toThrow(expect.objectContaining({ code: 'busy' }));
    for (const one of known) expect(() => book.use(one, now)).toThrow(refused);
    const later = now + 60 + CLOCK_SKEW_SECONDS + 1;
    book.use(own({ expiresAt: later + 10 }), later);
    expect(book.size).toBe(1);
  });

  it('whatever the order of things, never lets one be used twice', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ which: fc.nat({ max: 9 }), step: fc.integer({ min: -40, max: 120 }) }), {
          maxLength: 200,
        }),
        (events) => {
          const book = new LeaseBook(6);
          const leases = Array.from({ length: 10 }, (_, i) => own({ expiresAt: now + i * 37 }));
          const used = new Set<Lease>();
          let time = now;
          for (const { which, step } of events) {
            time += step;
            const one = leases[which];
            // As `checkLease` does before.
            if (one === undefined || one.expiresAt + CLOCK_SKEW_SECONDS < time) continue;
            try {
              book.use(one, time);
            } catch {
              continue;
            }
            expect(used.has(one)).toBe(false);
            used.add(one);
            expect(book.size).toBeLessThanOrEqual(6);
          }
        },
      ),
    );
  });
});
