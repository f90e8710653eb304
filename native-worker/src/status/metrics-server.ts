/** `/metrics` for this computer only: it listens on loopback, and a page whose name points here gets nothing. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MeshError } from '@llmesh/core/base/errors';
import { HostGuard } from '@llmesh/core/base/host-guard';
import { errno } from '../files/whole-file.ts';

const HOST = '127.0.0.1';
const OURS = new HostGuard({ hosts: [], loopback: true });
/** A scrape takes milliseconds. */
const REQUEST_MS = 5_000;

export interface MetricsSource {
  readonly contentType: string;
  text(): Promise<string>;
}

/** `port` 0 means any. Rejects with port_in_use. */
export async function serveMetrics(
  source: MetricsSource,
  port: number,
): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    answer(source, request, response).catch(() => response.destroy());
  });
  server.requestTimeout = REQUEST_MS;
  server.headersTimeout = REQUEST_MS;
  server.maxConnections = 16;
  server.listen(port, HOST);
  try {
    await once(server, 'listening');
  } catch (thrown) {
    throw new MeshError(
      'port_in_use',
      `The metrics cannot be served on port ${port} (${errno(thrown) ?? String(thrown)}). Choose another with --metrics-port.`,
    );
  }
  let closed: Promise<void> | null = null;
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      (closed ??= new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      })),
  };
}

async function answer(source: MetricsSource, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (OURS.fault(request.headersDistinct['host']) !== null) return end(response, 403, 'Ask for it as localhost.');
  if (request.url !== '/metrics') return end(response, 404, 'There is only /metrics here.');
  if (request.method !== 'GET') return end(response, 405, 'Only GET works here.');
  const { contentType } = source;
  end(response, 200, await source.text(), contentType);
}

function end(response: ServerResponse, status: number, text: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(`${text}\n`);
}
