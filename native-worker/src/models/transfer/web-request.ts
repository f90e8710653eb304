/** One GET that follows redirects by hand: they carry the checksum, and the next site must not see the key for this one. */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { onAbort } from '@llmesh/core/base/abort';
import type { Clock } from '@llmesh/core/base/clock';
import { cancelled } from '@llmesh/core/base/errors';
import { webResponse } from '../../web/outgoing.ts';
import { ProxyError } from '../../web/proxy-choice.ts';
import { broke, TransferError } from './transfer-error.ts';

/** After this long without a byte the connection is as good as dead. */
export const STALL_MS = 30_000;
const MAX_REDIRECTS = 5;
const MAX_RETRY_AFTER_MS = 60_000;
const SHA256 = /^"?([0-9a-f]{64})"?$/;

export interface WebRequest {
  url: URL;
  /** A key that is sent to the origin of `url` alone. */
  authorization: string | null;
  headers: Record<string, string>;
}

export interface WebResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** Read it to its end, or call `close`. Breaks with an error when it is closed or cut. */
  body: AsyncIterable<Buffer>;
  /** The address after all redirects. */
  url: URL;
  /** Hugging Face says it in the redirect: https://huggingface.co/docs/hub/api */
  linkedSha256: string | null;
  /** Idempotent. */
  close: () => void;
  /** True while somebody waits for bytes: then they must come within STALL_MS. */
  expectBytes: (waiting: boolean) => void;
}

/** A response with status 200 or 206. Throws a TransferError, or cancelled. */
export async function request(wanted: WebRequest, clock: Clock, signal: AbortSignal): Promise<WebResponse> {
  if (signal.aborted) throw cancelled();
  // This does not use fetch: a request that nobody holds on to no longer hears an abort, and never ends.
  let open: { destroy: (error: Error) => void } | null = null;
  let off = () => {};
  const end = () => open?.destroy(new Error('closed'));
  const expectBytes = (waiting: boolean) => {
    off();
    off = waiting ? clock.after(STALL_MS, end) : () => {};
  };
  const forget = onAbort(signal, end);
  const close = () => {
    forget();
    off();
    end();
  };
  expectBytes(true);
  try {
    const answer = await follow(wanted, (opened) => (open = opened));
    expectBytes(false);
    return { ...answer, close, expectBytes };
  } catch (thrown) {
    close();
    if (signal.aborted) throw cancelled();
    if (thrown instanceof TransferError) throw thrown;
    if (thrown instanceof ProxyError) throw proxyFailure(thrown);
    throw broke(`${wanted.url.host} does not answer`, null, thrown);
  }
}

async function follow(
  { url: start, authorization, headers }: WebRequest,
  opened: (open: ClientRequest | IncomingMessage) => void,
): Promise<Pick<WebResponse, 'status' | 'headers' | 'body' | 'url' | 'linkedSha256'>> {
  let url = start;
  let linkedSha256: string | null = null;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const ours = authorization !== null && url.origin === start.origin;
    const all = { 'accept-encoding': 'identity', ...headers, ...(ours && { authorization }) };
    const response = await webResponse(url, { headers: all, opened });
    opened(response);
    const status = response.statusCode ?? 0;
    linkedSha256 ??= SHA256.exec(String(response.headers['x-linked-etag'] ?? ''))?.[1] ?? null;
    if (status === 200 || status === 206) {
      return { status, headers: response.headers, body: response, url, linkedSha256 };
    }
    response.destroy();
    const { location } = response.headers;
    if (status < 300 || status >= 400 || location === undefined) throw statusError(status, response.headers, url);
    url = redirected(url, location);
  }
  throw refused('model_download_failed', `${start.host} redirects in circles`, 'Check the address.');
}

function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : null;
  // From https to http anybody on the way could put another file in the place of this one.
  if (to === null || !(to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:'))) {
    throw refused(
      'model_download_failed',
      `${from.host} redirects to an address that is not safe`,
      'Check the address.',
    );
  }
  return to;
}

function statusError(status: number, headers: IncomingHttpHeaders, { host }: URL): TransferError {
  const message = `${host} answers with status ${status}`;
  if (status >= 500 || status === 429 || status === 408) return broke(message, retryAfterMs(headers));
  if (status === 401 || status === 403) {
    return refused(
      'model_download_failed',
      message,
      'It wants to know who you are: accept the licence on the page of the model, and put a token of your account in HF_TOKEN.',
    );
  }
  if (status === 404 || status === 410) {
    return refused('model_not_found', message, 'There is no such file. Check how it is written.');
  }
  return refused('model_download_failed', message, 'Check the address.');
}

function proxyFailure(error: ProxyError): TransferError {
  const { fault, advice, passing } = error;
  return passing ? broke(fault, null, error) : refused('model_download_failed', fault, advice);
}

function refused(code: 'model_not_found' | 'model_download_failed', message: string, advice: string): TransferError {
  return new TransferError({ kind: 'refused', code, advice }, message);
}

/** Reads Retry-After (RFC 9110, 10.2.3); a date is not worth the trouble. */
function retryAfterMs(headers: IncomingHttpHeaders): number | null {
  const seconds = Number(headers['retry-after'] ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : null;
}
