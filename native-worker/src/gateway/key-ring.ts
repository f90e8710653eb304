/** The keys of a running gateway, as their file has them: a key that is made or removed counts within a second or two. */
import { stat } from 'node:fs/promises';
import type { Clock } from '@llmesh/core/base/clock';
import { errno } from '../files/whole-file.ts';
import { readKeys, type ApiKey } from './keys.ts';

export const LOOK_MS = 1_000;

export interface KeyRingNeeds {
  clock: Clock;
  /** Told when other keys are valid from now on. */
  changed: (keys: number) => void;
  /** Told once for each change that makes the file unusable: the earlier keys stay valid. */
  failed: (error: unknown) => void;
}

export class KeyRing {
  readonly #file: string;
  readonly #needs: KeyRingNeeds;
  #keys: readonly ApiKey[];
  /** The version of the file that was read last. */
  #version: string;
  /** The version of the file that could not be read. */
  #broken: string | null = null;
  #stopTimer: () => void = () => {};
  #closed = false;

  private constructor(file: string, needs: KeyRingNeeds, keys: readonly ApiKey[], version: string) {
    this.#file = file;
    this.#needs = needs;
    this.#keys = keys;
    this.#version = version;
    this.#lookLater();
  }

  /** Rejects as `readKeys` does. */
  static async open(file: string, needs: KeyRingNeeds): Promise<KeyRing> {
    // The version comes before the keys: what changes in between is read again.
    const version = await versionOf(file);
    return new KeyRing(file, needs, await readKeys(file), version);
  }

  get keys(): readonly ApiKey[] {
    return this.#keys;
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#stopTimer();
  }

  #lookLater(): void {
    this.#stopTimer = this.#needs.clock.after(LOOK_MS, () => void this.#look());
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const version = await versionOf(this.#file);
    try {
      if (version !== this.#version) this.#take(await readKeys(this.#file));
      this.#version = version;
    } catch (thrown) {
      // It is tried again, since the fault need not be in the file.
      if (!this.#closed && version !== this.#broken) this.#needs.failed(thrown);
      this.#broken = version;
    }
    if (!this.#closed) this.#lookLater();
  }

  #take(keys: readonly ApiKey[]): void {
    if (this.#closed || sameKeys(keys, this.#keys)) return;
    this.#keys = keys;
    this.#needs.changed(keys.length);
  }
}

/** Differs after each change, also of permissions, which take back nothing that was read before. */
async function versionOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (thrown) {
    // There is no such file, or reading it tells more.
    return errno(thrown) ?? 'unknown';
  }
}

function sameKeys(a: readonly ApiKey[], b: readonly ApiKey[]): boolean {
  return a.length === b.length && a.every(({ name, hash }, i) => name === b[i]?.name && hash.equals(b[i].hash));
}
