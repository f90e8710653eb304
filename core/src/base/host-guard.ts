/** The names by which a server of ours may be asked: see `host-name.ts` for the pages that this keeps out. */
import { MeshError } from './errors.ts';
import { isLoopback, isNameFromContainer, isPrivateName, isUnspecified, readHost, type HostName } from './host-name.ts';

/** Where clients put a key: OpenAI's in the first, Anthropic's in the second, Azure's in the third. */
export const KEY_HEADERS = ['authorization', 'x-api-key', 'api-key'] as const;

export interface HostGuardOptions {
  /** The names by which it is reached, as its operator says. Ports do not matter here. */
  hosts: readonly string[];
  /** Whether it listens on this computer alone. */
  loopback: boolean;
  /** What this computer itself is called. Left out: unknown. */
  machine?: readonly string[];
  /** Whether a server of ours stands in front, which may know us by a name of its own. */
  proxied?: boolean;
}

/** Why a request is refused. `host`: the name it used, for a person; null where it had none. */
export interface HostFault {
  readonly host: string | null;
}

export class HostGuard {
  readonly #named: ReadonlySet<string>;
  readonly #machine: readonly string[];
  readonly #options: HostGuardOptions;

  constructor(options: HostGuardOptions) {
    this.#options = options;
    this.#named = new Set(options.hosts.map((host) => readHost(host)?.name ?? ''));
    this.#machine = options.machine ?? [];
  }

  /**
   * Null: the request may come in. `headers`: every `Host` of the request; there must be exactly one. `origin`: its
   * `Origin`, which browsers add to whatever a page sends.
   */
  fault(headers: readonly string[] | undefined, origin?: string): HostFault | null {
    const [text, ...more] = headers ?? [];
    const host = text === undefined || more.length > 0 ? null : readHost(text);
    if (host === null) return { host: null };
    return this.#mayBe(host) || (origin === undefined && isOwnName(host, this.#machine)) ? null : { host: host.name };
  }

  #mayBe(host: HostName): boolean {
    const { loopback, proxied = false, hosts } = this.#options;
    // Nobody but this computer answers to these, so no page of a stranger has them.
    if (isLoopback(host) || isUnspecified(host) || this.#named.has(host.name)) return true;
    if (isPrivateName(host)) return proxied || (!loopback && hosts.length === 0);
    // An address is not a name: a page has it only if it comes from there.
    return !loopback && host.kind !== 'name';
  }
}

/**
 * Whether programs know this computer by that name: from a container, or as `machine` says. Only a network whose DNS lies can
 * give such a name to a stranger's page, and what a page sends has an `Origin`: let none in that has one.
 */
export function isOwnName(host: HostName, machine: readonly string[]): boolean {
  return isNameFromContainer(host) || (host.kind === 'name' && machine.includes(host.name));
}

/**
 * Whether the request has a key, or is a browser's question whether it may bring one: with a key any name will do. A
 * stranger's page has none.
 */
export function bringsKey(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  if (KEY_HEADERS.some((name) => headers[name] !== undefined)) return true;
  const announced = String(headers['access-control-request-headers'] ?? '').toLowerCase();
  return announced.split(',').some((name) => KEY_HEADERS.some((key) => key === name.trim()));
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
