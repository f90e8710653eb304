/** Every HTTP request and WebSocket that leaves this computer begins here, so that none misses a company's proxy. */
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { WebSocket, type ClientOptions } from 'ws';
import { asksForName, ProxyAgent, proxyAuthorization, type Way } from './proxy-agent.ts';
import { proxyFor, ProxyError } from './proxy-choice.ts';

export interface WebRequestOptions extends Pick<RequestOptions, 'method' | 'signal'> {
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Told the request before anything is sent, to end it early. */
  opened?: (request: ClientRequest) => void;
}

/** They keep connections, so that the next request comes over the same one. */
const DIRECT = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
const proxied = new Map<string, ProxyAgent>();

/** Resolves with the head of the response. Follows no redirects. Rejects with a ProxyError, or with an error of Node. */
export function webResponse(url: URL, { body, opened, ...options }: WebRequestOptions = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const proxy = proxyFor(url);
    const sent = open(url, options, proxy);
    opened?.(sent);
    sent.on('error', reject);
    sent.on('response', (response) => {
      // A reader gets the error as well; where there is none, the response was closed.
      response.on('error', () => {});
      if (response.statusCode !== 407 || proxy === null) return resolve(response);
      response.destroy();
      reject(asksForName(proxy.host));
    });
    sent.end(body);
  });
}

function open(url: URL, options: Omit<WebRequestOptions, 'body' | 'opened'>, proxy: URL | null): ClientRequest {
  if (url.protocol === 'https:') {
    return https.request(url, { ...options, agent: proxy === null ? DIRECT.https : agentFor(proxy, 'https') });
  }
  if (proxy === null) return http.request(url, { ...options, agent: DIRECT.http });
  // Most proxies pass plain requests on, and open ways to port 443 alone.
  return http.request({
    ...options,
    host: url.hostname,
    path: url.href,
    headers: { host: url.host, ...proxyAuthorization(proxy), ...options.headers },
    agent: agentFor(proxy, 'plain'),
  });
}

/** A fault of a proxy is an `error` of the socket, which then closes. */
export function openSocket(url: string, options: ClientOptions = {}): WebSocket {
  return new WebSocket(url, { ...options, ...socketAgent(url) });
}

/** What a WebSocket needs to be told about the proxy on its way: nothing where there is none. */
export function socketAgent(url: string): { agent?: ProxyAgent } {
  const target = new URL(url);
  const way = target.protocol === 'wss:' ? 'https' : 'http';
  try {
    const proxy = proxyFor(target);
    return proxy === null ? {} : { agent: agentFor(proxy, way) };
  } catch (thrown) {
    if (!(thrown instanceof ProxyError)) throw thrown;
    // Whoever opens sockets again and again listens to their errors, and catches nothing.
    return { agent: new ProxyAgent(thrown, way) };
  }
}

function agentFor(proxy: URL, way: Way): ProxyAgent {
  const name = `${way} ${proxy.href}`;
  const agent = proxied.get(name) ?? new ProxyAgent(proxy, way);
  proxied.set(name, agent);
  return agent;
}
