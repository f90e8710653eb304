/** The host names of this mesh. A peer signs the host that it dialled (`key-proof.ts`): it must be one of these. */
import type { IncomingMessage } from 'node:http';
import os from 'node:os';
import { HostGuard, type HostFault } from '@llmesh/core/base/host-guard';
import { isLoopback, machineNames, readHost, type HostName } from '@llmesh/core/base/host-name';

const MACHINE = machineNames(os.hostname());

export interface HostsOptions {
  /** Our own names, each with its port unless that is 80 or 443. Empty: see `HostGuard`. */
  hosts: readonly string[];
  /** Our own reverse proxy is in front. */
  trustProxy: boolean;
}

export class Hosts {
  readonly #known: readonly string[];
  readonly #trustProxy: boolean;
  #guard: HostGuard;

  constructor({ hosts, trustProxy }: HostsOptions) {
    this.#known = hosts.map((host) => host.toLowerCase());
    this.#trustProxy = trustProxy;
    this.#guard = this.#guardAt('127.0.0.1');
  }

  /** Call before the first request: the address where others reach us decides which names are valid. */
  listensOn(address: string): void {
    this.#guard = this.#guardAt(address);
  }

  /** Null: it may come in. A stranger's page whose name was made to lead here may not. */
  faultOf(request: IncomingMessage): HostFault | null {
    const { headers, headersDistinct } = request;
    const fault = this.#guard.fault(headersDistinct['host'], headers.origin);
    if (fault !== null) return fault;
    if (!targetAgrees(request.url ?? '', headers.host ?? '')) return { host: null };
    const forwarded = this.#forwarded(request);
    if (forwarded === null) return null;
    // A page behind a forged header would still have sent its own name as `Host`: this one is the proxy's, and as good.
    if (this.#known.length > 0) return this.#guard.fault([forwarded]);
    return readHost(forwarded) === null ? { host: null } : null;
  }

  /** The host as the client sees it; call only when `faultOf` returned null. */
  asked(request: IncomingMessage): string {
    return (this.#forwarded(request) ?? request.headers.host ?? '').toLowerCase();
  }

  /**
   * The hosts that a peer may have signed. An attacker that relays a challenge to its own visitors writes the request,
   * and can name itself in it: only a mesh that knows its names is safe from that. On this computer nobody can stand in
   * between.
   */
  dialled(request: IncomingMessage): readonly string[] {
    const asked = this.asked(request);
    const host = readHost(asked);
    const here = host !== null && (isLoopback(host) || isOwnAddress(host, request));
    const taken = this.#known.length === 0 || this.#known.includes(asked) || here;
    return taken ? [asked] : this.#known;
  }

  /** The last entry is the one that our own proxy added. */
  #forwarded({ headers }: IncomingMessage): string | null {
    if (!this.#trustProxy) return null;
    return [headers['x-forwarded-host']].flat().at(-1)?.split(',').at(-1)?.trim() || null;
  }

  #guardAt(address: string): HostGuard {
    const host = readAddress(address);
    const loopback = host !== null && isLoopback(host);
    return new HostGuard({ hosts: this.#known, loopback, machine: MACHINE, proxied: this.#trustProxy });
  }
}

/** It came from the same address that it was sent to: our own worker, where we listen on no other. */
function isOwnAddress({ name }: HostName, { socket }: IncomingMessage): boolean {
  const { localAddress = '', remoteAddress } = socket;
  return localAddress === remoteAddress && readAddress(localAddress)?.name === name;
}

function readAddress(address: string): HostName | null {
  return readHost(address.includes(':') ? `[${address}]` : address);
}

/** A request to a proxy has a full URL as its target, which takes precedence (RFC 9112, 3.2.2): both must agree. */
function targetAgrees(target: string, host: string): boolean {
  if (target.startsWith('/') || target === '*') return true;
  return URL.canParse(target) && new URL(target).host === host.toLowerCase();
}
