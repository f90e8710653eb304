/** The providers that the matchmaker is measured with: ten thousand, spread over fifty models, the same every time. */
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import { newPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';

export interface FleetProvider {
  id: PeerId;
  model: ModelAdvert;
  slots: number;
  busySlots: number;
}

export function fleet(providers: number, models: number, random: () => number): FleetProvider[] {
  return Array.from({ length: providers }, (_, i) => {
    const slots = 4;
    return { id: newPeerId(), model: advert(modelName(i % models), random), slots, busySlots: someBusy(slots, random) };
  });
}

export function modelName(number: number): ModelId {
  return `bench-model-${number}` as ModelId;
}

/** Two of five slots are busy, and one provider of fifty altogether. */
export function someBusy(slots: number, random: () => number): number {
  return Math.floor(random() * (slots + 0.1));
}

function advert(id: ModelId, random: () => number): ModelAdvert {
  return {
    id,
    name: `Benchmark ${id}`,
    quant: 'Q4_K_M',
    format: 'gguf',
    backend: 'cuda',
    contextTokens: 8192,
    sha256: 'ab'.repeat(32),
    tokensPerSecond: Math.round(10 + random() * 190) / 2,
    continues: 'ids',
  };
}
