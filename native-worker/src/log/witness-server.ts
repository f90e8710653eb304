/** A witness as logs ask it, C2SP tlog-witness: `POST /add-checkpoint`. Whoever asks `/` gets its key. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import { MAX_REQUEST_BYTES } from '@llmesh/log/witness/add-checkpoint';
import type { WitnessAnswer } from '@llmesh/log/witness/witness';

/** A log asks every two seconds; each question may cost signatures and a write to the disk. */
const RATE = { perSecond: 20, burst: 100 };
const PATIENCE_MS = 10_000;
const MAX_CONNECTIONS = 128;

export interface WitnessServerOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly host: string;
  readonly vkey: string;
  readonly clock: Clock;
  readonly add: (body: Uint8Array) => Promise<WitnessAnswer>;
  /** The witness itself failed. */
  readonly failed: (error: unknown) => void;
}

export interface WitnessServer {
  readonly url: string;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Rejects with port_in_use, or the error of `listen`. */
export async function serveWitness(options: WitnessServerOptions): Promise<WitnessServer> {
  const rate = new TokenBucket(options.clock, RATE);
  const server = createServer(
    { headersTimeout: PATIENCE_MS, requestTimeout: PATIENCE_MS, connectionsCheckingInterval: 2_000 },
    (request, response) => void answer(request, response, rate, options),
  );
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options.port, options.host);
  const { address, port } = server.address() as AddressInfo;
  let closing: Promise<void> | null = null;
  return {
    url: `http://${address.includes(':') ? `[${address}]` : address}:${port}`,
    close: () => {
      closing ??= new Promise((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closing;
    },
  };
}

/** Never rejects. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  rate: TokenBucket,
  { vkey, add, failed }: WitnessServerOptions,
): Promise<void> {
  const say = (status: number, body: string, type = 'text/plain; charset=utf-8') => {
    response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body);
  };
  try {
    const { pathname } = new URL(request.url ?? '', 'http://witness');
    if (request.method === 'GET' && pathname === '/') return say(200, `${vkey}\n`);
    if (pathname !== '/add-checkpoint') return say(404, 'A witness answers POST /add-checkpoint.\n');
    if (request.method !== 'POST') return say(405, 'Use POST.\n');
    if (!rate.take(1)) return say(429, 'Too many checkpoints at once. Slow down.\n');
    const body = await bodyOf(request);
    if (body === null) return say(413, `A request has at most ${MAX_REQUEST_BYTES} bytes.\n`);
    const answered = await add(body);
    say(answered.status, answered.body, answered.type);
  } catch (thrown) {
    // The log broke off; there is nobody to tell.
    if (request.socket.destroyed) return;
    failed(thrown);
    if (!response.headersSent) say(500, 'The witness failed, and signed nothing.\n');
  }
}

/** Null: it is too long. Rejects when it breaks off. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_REQUEST_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = error.code === 'EADDRINUSE';
      reject(
        inUse
          ? new MeshError('port_in_use', `Port ${port} is in use. Choose another with --listen.`, { cause: error })
          : error,
      );
    });
    server.listen(port, host, resolve);
  });
}
