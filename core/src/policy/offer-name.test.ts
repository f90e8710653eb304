import { describe, expect, it } from 'vitest';
import type { ModelId } from '../base/ids.ts';
import type { Offer } from '../wire/model-advert.ts';
import { fileOf, findOffer, offerName } from './offer-name.ts';
import { bestOffer } from './best-offer.ts';

const [OURS, THEIRS] = ['1a2b3c4d5e6f', 'ffffffffffff'].map((start) => start.padEnd(64, '0')) as [string, string];

function offer(more: Partial<Offer> = {}): Offer {
  return {
    id: 'law' as ModelId,
    name: 'Law',
    quant: 'q4',
    format: 'gguf',
    contextTokens: 4_096,
    providers: 1,
    slots: 1,
    busySlots: 0,
    queued: 0,
    tokensPerSecond: null,
    ...more,
  };
}

describe('the name of an offer', () => {
  const meant = offer({ sha256: OURS });
  const other = offer({ sha256: THEIRS, alternative: true });
  const unhashed = offer({ sha256: null, alternative: true });
  const embedder = offer({ task: 'embedding', sha256: OURS, embeds: 384 });
  const offers = [meant, other, unhashed, embedder];

  it('is its id where that means it, and else has the beginning of its hash', () => {
    expect(offers.map(offerName)).toEqual(['law', 'law@ffffffffffff', 'law@unhashed', 'law']);
    expect(offers.map(fileOf)).toEqual([undefined, THEIRS, null, undefined]);
  });

  it('finds it again, for what it is asked for', () => {
    for (const one of [meant, other, unhashed]) expect(findOffer(offers, offerName(one))).toBe(one);
    expect(findOffer(offers, 'law', 'embedding')).toBe(embedder);
    expect(findOffer(offers, `law@${OURS}`)).toBe(meant);
    expect(findOffer([embedder], 'law')).toBe(embedder);
  });

  it.each(['Law', 'law@', 'law@1a2b', 'law@ffffffffffff0a', 'law@ffffffffffff@', 'other', '@ffffffffffff'])(
    'finds nothing called %s',
    (name) => expect(findOffer(offers, name)).toBe(null),
  );
});

describe('the model to ask when nobody named one', () => {
  const stranger = offer({ id: 'best-model' as ModelId, slots: 1_024, freeSlots: 1 });
  const catalogued = offer({ id: 'tiny' as ModelId, catalogued: true, freeSlots: 1 });
  const proven = offer({ id: 'mine' as ModelId, proven: true, freeSlots: 2 });
  const both = offer({ id: 'qwen' as ModelId, proven: true, catalogued: true, freeSlots: 0 });

  it('is one for which something speaks, however many slots a stranger claims', () => {
    const all = [stranger, catalogued, proven, both];
    for (const left of [both, proven, catalogued, stranger]) {
      expect(bestOffer(all.slice(0, all.indexOf(left) + 1))).toBe(left);
    }
    expect(bestOffer([])).toBe(null);
  });

  it('has the most slots that count, and is never another file of a name', () => {
    const roomy = offer({ id: 'roomy' as ModelId, proven: true, slots: 8, freeSlots: 8 });
    expect(bestOffer([proven, roomy])).toBe(roomy);
    const other = offer({ sha256: THEIRS, alternative: true, proven: true, freeSlots: 8 });
    expect(bestOffer([other, catalogued])).toBe(catalogued);
    expect(bestOffer([offer({ slots: 2 }), offer({ slots: 3, busySlots: 2 })])).toMatchObject({ slots: 2 });
  });
});
