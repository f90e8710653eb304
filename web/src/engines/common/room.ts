/** How much room this browser gives the page for models. */
import { MeshError } from '@llmesh/core/base/errors';
import type { StorageQuota } from '../../state/device/model-shelf.ts';

/** null where the browser does not say: on pages that came over plain http, and in some private windows. */
export async function storageQuota(): Promise<StorageQuota | null> {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    return quota === undefined || usage === undefined ? null : { usedBytes: usage, quotaBytes: quota };
  } catch {
    return null;
  }
}

/** Refuses before the first byte when the model cannot fit. Without an estimate from the browser it goes ahead. */
export async function requireRoom(bytes: number): Promise<void> {
  const quota = await storageQuota();
  if (quota !== null && quota.quotaBytes - quota.usedBytes < bytes) throw storageFull();
}

/** What browsers throw when the quota of the page or the disk itself is full; Firefox names the disk by its own code. */
const FULL = new Set(['QuotaExceededError', 'NS_ERROR_FILE_NO_DEVICE_SPACE', 'NS_ERROR_DOM_QUOTA_REACHED']);

export function isFull(error: unknown): boolean {
  return error instanceof DOMException && FULL.has(error.name);
}

export function storageFull(cause?: unknown): MeshError {
  return new MeshError(
    'storage_full',
    'This browser has no room left for the model. Remove a model on the Donate page, or choose a smaller one.',
    { cause },
  );
}

/** `storage_full` for what browsers throw when there is no room; anything else stays what it is. */
export function fullOr(error: unknown): unknown {
  return isFull(error) ? storageFull(error) : error;
}

/** Runs `write`, and throws what `fullOr` says. */
export function orFull(write: () => void): void {
  try {
    write();
  } catch (error) {
    throw fullOr(error);
  }
}

/** The same with numbers, once what was begun is gone. `neededBytes`: the whole model. */
export async function storageFullFor(name: string, neededBytes: number, { cause }: MeshError): Promise<MeshError> {
  const quota = await storageQuota();
  const free = quota === null ? null : Math.max(0, quota.quotaBytes - quota.usedBytes);
  // Browsers promise more than the disk has.
  const left =
    free === null || free >= neededBytes
      ? 'more than the disk, or this browser’s share of it, has left'
      : `and this browser has ${size(free)} left for it`;
  return new MeshError(
    'storage_full',
    `There is no room for ${name}: it takes ${size(neededBytes)}, ${left}. Remove a model under “Models on this ` +
      'device” on the Donate page, free some disk space, or choose a smaller model.',
    { cause },
  );
}

function size(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
