import { describe, expect, test } from 'vitest';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { MeshError } from '@llmesh/core/base/errors';
import type { ToServer } from '@llmesh/core/wire/control-protocol';
import { Fares } from './fares.ts';

const offer = { task: undefined, id: 'm' as ModelId, sha256: null };
const requester = newPeerId();
const draft = { seed: new Uint8Array(16), expiresAt: 1_000 };
type Match = Extract<ToServer, { type: 'match' }>;
const match = (changes: Partial<Match> = {}): Match => ({
  ...{ type: 'match', requestId: 1, model: offer.id, maxUnits: 2_000, exclude: [], only: null, prefer: null },
  ...changes,
});

/** The ledger keeps what is asked of it until a test says how that ended. */
function setUp(mode: 'priority' | 'required', spendable: number) {
  const asked: { amount: number; untilS: number; end: (held: boolean) => void }[] = [];
  const mesh = { spendable, price: 1_000, lowest: 800 };
  const fares = new Fares(
    {
      mode,
      spendable: () => mesh.spendable,
      reserve: (_hold, _payer, amount, untilS) =>
        new Promise((resolve) => asked.push({ amount, untilS, end: resolve })),
    },
    { of: () => ({ price: mesh.price, base: mesh.price, demand: 1_000 }), lowest: () => mesh.lowest },
  );
  const codeOf = (what: () => unknown) => {
    try {
      return what();
    } catch (thrown) {
      return thrown instanceof MeshError ? `${thrown.code}: ${thrown.message}` : thrown;
    }
  };
  return {
    mesh,
    asked,
    fares,
    of: (changes?: Partial<Match>) => codeOf(() => fares.of(requester, match(changes), offer)),
  };
}

describe('a fare', () => {
  test('is what the most units cost now, or what was shown lately when that is less', () => {
    const { of } = setUp('priority', 10_000);
    expect(of()).toEqual({ price: 1_000, most: 2_000 });
    expect(of({ complexity: 1_500 })).toEqual({ price: 1_500, most: 3_000 });
    expect(of({ maxPrice: 5_000 })).toEqual({ price: 1_000, most: 2_000 });
    expect(of({ maxPrice: 800 })).toEqual({ price: 800, most: 1_600 });
    expect(of({ maxPrice: 799 })).toMatch(/^price_changed: .*0\.001 credits/);
  });

  test('is nothing for whoever has too little, unless credits are required', () => {
    expect(setUp('priority', 1_999).of()).toEqual({ price: 1_000, most: 2_000 });
    // It would be free in any case: no reason to ask again.
    expect(setUp('priority', 0).of({ maxPrice: 1 })).toBeNull();
    expect(setUp('required', 1_500).of()).toBe(
      'credits_short: This answer costs up to 0.002 credits (0.001 for 1,000 units), and you have 0.0015 to spend: 0.0005 are missing. Ask for a shorter answer, or lend a model to earn some.',
    );
    expect(setUp('required', 0).of({ maxPrice: 1 })).toMatch(/^price_changed/);
  });

  test('is not paid twice from the same credits while the first is being put aside', async () => {
    const { fares, asked, mesh } = setUp('priority', 3_000);
    const fare = { price: 1_000, most: 2_000 };
    expect(fares.covers(requester, fare)).toBe(true);
    const held = fares.hold(requester, fare, draft);
    expect(fares.covers(requester, fare)).toBe(false);
    expect(fares.covers(newPeerId(), fare)).toBe(true);
    mesh.spendable = 1_000;
    asked[0]!.end(true);
    expect(await held).toBe(true);
    expect(asked).toMatchObject([{ amount: 2_000, untilS: 1_900 }]);
    expect(fares.covers(requester, { price: 500, most: 1_000 })).toBe(true);
  });
});
