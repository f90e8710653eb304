/** The read-only HTTP of a mesh. */
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/errors';
import type { Offer } from '@llmesh/core/model-advert';
import { ModelsPageSchema, StatsSchema, type Stats } from '@llmesh/core/api-pages';

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 4_194_304;

/** Both throw control_unreachable, or bad_message when something else answers at that address. */
export async function fetchStats(mesh: URL): Promise<Stats> {
  return read(new URL('/api/stats', mesh), StatsSchema);
}

export async function fetchModels(mesh: URL): Promise<Offer[]> {
  return (await read(new URL('/api/models', mesh), ModelsPageSchema)).models;
}

async function read<T extends v.GenericSchema>(url: URL, schema: T): Promise<v.InferOutput<T>> {
  const body = await fetchText(url);
  try {
    return v.parse(schema, JSON.parse(body));
  } catch (cause) {
    throw new MeshError('bad_message', `What answers at ${url.origin} is no mesh, or one of another version.`, {
      cause,
    });
  }
}

async function fetchText(url: URL): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > MAX_BYTES) throw new Error('too much');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (cause) {
    throw new MeshError(
      'control_unreachable',
      `No mesh answers at ${url.origin}. Start one with "npm start", or give its address with --mesh.`,
      { cause },
    );
  }
}
