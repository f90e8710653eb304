/** What is lent, what is wanted, and what is neither. */
import { newPeerId } from '@llmesh/core/base/ids';
import { parseCatalogue } from '@llmesh/core/policy/catalogue';
import type { PeerSummary } from '@llmesh/core/wire/api-pages';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { expect, it } from 'vitest';
import catalogue from '../../../../models/catalogue.json' with { type: 'json' };
import { modelEntries } from '../models/model-entry.ts';
import { onOneComputer, supplyOf } from './supply.ts';

const { models } = parseCatalogue(catalogue);

function offer(id: string, other: Partial<Offer>): Offer {
  const model = models.find((one) => one.id === id);
  if (model === undefined) throw new Error(`The catalogue has no ${id}.`);
  const { name, quant, format, contextTokens } = model;
  const nobody = { providers: 0, slots: 0, busySlots: 0, queued: 0, tokensPerSecond: null };
  return { id: model.id, name, quant, format, contextTokens, ...nobody, ...other };
}

function lender(id: string, wakesInMs?: number): PeerSummary {
  const { name, quant, format, contextTokens } = offer(id, {});
  const advert = {
    ...{ id: offer(id, {}).id, name, quant, format, contextTokens, backend: 'cpu', sha256: null, continues: 'ids' },
    ...{ tokensPerSecond: null, ...(wakesInMs !== undefined && { wakesInMs }) },
  } as PeerSummary['models'][number];
  return { peerId: newPeerId(), agent: 'native', models: [advert], slots: 1, busySlots: 0, queued: 0, sinceSeconds: 1 };
}

function supplies(offers: readonly Offer[], peers: readonly PeerSummary[] = []) {
  return supplyOf(modelEntries({ models, choices: [], offers, probe: null }), peers);
}

it('tells what is free, full, asleep and absent, the most wanted first', () => {
  const list = supplies(
    [
      offer('qwen3-4b-q4', { providers: 1, slots: 1 }),
      offer('qwen3-8b-q4', { providers: 2, slots: 2, busySlots: 2, queued: 3 }),
      offer('llama-3.2-1b-q4', { providers: 1, slots: 1 }),
    ],
    [lender('qwen3-4b-q4'), lender('llama-3.2-1b-q4', 4_000)],
  );
  expect(list.slice(0, 3).map(({ entry, state }) => [entry.name, state])).toEqual([
    ['Qwen3 8B', 'full'],
    ['Llama 3.2 1B', 'asleep'],
    ['Qwen3 4B', 'free'],
  ]);
  expect(list[0]).toMatchObject({ slots: 2, busySlots: 2, waiting: 3 });
  expect(list[1]?.wakesInMs).toBe(4_000);
  expect(list.slice(3).every(({ state }) => state === 'absent')).toBe(true);
  expect(list[3]?.entry.name).toBe('LLMesh tiny');
  expect(onOneComputer(list).map(({ entry }) => entry.name)).toEqual(['Llama 3.2 1B', 'Qwen3 4B']);
});

it('is awake where one of its providers has it in memory', () => {
  const one = offer('qwen3-4b-q4', { providers: 2, slots: 2 });
  expect(supplies([one], [lender('qwen3-4b-q4', 4_000), lender('qwen3-4b-q4')])[0]?.state).toBe('free');
});
