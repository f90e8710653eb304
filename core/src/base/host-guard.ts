/** By which names a server of ours may be asked: see `host-name.ts` for the pages that this keeps out. */
import { MeshError } from './errors.ts';
import { isLoopback, isPrivateName, readHost, type HostName } from './host-name.ts';

export interface HostGuardOptions {
  /** What its operator says that it is dialled as. Their ports are no matter here. */
  hosts: readonly string[];
  /** It listens on this computer alone. */
  loopback: boolean;
  /** A server of ours stands in front, and may know us by a name of its own. */
  proxied?: boolean;
}

/** Why not. `host`: what it was asked as, for a person; null where that is none at all. */
export interface HostFault {
  readonly host: string | null;
}

export class HostGuard {
  readonly #named: ReadonlySet<string>;
  readonly #options: HostGuardOptions;

  constructor(options: HostGuardOptions) {
    this.#options = options;
    this.#named = new Set(options.hosts.map((host) => readHost(host)?.name ?? ''));
  }

  /** Null: come in. `headers`: every `Host` of the request; there has to be one. */
  fault(headers: readonly string[] | undefined): HostFault | null {
    const [text, ...more] = headers ?? [];
    const host = text === undefined || more.length > 0 ? null : readHost(text);
    if (host === null) return { host: null };
    return this.#mayBe(host) ? null : { host: host.name };
  }

  #mayBe(host: HostName): boolean {
    const { loopback, proxied = false, hosts } = this.#options;
    // Nobody but this computer answers to these, so no page of a stranger has them.
    if (isLoopback(host) || this.#named.has(host.name)) return true;
    if (isPrivateName(host)) return proxied || (!loopback && hosts.length === 0);
    // An address is nobody's name: a page has it only if it comes from there.
    return !loopback && host.kind !== 'name';
  }
}

/**
 * A key, or the question of a browser whether it may bring one: whoever has it may call the server anything. A stranger's
 * page has none.
 */
export function bringsKey(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  if (headers['authorization'] !== undefined) return true;
  return /\bauthorization\b/i.test(String(headers['access-control-request-headers'] ?? ''));
}

/** LLMESH_HOSTS. Throws control_refused: what can be no host would never match, and keep out whoever comes by it. */
export function readHosts(text = ''): string[] {
  const hosts = text
    .split(',')
    .map((host) => host.trim())
    .filter(Boolean);
  const wrong = hosts.find((host) => readHost(host) === null);
  if (wrong === undefined) return hosts;
  throw new MeshError(
    'control_refused',
    `LLMESH_HOSTS: ${wrong} is not a host. Write it like mesh.example or mesh.example:7070, without https://.`,
  );
}

/** What to do about it, for the one who asked and may run the server as well. */
export function hostAdvice({ host }: HostFault): string {
  if (host === null) return 'This request does not clearly say which host it is for.';
  return `This server does not go by the name ${host}. If it is yours, start it with LLMESH_HOSTS=${host}.`;
}
