import { expect, test } from 'vitest';
import { modelsThatFit } from './advert-size.ts';
import { MAX_MODELS_PER_PEER, MAX_TO_SERVER_BYTES, parseToServer } from '../wire/control-protocol.ts';
import type { ModelId } from '../base/ids.ts';
import { MAX_ADAPTERS, type ModelAdvert } from '../wire/model-advert.ts';

function models(count: number, adapters: number, name = 'Law'): ModelAdvert[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `model-${i}` as ModelId,
    name: 'Model',
    quant: 'q4',
    format: 'gguf',
    backend: 'cpu',
    contextTokens: 4096,
    sha256: 'a'.repeat(64),
    tokensPerSecond: 10,
    continues: 'ids',
    fetchesAdapters: true,
    adapters: Array.from({ length: adapters }, (_, at) => ({ sha256: String(at).padStart(64, '0'), name })),
  }));
}

const messageOf = (all: ModelAdvert[]) =>
  JSON.stringify({ type: 'advert', models: all, slots: 1024, certificate: 'a'.repeat(205) });

test('an advert that fits is sent as it is', () => {
  const few = models(2, 3);
  expect(modelsThatFit(few)).toEqual(few);
});

test.each(['Law', '法律'.repeat(40), '\u{1f985}'.repeat(40)])(
  'of more adapters than fit, here called %j, the first of each model are named',
  (name) => {
    const many = models(MAX_MODELS_PER_PEER, MAX_ADAPTERS, name);
    expect(parseToServer(messageOf(many))).toBeNull();
    const fitting = modelsThatFit(many);
    expect(new TextEncoder().encode(messageOf(fitting)).byteLength).toBeLessThanOrEqual(MAX_TO_SERVER_BYTES);
    expect(parseToServer(messageOf(fitting))).toMatchObject({ type: 'advert' });
    for (const [i, { adapters, fetchesAdapters }] of fitting.entries()) {
      expect(fetchesAdapters).toBe(true);
      expect(adapters).toEqual(many[i]?.adapters?.slice(0, adapters?.length));
      expect(adapters?.length).toBeGreaterThan(0);
    }
  },
);
