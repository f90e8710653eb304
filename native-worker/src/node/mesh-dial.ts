/** Opens the WebSockets to `/mesh`, and knows why the last one failed. */
import type { WebSocket } from 'ws';
import { MAX_MESSAGE_BYTES } from '@llmesh/core/wire/fields';
import { openSocket } from '../web/outgoing.ts';
import { ProxyError } from '../web/proxy-choice.ts';
import { fetchStats } from './mesh-api.ts';
import { redirectOf, speaksTls } from './mesh-probe.ts';
import { codeOf, hungUp, troubleWords, type MeshTrouble } from './mesh-trouble.ts';

/** With these a server or a proxy refuses for a reason of its own; with others it may just not know WebSockets. */
const TELLING = new Set([401, 403, 407, 421, 426, 429, 502, 503, 504]);

export class MeshDial {
  readonly #address: URL;
  #trouble: MeshTrouble = { kind: 'silent' };

  constructor(address: URL) {
    this.#address = address;
  }

  readonly open = (url: string): WebSocket => {
    const socket = openSocket(url, { maxPayload: MAX_MESSAGE_BYTES });
    let seen: MeshTrouble | null = null;
    socket.once('unexpected-response', (_request, response) => {
      const { statusCode: status = 0, headers } = response;
      seen = { kind: 'status', status, redirect: redirectOf(status, headers.location, this.#address), mesh: false };
      response.destroy();
      socket.terminate();
    });
    socket.once('open', () => (seen = { kind: 'stranger' }));
    socket.on('error', (error) => {
      if (error instanceof ProxyError) seen ??= { kind: 'proxy', words: error.message };
      // A socket that was given up while it was still being opened has no code.
      seen ??= 'code' in error ? { kind: 'error', code: codeOf(error) } : { kind: 'silent' };
    });
    socket.once('close', () => (this.#trouble = seen ?? { kind: 'silent' }));
    return socket;
  };

  /** Why it has not worked so far, in words for a person. Looks closer for a few seconds where that helps. Never rejects. */
  async why(): Promise<string> {
    const trouble = this.#trouble;
    return troubleWords(this.#address, await this.#lookedAt(trouble));
  }

  async #lookedAt(trouble: MeshTrouble): Promise<MeshTrouble> {
    const { protocol } = this.#address;
    if (trouble.kind === 'error' && protocol === 'http:' && hungUp(trouble.code)) {
      return (await speaksTls(this.#address)) ? { kind: 'speaks_https' } : trouble;
    }
    if (trouble.kind !== 'status' || trouble.redirect !== null || TELLING.has(trouble.status)) return trouble;
    // A server that only speaks TLS may say so in plain HTTP, with a 400.
    if (trouble.status === 400 && protocol === 'http:' && (await speaksTls(this.#address))) {
      return { kind: 'speaks_https' };
    }
    const mesh = await fetchStats(this.#address).then(
      () => true,
      () => false,
    );
    return { ...trouble, mesh };
  }
}
