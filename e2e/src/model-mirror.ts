/**
 * A model mirror for tests, as an operator would run one: the paths of huggingface.co and raw.githubusercontent.com on
 * one origin, with CORS. It carries web-llm's prebuilt SmolLM2 135M by name, with SYNTHETIC weights of a megabyte and a
 * library that imports what no version of web-llm offers: a compiled library cannot be had offline, so a load without
 * another fault gets as far as `model_wrong_library`. No inference happens.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A model in web-llm's list and in `models/catalogue.json` that needs no 16-bit arithmetic, which SwiftShader lacks. */
export const MIRRORED_MODEL = 'SmolLM2-135M-Instruct-q0f32-MLC';
const FOLDER = `/mlc-ai/${MIRRORED_MODEL}/resolve/main/`;
const SHARDS = 4;
const SHARD_BYTES = 262_144;
const CHUNK_BYTES = 32_768;
const CONFIG = 'mlc-chat-config.json';
const LIBRARY = 'library.wasm';

/** Change these at any time; they hold from the next request on. */
export interface MirrorFaults {
  /** Answer 404 for this file: "params_shard_2.bin", "tensor-cache.json", "library.wasm" … */
  missing: string | null;
  /** Serve this file with a byte changed. Its checksum in llmesh-mirror.json stays that of the right one. */
  damaged: string | null;
  /** Serve this file cut in half. */
  truncated: string | null;
  /** Wait this long before every 32 KiB, so that progress can be seen. */
  chunkDelayMs: number;
}

export interface ModelMirror {
  /** The text for the setting "model mirror". */
  url: string;
  faults: MirrorFaults;
  /** The paths that were asked for, in order. */
  requests: string[];
  /** The bytes that were sent to their end, by path. */
  sent: Record<string, number>;
  /** The bytes of all shards together. */
  totalBytes: number;
  close(): Promise<void>;
}

/** `files`: more files by path, served with Range: GGUFs under `/user/model/resolve/main/file.gguf`. */
export async function startModelMirror(
  options: { port?: number; files?: Record<string, Buffer> } = {},
): Promise<ModelMirror> {
  const files = { ...modelFiles(), ...options.files };
  const faults: MirrorFaults = { missing: null, damaged: null, truncated: null, chunkDelayMs: 0 };
  const requests: string[] = [];
  const sent: Record<string, number> = {};
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    response.once('finish', () => {
      if (request.method === 'GET') sent[path] = (sent[path] ?? 0) + Number(response.getHeader('content-length') ?? 0);
    });
    answer(request, response, files, faults).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    faults,
    requests,
    sent,
    totalBytes: SHARDS * SHARD_BYTES,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  files: Record<string, Buffer>,
  faults: MirrorFaults,
): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://mirror').pathname;
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-allow-headers', 'range');
  response.setHeader('access-control-expose-headers', 'content-range, content-length, etag');
  response.setHeader('cross-origin-resource-policy', 'cross-origin');
  if (request.method === 'OPTIONS') {
    response.writeHead(204).end();
    return;
  }
  const key = path.endsWith('.wasm') ? LIBRARY : path;
  const name = key.split('/').at(-1) ?? key;
  const kept = files[key];
  if (kept === undefined || name === faults.missing) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('no such file');
    return;
  }
  let body = kept;
  if (name === faults.damaged) body = damage(name, body);
  if (name === faults.truncated) body = body.subarray(0, body.byteLength / 2);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const from = Number(range?.[1] ?? 0);
  if (from > 0 && from >= body.byteLength) {
    response.writeHead(416, { 'content-range': `bytes */${body.byteLength}` }).end();
    return;
  }
  const last = Math.min(range?.[2] ? Number(range[2]) : Infinity, body.byteLength - 1);
  // A whole file may be asked for as a part of itself.
  const isPart = from > 0 || (range?.[2] ?? '') !== '';
  if (isPart) response.setHeader('content-range', `bytes ${from}-${last}/${body.byteLength}`);
  response.writeHead(isPart ? 206 : 200, {
    'content-type': path.endsWith('.wasm') ? 'application/wasm' : 'application/octet-stream',
    'content-length': last + 1 - from,
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  for (let at = from; at <= last && !response.destroyed; at += CHUNK_BYTES) {
    if (faults.chunkDelayMs > 0) await delay(faults.chunkDelayMs);
    response.write(body.subarray(at, Math.min(at + CHUNK_BYTES, last + 1)));
  }
  response.end();
}

/** JSON stays readable, so that it is the checksum that notices. */
function damage(name: string, body: Buffer): Buffer {
  if (name.endsWith('.json')) return Buffer.concat([body, Buffer.from(' ')]);
  const damaged = Buffer.from(body);
  damaged[damaged.byteLength - 1] = (damaged.at(-1) ?? 0) ^ 1;
  return damaged;
}

function modelFiles(): Record<string, Buffer> {
  const shards = Array.from({ length: SHARDS }, (_, i) => ({
    name: `params_shard_${i}.bin`,
    body: Buffer.alloc(SHARD_BYTES, i + 1),
  }));
  const config = json({
    model_type: 'llama',
    context_window_size: 4096,
    prefill_chunk_size: 1024,
    tokenizer_files: ['tokenizer.json'],
    conv_template: { name: 'chatml', roles: { user: '<|im_start|>user', assistant: '<|im_start|>assistant' } },
  });
  const tokenizer = json({ version: '1.0', model: { type: 'BPE', vocab: {}, merges: [] } });
  const records = shards.map(({ name, body }) => ({
    dataPath: name,
    format: 'raw-shard',
    nbytes: body.byteLength,
    records: [
      {
        name: `synthetic.${name}`,
        shape: [body.byteLength / 4],
        dtype: 'float32',
        format: 'raw',
        nbytes: body.byteLength,
        byteOffset: 0,
      },
    ],
  }));
  const pins = {
    integrity: {
      config: sri(config),
      model_lib: sri(LIBRARY_OF_NO_VERSION),
      tokenizer: { 'tokenizer.json': sri(tokenizer) },
    },
    shards: Object.fromEntries(shards.map(({ name, body }) => [name, sri(body)])),
  };
  return {
    '/llmesh-mirror.json': json({ models: { [MIRRORED_MODEL]: pins } }),
    [`${FOLDER}${CONFIG}`]: config,
    [`${FOLDER}tokenizer.json`]: tokenizer,
    [`${FOLDER}tensor-cache.json`]: json({ metadata: { ParamSize: SHARDS }, records }),
    ...Object.fromEntries(shards.map(({ name, body }) => [`${FOLDER}${name}`, body])),
    [LIBRARY]: LIBRARY_OF_NO_VERSION,
  };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function sri(body: Buffer): string {
  return `sha256-${createHash('sha256').update(body).digest('base64')}`;
}

/** `(module (import "env" "from_another_version" (func)))`: valid, and impossible to link. */
const LIBRARY_OF_NO_VERSION = Buffer.concat([
  Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
  // type section: one function type without parameters and results
  Buffer.from([1, 4, 1, 0x60, 0, 0]),
  // import section
  Buffer.from([2, 4 + 3 + 20 + 1, 1, 3]),
  Buffer.from('env'),
  Buffer.from([20]),
  Buffer.from('from_another_version'),
  Buffer.from([0, 0]),
]);
