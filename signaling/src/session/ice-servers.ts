/**
 * The servers that WebRTC may use: those that the operator names, and TURN servers whose credentials are made here, per
 * peer and for a limited time (coturn's `use-auth-secret`, draft-uberti-behave-turn-rest-00).
 */
import { createHmac } from 'node:crypto';
import type { IceServer } from '@llmesh/core/wire/control-protocol';
import type { PeerId } from '@llmesh/core/base/ids';

/** An open link outlives its credentials. */
export const CREDENTIALS_MS = 2 * 3_600_000;
/** How often peers get new ones. */
export const RENEW_MS = CREDENTIALS_MS / 2;

export interface TurnOptions {
  /** coturn's `static-auth-secret`. */
  secret: string;
  urls: readonly string[];
}

export class IceServers {
  readonly #fixed: readonly IceServer[];
  readonly #turn: TurnOptions | null;
  readonly #now: () => number;

  /** `now`: milliseconds since 1970. */
  constructor(fixed: readonly IceServer[], turn: TurnOptions | null, now: () => number) {
    this.#fixed = fixed;
    this.#turn = turn;
    this.#now = now;
  }

  /** The servers change, and have to be sent again every `RENEW_MS`. */
  get expire(): boolean {
    return this.#turn !== null;
  }

  of(peer: PeerId): IceServer[] {
    return this.#turn === null ? [...this.#fixed] : [...this.#fixed, this.#turnServer(this.#turn, peer)];
  }

  #turnServer({ secret, urls }: TurnOptions, peer: PeerId): IceServer {
    const expirySeconds = Math.floor((this.#now() + CREDENTIALS_MS) / 1000);
    const username = `${expirySeconds}:${peer}`;
    return { urls: [...urls], username, credential: createHmac('sha1', secret).update(username).digest('base64') };
  }
}
