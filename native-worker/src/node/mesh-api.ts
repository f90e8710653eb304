/** The read-only HTTP of a mesh. */
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/base/errors';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { webResponse } from '../web/outgoing.ts';
import { ProxyError } from '../web/proxy-choice.ts';
import { redirectOf, speaksTls } from './mesh-probe.ts';
import { codeOf, hungUp, troubleWords, type MeshTrouble } from './mesh-trouble.ts';
import { errorCode, sentence } from '@llmesh/core/wire/fields';
import { ModelsPageSchema, StatsSchema, type Stats } from '@llmesh/core/wire/api-pages';

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 4_194_304;

/** All of them throw control_unreachable, or bad_message when something else answers at that address. */
export async function fetchStats(mesh: URL): Promise<Stats> {
  return readPage(new URL('/api/stats', mesh), StatsSchema);
}

export async function fetchModels(mesh: URL): Promise<Offer[]> {
  return (await readPage(new URL('/api/models', mesh), ModelsPageSchema)).models;
}

/** Throws what the mesh says against it, besides. */
export async function readPage<T extends v.GenericSchema>(url: URL, schema: T): Promise<v.InferOutput<T>> {
  const body = await fetchText(url);
  try {
    return v.parse(schema, JSON.parse(body));
  } catch (cause) {
    throw new MeshError('bad_message', `What answers at ${url.origin} is not a mesh, or one of another version.`, {
      cause,
    });
  }
}

/** The body of a page that exists, of at most 4 MiB. */
export async function fetchText(url: URL): Promise<string> {
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
  const body = Buffer.concat(chunks).toString('utf8');
  if (status === 200) return body;
  throw refusalIn(body) ?? unreachable({ kind: 'status', status, redirect, mesh: false });
}

/** What a mesh says instead of a page; null: this is nothing that a mesh says. */
function refusalIn(body: string): MeshError | null {
  try {
    const { code, message } = v.parse(RefusalSchema, JSON.parse(body)).error;
    return new MeshError(code, message);
  } catch {
    return null;
  }
}

const RefusalSchema = v.object({ error: v.object({ code: errorCode, message: sentence(500) }) });
