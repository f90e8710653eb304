import { describe, expect, it } from 'vitest';
import type { ModelId, PeerId } from '../base/ids.ts';
import { softwareIdentity } from '../identity/identity.ts';
import { readEvent, writeEvent, type EventBody } from './event.ts';
import { inCredits, MICRO, readCredits } from './credit.ts';
import { readOrder, signOrder, type OrderBody } from './order.ts';

const peer = 'a'.repeat(32) as PeerId;
const other = 'b'.repeat(32) as PeerId;
const hold = new Uint8Array(16).fill(7);
const bytes = (length: number) => new Uint8Array(length).fill(3);
const file = 'ab'.repeat(32);

const EVENTS: EventBody[] = [
  { kind: 'reserve', hold, payer: peer, amount: 5 * MICRO, untilS: 1_800_000_000 },
  { kind: 'earn', lease: bytes(300), proof: { kind: 'receipt', provider: bytes(400), requester: bytes(400) } },
  { kind: 'earn', lease: bytes(300), proof: { kind: 'acknowledgement', acknowledgement: bytes(200) } },
  { kind: 'refund', hold, payer: peer },
  {
    kind: 'uptime',
    epoch: 12,
    shares: [
      [peer, 1_000],
      [other, 1],
    ],
  },
  {
    kind: 'storage',
    epoch: 12,
    shares: [
      [peer, 1_000, bytes(300)],
      [other, 1, bytes(640)],
    ],
  },
  { kind: 'audit-fee', report: bytes(5_000) },
  { kind: 'allowance', to: peer },
  { kind: 'grant', to: peer, amount: 1, reason: 'She wrote the guide.' },
  { kind: 'order', record: bytes(200) },
  { kind: 'release', peer },
  { kind: 'slash', provider: peer, model: 'large' as ModelId, file, reports: [bytes(90), bytes(8_192)], reason: 'x' },
  { kind: 'reverse', provider: peer, leases: [hold, bytes(16)], undo: false, file, reason: '' },
  {
    kind: 'appeal',
    provider: peer,
    file,
    upheld: true,
    order: bytes(200),
    reports: [1, 2, 3, 4, 5].map(() => bytes(4_600)),
  },
  { kind: 'enact', proposal: 99 },
];

describe('an event', () => {
  it.each(EVENTS)('comes back as it was written: $kind', (body) => {
    const event = { ...body, ms: 1_800_000_000_123 };
    expect(readEvent(writeEvent(event))).toEqual(event);
  });

  it('is refused when it is too large, of another kind, or has more or fewer fields', () => {
    const event = { kind: 'refund', hold, payer: peer, ms: 1 } as const;
    const good = writeEvent(event);
    expect(readEvent(good.subarray(0, -1))).toBeNull();
    expect(readEvent(Uint8Array.of(...good, 0))).toBeNull();
    expect(readEvent(writeEvent({ ...event, hold: bytes(15) }))).toBeNull();
    expect(readEvent(writeEvent({ ...event, ms: -1 }))).toBeNull();
    expect(readEvent(writeEvent({ ...event, kind: 'grant', to: peer, amount: 0, reason: '' }))).toBeNull();
    expect(readEvent(bytes(30_000))).toBeNull();
    // In lists of lists, as deep as can be: 95 01 05 a6"refund" 91 91 91 01 01.
    expect(
      readEvent(Uint8Array.of(0x95, 1, 5, 0xa6, ...new TextEncoder().encode('refund'), 0x91, 0x91, 0x91, 1, 1)),
    ).toBeNull();
  });
});

describe('an order', () => {
  const identity = softwareIdentity(bytes(32));
  const ORDERS: OrderBody[] = [
    { kind: 'transfer', to: other, amount: 12 },
    { kind: 'stake', amount: 1 },
    { kind: 'unstake', amount: 1 },
    { kind: 'alias', alias: 'The otter' },
    { kind: 'alias', alias: null },
    { kind: 'propose', parameter: 'audit-share', value: 30 },
    { kind: 'vote', proposal: 4, choice: 'abstain' },
    { kind: 'appeal' },
    { kind: 'retest' },
    { kind: 'known-answers', requester: other },
  ];

  it.each(ORDERS)('comes back as it was signed: $kind', async (body) => {
    const signed = await signOrder(body, { issuer: peer, ms: 5 }, identity);
    expect(readOrder(signed)).toEqual({ ...body, by: identity.peerId, issuer: peer, ms: 5 });
    expect(readOrder(signed.with(40, signed[40]! ^ 1))).toBeNull();
  });

  it('has no name that nobody can see', async () => {
    const signed = await signOrder({ kind: 'alias', alias: 'a\u202eb' }, { issuer: peer, ms: 5 }, identity);
    expect(readOrder(signed)).toBeNull();
  });
});

describe('credits', () => {
  it('are told and read without rounding', () => {
    for (const [amount, text] of [
      [0, '0'],
      [1, '0.000001'],
      [1_250_000, '1.25'],
      [10 * MICRO, '10'],
      [-MICRO, '−1'],
    ] as const) {
      expect(inCredits(amount)).toBe(text);
      expect(readCredits(text)).toBe(amount < 0 ? null : amount);
    }
    for (const text of ['', '1.', '.5', '1.0000001', '1e3', '-1', '99999999999', '1 000'])
      expect(readCredits(text)).toBeNull();
  });
});
