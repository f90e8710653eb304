/** Fetches model files and turns statuses, truncation, quota and offline into errors a person understands. */
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { isFull, storageFull } from './room.ts';

/** The most bytes of one text or JSON file; shards and GGUFs are streamed and have no such limit. */
export const MAX_SMALL_FILE_BYTES = 67_108_864;

/** A response with a body, or a `MeshError`. `accept`: statuses besides 2xx to return as they are. */
export async function fetchFile(url: string, init: RequestInit, accept: readonly number[] = []): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (cause) {
    throw downloadError(cause, url);
  }
  if (response.ok || accept.includes(response.status)) return response;
  await response.body?.cancel();
  throw new MeshError(
    'model_download_failed',
    `A file of this model could not be downloaded: ${fileName(url)} at ${hostName(url)} answered ${response.status}. ` +
      (response.status === 404
        ? 'Choose another model, or check the model mirror in the settings.'
        : 'Try again in a few minutes.'),
  );
}

/** Turns whatever a fetch, a body or the place where a file is kept threw into a `MeshError`. */
export function downloadError(cause: unknown, url: string): MeshError {
  if (cause instanceof MeshError) return cause;
  if (isFull(cause)) return storageFull(cause);
  if (cause instanceof DOMException) {
    if (cause.name === 'AbortError') return cancelled();
    // A network tells of itself in other ways.
    if (cause.name !== 'NetworkError') return unkept(cause);
  }
  if (!navigator.onLine) {
    return new MeshError('offline', 'You are offline. A model that is already on this device still works.', { cause });
  }
  return new MeshError(
    'model_download_failed',
    `The download of ${fileName(url)} from ${hostName(url)} broke off. Check the connection and start again: ` +
      'what has arrived is kept.',
    { cause },
  );
}

function unkept(cause: DOMException): MeshError {
  return new MeshError(
    'model_unreadable',
    'This browser could not write or read the file of this model. Delete the model under “Models on this device” on the ' +
      'Donate page and start again; if this comes back, restart the browser.',
    { cause },
  );
}

/** A small file, whole. */
export async function readSmall(response: Response, url: string): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of bodyOf(response)) {
      length += part.byteLength;
      if (length > MAX_SMALL_FILE_BYTES) {
        throw new MeshError(
          'model_unreadable',
          `${fileName(url)} is too large to be what it says. Choose another model.`,
        );
      }
      parts.push(part);
    }
  } catch (cause) {
    throw downloadError(cause, url);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** The chunks of a body. Safari's streams cannot be iterated. */
export async function* bodyOf(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Whoever stops reading wants no more of it.
    void reader.cancel().catch(() => {});
  }
}

export function fileName(url: string): string {
  return new URL(url).pathname.split('/').at(-1) ?? url;
}

function hostName(url: string): string {
  return new URL(url).host;
}
