/** The read-only HTTP of a mesh. */
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/base/errors';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { redirectOf, speaksTls } from './mesh-probe.ts';
import { codeOf, hungUp, troubleWords, type MeshTrouble } from './mesh-trouble.ts';
import { ModelsPageSchema, StatsSchema, type Stats } from '@llmesh/core/wire/api-pages';

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 4_194_304;

/** Both methods throw control_unreachable, or bad_message when something else answers at that address. */
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
    throw new MeshError('bad_message', `What answers at ${url.origin} is not a mesh, or one of another version.`, {
      cause,
    });
  }
}

async function fetchText(url: URL): Promise<string> {
  const unreachable = (trouble: MeshTrouble, cause?: unknown) =>
    new MeshError('control_unreachable', troubleWords(new URL(url.origin), trouble), { cause });
  let status: number;
  let redirect: string | null;
  const chunks: Uint8Array[] = [];
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'manual' });
    ({ status } = response);
    redirect = redirectOf(status, response.headers.get('location') ?? undefined, url);
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > MAX_BYTES) throw new Error('too much');
      chunks.push(chunk);
    }
  } catch (cause) {
    const code = codeOf(cause);
    const tls = url.protocol === 'http:' && hungUp(code) && (await speaksTls(url));
    throw unreachable(tls ? { kind: 'speaks_https' } : { kind: 'error', code }, cause);
  }
  if (status !== 200) throw unreachable({ kind: 'status', status, redirect, mesh: false });
  return Buffer.concat(chunks).toString('utf8');
}
