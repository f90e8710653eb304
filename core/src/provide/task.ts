/** A task that a provider took on, and the model that it is for. */
import type { ModelAdvert } from '../wire/model-advert.ts';
import type { AdapterCapacity } from '../engine/engine.ts';
import type { TaskId } from '../base/ids.ts';
import type { Channel } from '../peers/channel.ts';
import type { TaskRequest } from '../protocol.ts';
import type { LeasedTask } from './deliveries.ts';
import type { SpeedMeter } from '../engine/speed.ts';
import type { EngineWatch } from '../engine/engine-watch.ts';
import type { BroughtAdapter, TaskKind } from '../tasks/task-kind.ts';

export interface ServedModel {
  advert: ModelAdvert;
  /** Does the tasks of the kind that the advert names, as `TaskKind.run` wants it: an `Engine`, an `Embedder`. */
  engine: object;
  slots: number;
  /** Left out: it has no adapters. */
  adapterCapacity?: AdapterCapacity;
  /**
   * Gets an adapter from whoever asks with it, over the link of the question, so that the engine has it when this resolves.
   * Rejects with what the requester is told. Left out: it takes none.
   */
  takeAdapter?: (adapter: BroughtAdapter, from: Channel, signal: AbortSignal) => Promise<void>;
}

export interface Task {
  id: TaskId;
  channel: Channel;
  request: TaskRequest;
  model: ServedModel;
  kind: TaskKind;
  /** The input, as the kind reads it. */
  input: unknown;
  /** The input, as the kind prepared it. */
  prepared: unknown;
  /** The part of it that may crash an engine: `TaskKind.risk`. */
  risk: string | null;
  /** The SHA-256 of the adapter that it needs; null: none. */
  adapter: string | null;
  /** The requester brings that adapter; null: it is here, or fetched. */
  brought: BroughtAdapter | null;
  /** It is on its way: the task does not start before it is here. */
  coming: boolean;
  /** Null: taken without a lease, and nothing is signed. */
  leased: LeasedTask | null;
  /** Tells the engine to stop. */
  abort: AbortController;
  /** The engine does not stop, and we no longer wait for it. */
  abandon: AbortController;
  /** A requester that hears `ahead` knows that we are alive; kept until the task has ended. */
  release: () => void;
  meter: SpeedMeter;
  watch: EngineWatch;
}

/** Says that a task is taken, and how many come before it. */
export function sendAccepted({ channel, id, leased }: Pick<Task, 'channel' | 'id' | 'leased'>, ahead: number): void {
  const half = leased?.half ?? null;
  channel.send({ kind: 'TASK_ACCEPTED', taskId: id, ahead, ...(half !== null && { half }) });
}
