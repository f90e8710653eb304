/** The read-only HTTP of a mesh. */
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/base/errors';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { webResponse } from '../web/outgoing.ts';
import { ProxyError } from '../web/proxy-choice.ts';
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
  const chunks: Buffer[] = [];
  const patience = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await webResponse(url, { signal: patience });
    const { statusCode = 0, headers } = response;
    status = statusCode;
    redirect = redirectOf(status, headers.location, url);
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > MAX_BYTES) throw new Error('too much');
      chunks.push(chunk);
    }
  } catch (cause) {
    if (patience.aborted) throw unreachable({ kind: 'silent' }, cause);
    if (cause instanceof ProxyError) throw unreachable({ kind: 'proxy', words: cause.message }, cause);
    const code = codeOf(cause);
    const tls = url.protocol === 'http:' && hungUp(code) && (await speaksTls(url));
    throw unreachable(tls ? { kind: 'speaks_https' } : { kind: 'error', code }, cause);
  }
  if (status !== 200) throw unreachable({ kind: 'status', status, redirect, mesh: false });
  return Buffer.concat(chunks).toString('utf8');
}
