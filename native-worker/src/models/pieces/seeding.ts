/**
 * What this computer gives to others of its models, and how much: only of those that its owner lends, only while they are lent,
 * and within the owner's limits, which hold for the whole day even if the worker is started again.
 */
import { rename } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import type { SeedLimits } from '@llmesh/core/models/swarm-port';
import type { Swarm } from '@llmesh/core/models/swarm/swarm';
import { openFresh, readOwn } from '../../files/own-file.ts';
import { adopt } from './adopt.ts';
import type { FilePieceStore } from './file-piece-store.ts';

const SENT_FILE = 'seeding.json';
const MAX_SENT_BYTES = 1_024;
const SentSchema = v.object({ version: v.literal(1), day: v.string(), bytes: v.pipe(v.number(), v.minValue(0)) });
/** A megabyte as people and providers count it. */
const MEGABYTE = 1_000_000;

export interface SeedOptions {
  seed: boolean;
  /** Megabytes a second; left out: no limit. */
  seedRate?: number;
  /** Megabytes a day. */
  seedPerDay: number;
}

/** One lent model, as files. */
export interface SeedableModel {
  format: 'gguf' | 'adapter';
  files: readonly string[];
}

export interface SeedingNeeds {
  store: FilePieceStore;
  dataFolder: string;
  options: SeedOptions;
  /** The owner needs the computer. */
  isPaused: () => boolean;
  /** A model that cannot be given to others. */
  failed: (error: MeshError) => void;
}

export class Seeding {
  readonly #needs: SeedingNeeds;
  readonly #contents: ContentId[] = [];
  /** Kept for others, beside what is lent. */
  #kept: readonly ContentId[] = [];
  /** What was sent today before this start, in bytes. */
  readonly sentToday: number;

  private constructor(needs: SeedingNeeds, sentToday: number) {
    this.#needs = needs;
    this.sentToday = sentToday;
  }

  static async open(needs: SeedingNeeds, now: Date): Promise<Seeding> {
    return new Seeding(needs, await readSent(needs.dataFolder, now));
  }

  get limits(): SeedLimits {
    const { options, isPaused } = this.#needs;
    return {
      seeding: options.seed && !isPaused(),
      bytesPerSecond: options.seedRate === undefined ? null : options.seedRate * MEGABYTE,
      bytesPerDay: options.seedPerDay * MEGABYTE,
    };
  }

  /** Hashes what has not been hashed yet, gently, and lends one after the other. Never rejects. */
  async lend(swarm: Swarm, models: readonly SeedableModel[], signal: AbortSignal): Promise<void> {
    const { store, dataFolder, options, failed } = this.#needs;
    if (!options.seed) return;
    for (const { format, files } of models) {
      try {
        this.#contents.push(await adopt(store, { format, files, dataFolder }, { signal, gently: true }));
        await this.#seed(swarm);
      } catch (thrown) {
        if (signal.aborted) return;
        const why = thrown instanceof Error ? thrown.message : String(thrown);
        failed(
          new MeshError('storage_full', `${path.basename(files[0] ?? '')} is lent, but not given to others. ${why}`),
        );
      }
    }
  }

  /** Does not give this to others any more. Rejects when another one cannot be opened. */
  async drop(swarm: Swarm, content: ContentId): Promise<void> {
    const at = this.#contents.indexOf(content);
    if (at !== -1) this.#contents.splice(at, 1);
    await this.#seed(swarm);
  }

  /** Gives these to others, too. Replaces what was said before. Rejects when one cannot be opened. */
  async keep(swarm: Swarm, contents: readonly ContentId[]): Promise<void> {
    this.#kept = contents;
    await this.#seed(swarm);
  }

  #seed(swarm: Swarm): Promise<void> {
    return swarm.seed([...new Set([...this.#contents, ...this.#kept])]);
  }

  /** `bytes`: sent today, those before this start included. A disk that does not keep it forgets a limit, and nothing else. */
  async keepSent(bytes: number, now: Date): Promise<void> {
    const file = path.join(this.#needs.dataFolder, SENT_FILE);
    try {
      const handle = await openFresh(`${file}.new`);
      try {
        await handle.writeFile(JSON.stringify({ version: 1, day: dayOf(now), bytes: Math.round(bytes) }));
      } finally {
        await handle.close();
      }
      await rename(`${file}.new`, file);
    } catch (cause) {
      this.#needs.failed(
        new MeshError('storage_full', `${file} cannot be written: the limit of a day begins anew at each start.`, {
          cause,
        }),
      );
    }
  }
}

async function readSent(dataFolder: string, now: Date): Promise<number> {
  try {
    const sent = v.parse(SentSchema, JSON.parse(await readOwn(path.join(dataFolder, SENT_FILE), MAX_SENT_BYTES)));
    return sent.day === dayOf(now) ? sent.bytes : 0;
  } catch {
    // Nothing was sent yet, or nobody knows how much.
    return 0;
  }
}

/** The day in UTC, as the swarm counts it. */
function dayOf(now: Date): string {
  return now.toISOString().slice(0, 10);
}
