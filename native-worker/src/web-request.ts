/** One GET that follows redirects by hand: they carry the checksum, and the key for one site is none of the next one's. */
import { onAbort } from '@llmesh/core/abort';
import type { Clock } from '@llmesh/core/clock';
import { cancelled } from '@llmesh/core/errors';
import { broke, TransferError } from './transfer-error.ts';

/** No byte for so long: the connection is as good as dead. */
export const STALL_MS = 30_000;
const MAX_REDIRECTS = 5;
const MAX_RETRY_AFTER_MS = 60_000;
const SHA256 = /^"?([0-9a-f]{64})"?$/;

export interface WebRequest {
  url: URL;
  /** Sent to the origin of `url` alone. */
  authorization: string | null;
  headers: Record<string, string>;
}

export interface WebResponse {
  response: Response;
  /** After all redirects. */
  url: URL;
  /** Hugging Face says it in the redirect: https://huggingface.co/docs/hub/api */
  linkedSha256: string | null;
  /** Every byte of the body that is not read must be cancelled by this. Idempotent. */
  close: () => void;
  /** To be called when bytes came, and `false` while nobody waits for any. */
  expectBytes: (waiting: boolean) => void;
}

/** A response with status 200 or 206. Throws a TransferError, or cancelled. */
export async function request(wanted: WebRequest, clock: Clock, signal: AbortSignal): Promise<WebResponse> {
  if (signal.aborted) throw cancelled();
  const abort = new AbortController();
  let off = () => {};
  const expectBytes = (waiting: boolean) => {
    off();
    off = waiting ? clock.after(STALL_MS, () => abort.abort()) : () => {};
  };
  const forget = onAbort(signal, () => abort.abort());
  const close = () => {
    forget();
    off();
    abort.abort();
  };
  expectBytes(true);
  try {
    const answer = await follow(wanted, abort.signal);
    expectBytes(false);
    return { ...answer, close, expectBytes };
  } catch (thrown) {
    close();
    if (signal.aborted) throw cancelled();
    if (thrown instanceof TransferError) throw thrown;
    throw broke(`${wanted.url.host} does not answer`, null, thrown);
  }
}

async function follow(
  { url: start, authorization, headers }: WebRequest,
  signal: AbortSignal,
): Promise<Pick<WebResponse, 'response' | 'url' | 'linkedSha256'>> {
  let url = start;
  let linkedSha256: string | null = null;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: {
        'accept-encoding': 'identity',
        ...headers,
        ...(authorization !== null && url.origin === start.origin && { authorization }),
      },
      signal,
    });
    linkedSha256 ??= SHA256.exec(response.headers.get('x-linked-etag') ?? '')?.[1] ?? null;
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      url = redirected(url, location);
      continue;
    }
    if (response.status === 200 || response.status === 206) {
      return { response, url, linkedSha256 };
    }
    await response.body?.cancel();
    throw statusError(response, url);
  }
  throw refused('model_download_failed', `${start.host} redirects in circles`, 'Check the address.');
}

function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : null;
  // From https to http anybody on the way could put another file in the place of this one.
  if (to === null || !(to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:'))) {
    throw refused('model_download_failed', `${from.host} redirects to where nothing safe is`, 'Check the address.');
  }
  return to;
}

function statusError({ status, headers }: Response, { host }: URL): TransferError {
  const message = `${host} answers with status ${status}`;
  if (status >= 500 || status === 429 || status === 408) return broke(message, retryAfterMs(headers));
  if (status === 401 || status === 403) {
    return refused(
      'model_download_failed',
      message,
      'It wants to know who asks: accept the licence on the page of the model, and put a token of your account in HF_TOKEN.',
    );
  }
  if (status === 404 || status === 410) {
    return refused('model_not_found', message, 'There is no such file. Check how it is written.');
  }
  return refused('model_download_failed', message, 'Check the address.');
}

function refused(code: 'model_not_found' | 'model_download_failed', message: string, advice: string): TransferError {
  return new TransferError({ kind: 'refused', code, advice }, message);
}

/** RFC 9110, 10.2.3; a date is not worth the trouble. */
function retryAfterMs(headers: Headers): number | null {
  const seconds = Number(headers.get('retry-after') ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : null;
}
