/**
 * Two homes behind a router each, and the open internet between them, as network namespaces of Linux. The routers translate
 * addresses the usual way or, `symmetric`, with another port for every destination, which no hole punching gets through.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** The address of the open internet, which everyone can reach. */
export const INTERNET_ADDRESS = '198.51.100.1';
export type Place = 'internet' | 'home-a' | 'home-b';
type Home = 'a' | 'b';
const HOMES: readonly Home[] = ['a', 'b'];

const COUNT_UDP = `
  table ip counted {
    counter sent { }
    chain out {
      type filter hook output priority 0;
      meta l4proto udp counter name "sent"
    }
  }`;

/** Why this computer cannot have such a network; null: it can. */
export function natMissing(): string | null {
  if (process.getuid?.() !== 0) return 'only root makes network namespaces';
  for (const [tool, debian] of [
    ['ip', 'iproute2'],
    ['nft', 'nftables'],
  ] as const) {
    if (spawnSync(tool, ['-V']).error !== undefined) return `${tool} is missing (Debian: ${debian})`;
  }
  const name = `llmesh-try-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name]);
  spawnSync('ip', ['netns', 'del', name]);
  return made.status === 0 ? null : `namespaces are not allowed here: ${String(made.stderr).trim()}`;
}

export class NatNetwork {
  readonly #tag = `llmesh-${process.pid}`;

  /** Throws when a step fails, and leaves nothing behind. Takes away what a test left that was killed. */
  constructor() {
    for (const name of namespaces()) {
      const owner = /^llmesh-(\d+)-/.exec(name)?.[1];
      if (owner !== undefined && !alive(Number(owner))) remove(name);
    }
    process.once('exit', () => this.close());
    try {
      this.#build();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The command line that runs a program in there, when `[program, ...args]` follows it. */
  within(place: Place): string[] {
    return ['netns', 'exec', this.#namespace(place)];
  }

  /** Changes both routers from now on. */
  setSymmetric(symmetric: boolean): void {
    const rules = `
      flush ruleset
      table ip nat {
        chain post {
          type nat hook postrouting priority 100;
          oifname "wan" masquerade ${symmetric ? 'fully-random' : ''}
        }
      }
      table ip filter {
        chain input { type filter hook input priority 0; iifname "wan" drop; }
        chain forward { type filter hook forward priority 0; iifname "wan" ct state new drop; }
      }`;
    for (const home of HOMES) this.#run(['nft', '-f', '-'], `router-${home}`, rules);
  }

  /** UDP packets that this home has sent so far. */
  udpSent(home: Home): number {
    const at = `home-${home}`;
    const json = this.#run(['nft', '-j', 'list', 'counter', 'ip', 'counted', 'sent'], at);
    const { nftables } = JSON.parse(json) as { nftables: { counter?: { packets: number } }[] };
    return nftables.find(({ counter }) => counter !== undefined)?.counter?.packets ?? NaN;
  }

  /** Ends it with all that still runs in it. Idempotent. */
  close(): void {
    for (const name of namespaces()) if (name.startsWith(`${this.#tag}-`)) remove(name);
  }

  #build(): void {
    this.#add('internet');
    // Packets to private addresses vanish, as they do out there.
    this.#run(['ip', 'route', 'add', 'default', 'dev', 'lo'], 'internet');
    HOMES.forEach((home, n) => {
      const [router, inside] = [`router-${home}`, `home-${home}`];
      this.#add(router);
      this.#add(inside);
      this.#connect(
        ['internet', `to-${home}`, `198.51.100.${1 + 4 * n}/30`],
        [router, 'wan', `198.51.100.${2 + 4 * n}/30`],
      );
      this.#connect([router, 'lan', `10.0.${n}.1/24`], [inside, 'eth', `10.0.${n}.2/24`]);
      this.#run(['ip', 'route', 'add', 'default', 'via', `198.51.100.${1 + 4 * n}`], router);
      this.#run(['ip', 'route', 'add', 'default', 'via', `10.0.${n}.1`], inside);
      this.#run(['nft', '-f', '-'], inside, COUNT_UDP);
    });
    this.setSymmetric(true);
  }

  #add(name: string): void {
    const namespace = this.#namespace(name);
    this.#must('ip', ['netns', 'add', namespace]);
    this.#run(['ip', 'link', 'set', 'lo', 'up'], name);
    this.#run(['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'], name);
  }

  #connect(...ends: [[string, string, string], [string, string, string]]): void {
    const [[nearName, nearLink], [farName, farLink]] = ends;
    const far = ['peer', 'name', farLink, 'netns', this.#namespace(farName)];
    this.#run(['ip', 'link', 'add', nearLink, 'type', 'veth', ...far], nearName);
    for (const [name, link, address] of ends) {
      this.#run(['ip', 'addr', 'add', address, 'dev', link], name);
      this.#run(['ip', 'link', 'set', link, 'up'], name);
    }
  }

  #namespace(name: string): string {
    return `${this.#tag}-${name}`;
  }

  #run(command: readonly string[], name: string, input?: string): string {
    return this.#must('ip', ['netns', 'exec', this.#namespace(name), ...command], input);
  }

  #must(program: string, args: readonly string[], input = ''): string {
    const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  }
}

function namespaces(): string[] {
  const list = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout;
  return list.split('\n').map((line) => line.split(' ')[0] ?? '');
}

function remove(namespace: string): void {
  const pids = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).stdout;
  for (const pid of pids.split('\n').map(Number)) {
    if (pid > 0 && alive(pid)) process.kill(pid, 'SIGKILL');
  }
  spawnSync('ip', ['netns', 'del', namespace]);
}

function alive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
