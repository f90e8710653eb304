/** The relay through the control plane, as peers use it. Control plane and workers are processes of their own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { realClock } from '@llmesh/core/base/clock';
import type { ModelId } from '@llmesh/core/base/ids';
import { MAX_FRAGMENT_BYTES } from '@llmesh/core/protocol';
import { RelayTransport } from '@llmesh/core/transport/relay-transport';
import { SealedLink } from '@llmesh/core/transport/seal/sealed-link';
import { transportSuite } from '@llmesh/core/suites/transport';
import { HIGH_WATER_BYTES, type Link } from '@llmesh/core/transport/transport';
import { openControl } from '@llmesh/core/open-control';
import { openPeerPaths, type PeerOptions } from '@llmesh/core/open-peer';
import { nodeHost, openMeshNode, releaseMeshNodes } from './mesh-node.ts';
import { startControlPlane, startLlmesh, type Running } from '../testing/process.ts';
import type { AnswerEvent, AnswerSummary } from '@llmesh/core/ask/answer';

const known: { question: string; answer: string }[] = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../models/tiny/questions.json', import.meta.url)), 'utf8'),
);
const longest = known.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
/** How soon a person should know that somebody is gone. */
const KNOWN_GONE_MS = 3_000;

const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-relay-'));
const started: Running[] = [];
let url = '';

async function openPlane(): Promise<{ url: string; process: Running }> {
  // The relay is as fast as this computer, so that the suite tests the transport and not the limit.
  const plane = await startControlPlane(0, { LLMESH_RELAY_KIB: '1000000' });
  started.push(plane.process);
  return plane;
}

beforeAll(async () => {
  ({ url } = await openPlane());
});
afterAll(async () => {
  for (const running of started) running.kill('SIGKILL');
  await Promise.all(started.map((running) => running.exited));
  rmSync(data, { recursive: true });
  releaseMeshNodes();
});

async function join(options: PeerOptions = {}) {
  const address = new URL(url);
  const paths = await openPeerPaths(nodeHost(address), address, options);
  paths.control.start();
  await paths.relay.reachable(AbortSignal.timeout(20_000));
  const close = () => {
    paths.transport.close();
    paths.control.close();
  };
  return { ...paths, close };
}

transportSuite('sealed relay through the control plane', async () => {
  const [a, b] = await Promise.all([join(), join()]);
  return {
    a: a.relay,
    b: b.relay,
    path: 'relay',
    async close() {
      for (const end of [a, b]) end.close();
    },
  };
});

it('a relayed link tells its sender how much waits for a reader that does not read, and when there is room again', async () => {
  const sockets: WebSocket[] = [];
  const peer = async () => {
    const mesh = new URL(url);
    const host = nodeHost(mesh);
    const identity = host.newIdentity();
    const control = openControl(host, mesh, identity);
    const transport = new RelayTransport({
      self: identity.peerId,
      url: new URL('/relay', url).href.replace('http', 'ws'),
      openSocket: (address) => {
        const socket = host.openRelaySocket(address);
        sockets.push(socket as unknown as WebSocket);
        return socket;
      },
      ticketTo: (other, signal) => control.relay(other, signal),
      clock: realClock,
    });
    control.on('welcome', () => transport.start());
    control.on('call', (other, ticket) => transport.called(other, ticket));
    control.start();
    await transport.reachable(AbortSignal.timeout(20_000));
    return { transport, close: () => (transport.close(), control.close()) };
  };
  const [a, b] = await Promise.all([peer(), peer()]);
  try {
    const accepted = new Promise<Link>((resolve) => {
      b.transport.accept = resolve;
    });
    const near = await a.transport.dial(b.transport.self, AbortSignal.timeout(20_000));
    const far = await accepted;
    let received = 0;
    far.receive = () => (received += 1);
    let drains = 0;
    near.drained = () => drains++;
    for (const socket of sockets) socket.pause();
    let sent = 0;
    // This is more than the buffers on the way hold.
    const fill = () => {
      for (let n = 0; n < 100; n++, sent++) near.send(new Uint8Array(MAX_FRAGMENT_BYTES));
      return near.bufferedBytes;
    };
    await expect.poll(fill, { timeout: 20_000 }).toBeGreaterThan(HIGH_WATER_BYTES);
    expect(drains).toBe(0);
    for (const socket of sockets) socket.resume();
    await expect.poll(() => received, { timeout: 20_000 }).toBe(sent);
    await expect.poll(() => drains).toBeGreaterThan(0);
    expect(near.bufferedBytes).toBe(0);
  } finally {
    a.close();
    b.close();
  }
});

describe('an anonymous client', () => {
  it('calls providers whose certificate it has seen, over every path, and is nobody to them', async () => {
    const [client, provider] = await Promise.all([join({ anonymous: true }), join()]);
    try {
      expect(client.transport.certificate).toBeUndefined();
      const dial = (way: 'webRtc' | 'relay') => client[way].dial(provider.transport.self, AbortSignal.timeout(20_000));
      await expect(dial('relay')).rejects.toMatchObject({ code: 'connect_failed' });
      client.transport.learn?.(provider.transport.self, provider.transport.certificate ?? '');
      for (const way of ['webRtc', 'relay'] as const) {
        const accepted = new Promise<Link>((resolve) => {
          provider.transport.accept = resolve;
        });
        const near = (await dial(way)) as SealedLink;
        const far = await accepted;
        expect(far).toBeInstanceOf(SealedLink);
        expect([near.peer, near.proven]).toEqual([provider.transport.self, true]);
        expect([far.peer, (far as SealedLink).proven]).toEqual([client.transport.self, false]);
      }
      await expect(provider.relay.dial(client.transport.self, AbortSignal.timeout(20_000))).rejects.toMatchObject({
        code: 'connect_failed',
      });
    } finally {
      client.close();
      provider.close();
    }
  });

  it('believes no certificate of somebody else', async () => {
    const [client, provider, thief] = await Promise.all([join({ anonymous: true }), join(), join()]);
    try {
      client.transport.learn?.(provider.transport.self, thief.transport.certificate ?? '');
      await expect(client.relay.dial(provider.transport.self, AbortSignal.timeout(20_000))).rejects.toMatchObject({
        code: 'connect_failed',
      });
    } finally {
      for (const peer of [client, provider, thief]) peer.close();
    }
  });
});

describe('llmesh worker', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function lend(mesh: string, ...more: string[]): Promise<Running> {
    const common = ['--threads', '1', '--gpu', 'off', '--data', data, '--json'];
    const worker = startLlmesh('worker', '--model', 'llmesh-tiny', '--mesh', mesh, ...common, ...more);
    started.push(worker);
    await worker.line((line) => line['ready'] === true);
    closing.push(async () => {
      worker.kill('SIGKILL');
      await worker.exited;
    });
    return worker;
  }

  async function ask(mesh: string, options: PeerOptions, onEvent: (event: AnswerEvent) => void = () => {}) {
    const node = await openMeshNode(new URL(mesh), options);
    closing.push(() => node.close());
    const request = {
      model: 'llmesh-tiny' as ModelId,
      turns: [{ role: 'user' as const, content: longest.question }],
      sampling: { temperature: 0 },
      maxTokens: 1024,
      only: null,
    };
    let text = '';
    let receipt: AnswerSummary | null = null;
    for await (const event of node.mesh.ask(request, AbortSignal.timeout(60_000))) {
      if (event.type === 'piece') text += event.text;
      onEvent(event);
      if (event.type === 'done') receipt = event.summary;
    }
    return { text, receipt };
  }

  it('with --hide-address is reached through the relay, by others that hide and do not, known and anonymous', async () => {
    await lend(url, '--hide-address');
    for (const options of [{}, { hidden: true }, { anonymous: true, hidden: true }]) {
      const { text, receipt } = await ask(url, options);
      expect(text).toBe(longest.answer);
      expect(receipt?.path).toBe('relay');
    }
  });

  it('without it is reached, but by who hides only through the relay', async () => {
    await lend(url);
    expect((await ask(url, { anonymous: true })).text).toBe(longest.answer);
    expect((await ask(url, { hidden: true })).receipt?.path).toBe('relay');
  });

  /** Milliseconds until the requester notices the blow, which is struck at the first words of an answer. */
  async function struck(mesh: string, strike: () => void): Promise<number> {
    let strickenMs = 0;
    let knownMs = 0;
    const answer = ask(mesh, {}, (event) => {
      if (event.type === 'interrupted') knownMs ||= performance.now();
      if (event.type !== 'piece' || strickenMs > 0) return;
      strickenMs = performance.now();
      strike();
    });
    await expect(answer).rejects.toMatchObject({ code: 'provider_lost' });
    return knownMs - strickenMs;
  }

  it.each([
    ['directly', []],
    ['through the relay', ['--hide-address']],
  ])('reached %s is known as lost within 3 s when it freezes, and when it is killed', async (_how, options) => {
    const worker = await lend(url, '--max-speed', '20', ...options);
    // Its connections stay half-open.
    expect(await struck(url, () => worker.strike('SIGSTOP'))).toBeLessThan(KNOWN_GONE_MS);
    worker.strike('SIGCONT');
    expect(await struck(url, () => worker.strike('SIGKILL'))).toBeLessThan(KNOWN_GONE_MS);
  });

  it('that loses the relay is known as lost within 3 s', async () => {
    const plane = await openPlane();
    await lend(plane.url, '--max-speed', '20', '--hide-address');
    expect(await struck(plane.url, () => plane.process.kill('SIGKILL'))).toBeLessThan(KNOWN_GONE_MS);
  });
});
