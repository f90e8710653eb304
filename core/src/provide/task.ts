/** A task that a provider took on, and the model that it is for. */
import type { ModelAdvert } from '../wire/model-advert.ts';
import type { Engine, Embedder, AdapterCapacity } from '../engine/engine.ts';
import type { TaskId } from '../base/ids.ts';
import type { Channel } from '../peers/channel.ts';
import type { TaskRequest } from '../protocol.ts';
import type { JsonSchema } from '../form/json-schema.ts';
import type { LeasedTask } from './deliveries.ts';
import type { SpeedMeter } from '../engine/speed.ts';
import type { EngineWatch } from '../engine/engine-watch.ts';

export interface ServedModel {
  advert: ModelAdvert;
  engine: Pick<Engine<never>, 'generate'> | Pick<Embedder<never>, 'embed'>;
  slots: number;
  /** Left out: it has no adapters. */
  adapterCapacity?: AdapterCapacity;
}

export interface Task {
  id: TaskId;
  channel: Channel;
  request: TaskRequest;
  model: ServedModel;
  /** The JSON schema of the answer; null: it is free. */
  schema: JsonSchema | null;
  /** Null: taken without a lease, and nothing is signed. */
  leased: LeasedTask | null;
  /** The engine shall stop. */
  abort: AbortController;
  /** It does not, and is not waited for. */
  abandon: AbortController;
  /** A requester that hears `ahead` knows that we live; kept until the task ended. */
  release: () => void;
  meter: SpeedMeter;
  watch: EngineWatch;
}
