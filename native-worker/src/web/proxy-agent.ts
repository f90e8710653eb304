/** Connections through an HTTP proxy: to the proxy itself, and past it to a server (CONNECT, RFC 9110, 9.3.6). */
import http, { type ClientRequestArgs } from 'node:http';
import net, { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { ProxyError } from './proxy-choice.ts';

/** A proxy that lets nobody through may take its time before it says so, but not this long. */
const PATIENCE_MS = 20_000;

/**
 * `plain`: requests for http go to the proxy as they are. `http` and `https`: the proxy opens a way to the server, and hears
 * nothing more of it than its name; WebSockets need that, too.
 */
export type Way = 'plain' | 'http' | 'https';

export class ProxyAgent extends http.Agent {
  readonly #proxy: URL | ProxyError;
  readonly #way: Way;

  /** `proxy`: or why there is none, which every connection then fails with. */
  constructor(proxy: URL | ProxyError, way: Way) {
    super({ keepAlive: true });
    this.#proxy = proxy;
    this.#way = way;
    // Node compares these with the request's, and declares neither.
    if (way === 'https') Object.assign(this, { protocol: 'https:', defaultPort: 443 });
  }

  override createConnection(
    options: ClientRequestArgs,
    opened: (error: Error | null, socket: Duplex) => void = () => {},
  ): undefined {
    // Whoever gets an error looks at nothing else.
    this.#connect(options).then(
      (socket) => opened(null, socket),
      (error: Error) => (opened as (error: Error) => void)(error),
    );
  }

  async #connect({ host, port }: ClientRequestArgs): Promise<Duplex> {
    const proxy = this.#proxy;
    if (proxy instanceof ProxyError) throw proxy;
    if (this.#way === 'plain') return await dial(proxy, host ?? '');
    const name = host ?? '';
    const target = `${name.includes(':') ? `[${name}]` : name}:${port ?? (this.#way === 'https' ? 443 : 80)}`;
    const socket = await tunnel(proxy, target, await dial(proxy, target));
    if (this.#way === 'http') return socket;
    return tls.connect({ socket, ...(isIP(name) === 0 && { servername: name }), ALPNProtocols: ['http/1.1'] });
  }
}

/** What a proxy wants to see of whoever has a name and a password for it; empty where the address has none. */
export function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const secret = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(secret).toString('base64')}` };
}

/** `target`: for the message. Rejects with a ProxyError. */
function dial(proxy: URL, target: string): Promise<Duplex> {
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  const secure = proxy.protocol === 'https:';
  const port = Number(proxy.port) || (secure ? 443 : 80);
  return new Promise((resolve, reject) => {
    const socket = secure
      ? tls.connect({ host, port, ...(isIP(host) === 0 && { servername: host }) })
      : net.connect({ host, port });
    const fail = (error: Error & { code?: string }) => {
      socket.destroy();
      const fault = `The proxy ${proxy.host} does not answer (${error.code ?? error.message})`;
      const advice = `Check HTTPS_PROXY and HTTP_PROXY, or name ${target} in NO_PROXY.`;
      reject(new ProxyError(fault, advice, { passing: true }));
    };
    socket.setTimeout(PATIENCE_MS, () => fail(new Error('timeout')));
    socket.once('error', fail);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

/** Resolves with `socket` when the other end of it is `target`. Rejects with a ProxyError. */
function tunnel(proxy: URL, target: string, socket: Duplex): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const refuse = (error: ProxyError) => {
      socket.destroy();
      reject(error);
    };
    const hangsUp = () =>
      refuse(
        new ProxyError(`The proxy ${proxy.host} opens no way to ${target}`, 'Try again later.', { passing: true }),
      );
    const sent = http.request({
      createConnection: () => socket,
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...proxyAuthorization(proxy) },
      timeout: PATIENCE_MS,
    });
    sent.on('timeout', hangsUp);
    sent.on('error', hangsUp);
    sent.on('connect', ({ statusCode = 0 }, _socket, early: Buffer) => {
      if (statusCode !== 200) return refuse(refusal(proxy, target, statusCode));
      if (early.length > 0) socket.unshift(early);
      resolve(socket);
    });
    sent.end();
  });
}

function refusal({ host }: URL, target: string, status: number): ProxyError {
  if (status === 407) return asksForName(host);
  const fault = `The proxy ${host} lets nobody through to ${target} (HTTP ${status})`;
  return new ProxyError(fault, `Ask whoever runs it, or name ${target} in NO_PROXY.`, { passing: status >= 500 });
}

export function asksForName(host: string): ProxyError {
  const advice = `Write them into its address: http://name:password@${host}.`;
  return new ProxyError(`The proxy ${host} asks for a name and a password`, advice);
}
