/** One running task on its engine, from the first piece to the receipt. */
import { onAbort } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { Deliveries, LeasedTask } from './deliveries.ts';
import { asMeshError, type MeshError } from '../base/errors.ts';
import { pace } from '../base/pace.ts';
import { drawsOf } from '../proof/seeds.ts';
import { packBody } from '../wire/body.ts';
import type { Task } from './task.ts';

/** Shorter rests cost more than they give, in timers. */
const WORTH_RESTING_MS = 20;

export interface TaskRunNeeds {
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  deliveries: Deliveries;
  /** See `TaskWorkerOptions`. */
  maxTokensPerSecond: number | null;
  maxShare: number;
  wrote: (units: number) => void;
  /** The task has to end: its requester does not acknowledge what it got. */
  refuse: (error: MeshError) => void;
}

/**
 * Sends the answer as it is written. Resolves with `finished`; with the error, which the requester has not heard yet;
 * or with null when the task was aborted or abandoned. Never rejects.
 */
export async function runTask(task: Task, needs: TaskRunNeeds): Promise<'finished' | MeshError | null> {
  let stop = () => {};
  const abandoned = new Promise<null>((resolve) => {
    stop = onAbort(task.abandon.signal, () => resolve(null));
  });
  try {
    return await Promise.race([write(task, needs), abandoned]);
  } catch (thrown) {
    if (task.abort.signal.aborted) return null;
    return asMeshError(thrown, 'engine_failed', 'The model stopped in the middle. Try again.');
  } finally {
    stop();
  }
}

async function write(task: Task, needs: TaskRunNeeds): Promise<'finished' | null> {
  const { clock, deliveries, now, maxTokensPerSecond, maxShare } = needs;
  const { channel, kind, input, prepared, request, leased, abort, watch } = task;
  const job = {
    input,
    prepared,
    maxUnits: request.maxUnits,
    requester: channel.peer,
    offered: task.model.advert,
    draws: leased === null || leased.half === null ? null : drawsOf({ ...leased.delivery.start, half: leased.half }),
  };
  const pieces = kind.run(task.model.engine, job, abort.signal);
  let index = 0;
  let firstMs = 0;
  /** Since its first piece: while it reads, its requester has nothing to look at yet. */
  let workedMs = 0;
  const startMs = clock.now();
  const startedMs = now();
  for (;;) {
    const askedMs = clock.now();
    watch.asked(askedMs, kind.bytesToRead(input, index));
    const next = await pieces.next();
    const nowMs = clock.now();
    watch.came(nowMs);
    if (next.done === true) {
      if (abort.signal.aborted) return null;
      const { units, inputUnits } = next.value;
      const result = packBody(next.value.result);
      const receipt = leased === null ? null : await deliveries.sign(leased, { inputUnits, result, startedMs });
      if (abort.signal.aborted) return null;
      channel.send({ kind: 'TASK_RESPONSE', taskId: task.id, units, inputUnits, result, receipt });
      return 'finished';
    }
    // An abandoned engine may wake up again: nobody waits for it.
    if (task.abandon.signal.aborted) return null;
    const { units } = next.value;
    const piece = packBody(next.value.piece);
    leased?.delivery.add({ index, units, piece });
    channel.send({ kind: 'TASK_CHUNK', taskId: task.id, index, units, piece });
    index += units;
    needs.wrote(units);
    task.meter.add(units, nowMs);
    if (channel.congested) await channel.drain();
    if (leased?.delivery.full === true) await acknowledged(task, leased, needs);
    if (maxTokensPerSecond !== null) await pace(startMs + (index * 1000) / maxTokensPerSecond, clock, abort.signal);
    // Engines compute no more than a few pieces ahead of who reads them: they rest while nobody does.
    if (index === units) firstMs = nowMs;
    else workedMs += nowMs - askedMs;
    const restedMs = firstMs + workedMs / maxShare;
    if (restedMs - nowMs >= WORTH_RESTING_MS) await pace(restedMs, clock, abort.signal);
  }
}

/** Waits for an acknowledgement by the requester. Without one the task ends, in its engine as well. */
async function acknowledged({ abort }: Task, { delivery }: LeasedTask, needs: TaskRunNeeds): Promise<void> {
  try {
    await delivery.untilAcknowledged(needs.clock, abort.signal);
  } catch (thrown) {
    needs.refuse(asMeshError(thrown, 'receipt_refused', 'The other computer never said what it received.'));
  }
}
