/** The names by which a server of ours may be asked: see `host-name.ts` for the pages that this keeps out. */
import { MeshError } from './errors.ts';
import { isLoopback, isPrivateName, readHost, type HostName } from './host-name.ts';

export interface HostGuardOptions {
  /** The names by which it is reached, as its operator says. Ports do not matter here. */
  hosts: readonly string[];
  /** Whether it listens on this computer alone. */
  loopback: boolean;
  /** Whether a server of ours stands in front, which may know us by a name of its own. */
  proxied?: boolean;
}

/** Why a request is refused. `host`: the name it used, for a person; null where it had none. */
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

  /** Null: the request may come in. `headers`: every `Host` of the request; there must be exactly one. */
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
    // An address is not a name: a page has it only if it comes from there.
    return !loopback && host.kind !== 'name';
  }
}

/**
 * Whether the request has a key, or is a browser's question whether it may bring one: with a key any name will do. A
 * stranger's page has none.
 */
export function bringsKey(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  if (headers['authorization'] !== undefined) return true;
  return /\bauthorization\b/i.test(String(headers['access-control-request-headers'] ?? ''));
}

/** LLMESH_HOSTS. Throws control_refused for an invalid host, which would never match, and keep people out. */
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

/** Advice for the one who asked, who may run the server as well. */
export function hostAdvice({ host }: HostFault): string {
  if (host === null) return 'This request does not clearly say which host it is for.';
  return `This server does not go by the name ${host}. If it is yours, start it with LLMESH_HOSTS=${host}.`;
}
