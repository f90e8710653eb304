import { expect } from '@playwright/test';
import { encode } from '@msgpack/msgpack';
import type { ControlClient } from '@llmesh/core/control/control';
import { makeCredentials } from '@llmesh/core/transport/seal/credentials';
import { SECRET_KEY_BYTES, softwareIdentity } from '@llmesh/core/identity/identity';
import { isPeerId, newPeerId, newTaskId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { chatRequest } from '@llmesh/core/testing/task-messages';
import { PeerJsTransport } from '@llmesh/core/transport/peerjs-transport';
import { MAX_FRAGMENT_BYTES, PROTOCOL_VERSION } from '@llmesh/core/protocol';
import type { Welcome } from '@llmesh/core/wire/control-protocol';
import { generateKeyPair } from '@llmesh/core/transport/seal/noise';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { HANDSHAKE_XX, SEALED } from '@llmesh/core/transport/seal/seal-wire';
import { openControl } from '@llmesh/core/open-control';
import { openPaths, peerJsOptions } from '@llmesh/core/open-paths';
import { openPeerPaths } from '@llmesh/core/open-peer';
import type { Link, Transport } from '@llmesh/core/transport/transport';
import { releaseWebRtc } from 'llmesh/node/datachannel';
import { nodeHost } from 'llmesh/node/mesh-node';
import { WebSocket } from 'ws';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { askAll } from '../src/node-client.ts';
import type { Running } from '../src/processes.ts';
import { plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

let mesh: TestMesh;
let worker: Running;
test.beforeAll(async () => {
  mesh = await startMesh();
  worker = await mesh.addWorker();
});
test.afterAll(() => mesh.stop());

const ANY_POINT = generateKeyPair(randomBytes).publicKey;
const frame = (flag: number, body: Uint8Array, version = PROTOCOL_VERSION) => new Uint8Array([version, flag, ...body]);
const text = (bytes: number) => new Uint8Array(bytes).fill(120);
const request = () => frame(1, encode(chatRequest(newTaskId(), {}, { model: 'llmesh-tiny' as ModelId })));

/** The provider's link is gone soon after `misbehave`. */
async function isCutOff(link: Link, misbehave: () => void): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    link.closed = resolve;
  });
  misbehave();
  await gone;
}

function workerId(): PeerId {
  const id = worker.lines.find((line) => line['ready'] === true)?.['peerId'];
  if (!isPeerId(id)) throw new Error('the worker did not say its id');
  return id;
}

async function stillAnswers(): Promise<void> {
  for (const { text: got, expected } of await askAll(mesh.url, plain.slice(0, 2))) expect(got).toBe(expected);
}

/** Opens one link after the other to the provider: each offence ends its own. */
async function areCutOff(
  transport: Transport,
  control: ControlClient,
  offences: [string, (link: Link) => void][],
): Promise<void> {
  const provider = workerId();
  try {
    for (const [name, offend] of offences) {
      await test.step(name, async () => {
        const link = await transport.dial(provider, AbortSignal.timeout(20_000));
        await isCutOff(link, () => offend(link));
      });
    }
    await stillAnswers();
  } finally {
    transport.close();
    control.close();
    releaseWebRtc();
  }
}

test('a peer that breaks the protocol on a sealed link is cut off, and nobody else notices', async () => {
  const address = new URL(mesh.url);
  const { transport, control } = await openPeerPaths(nodeHost(address), address);
  control.start();
  await areCutOff(transport, control, [
    ['junk', (link) => link.send(frame(1, new Uint8Array([0xc1, 1, 2, 3])))],
    ['nothing', (link) => link.send(new Uint8Array(1))],
    ['an unknown kind', (link) => link.send(frame(1, encode({ kind: 'TASK_EVIL' })))],
    ['another version', (link) => link.send(frame(1, encode({ kind: 'PING', nonce: 1, reply: false }), 77))],
    [
      'a message over 1 MiB',
      (link) => {
        for (let i = 0; i < 70; i++) link.send(frame(0, text(MAX_FRAGMENT_BYTES - 2)));
      },
    ],
  ]);
});

test('a peer that does not seal its link, or seals it badly, is cut off, and nobody else notices', async () => {
  const address = new URL(mesh.url);
  const host = nodeHost(address);
  const identity = host.newIdentity();
  const raw = new PeerJsTransport({ ...peerJsOptions(host, address), self: identity.peerId });
  const control = openControl(host, address, identity);
  control.on('welcome', ({ iceServers, signalToken }) => raw.start(iceServers, signalToken));
  control.start();
  await areCutOff(raw, control, [
    ['a question in the open', (link) => link.send(request())],
    ['another version', (link) => link.send(frame(1, text(40), 77))],
    ['a handshake of zeros', (link) => link.send(frame(HANDSHAKE_XX, new Uint8Array(32)))],
    ['a handshake that is too long', (link) => link.send(frame(HANDSHAKE_XX, text(4000)))],
    ['sealed bytes without a handshake', (link) => link.send(frame(SEALED, text(200)))],
    ['a giant', (link) => link.send(frame(SEALED, text(100_000)))],
    // The link is half-open for five seconds, then gone.
    ['a handshake that is never ended', (link) => link.send(frame(HANDSHAKE_XX, ANY_POINT))],
  ]);
});

test('a provider of another key than its id is not believed', async () => {
  const honest = softwareIdentity(randomBytes(SECRET_KEY_BYTES));
  const thief = await makeCredentials(softwareIdentity(randomBytes(SECRET_KEY_BYTES)));
  // A signalling server in league with the thief: it lets in the honest id for whoever says so.
  const address = new URL(mesh.url);
  const host = nodeHost(address);
  const accomplice = openControl(host, address, honest);
  const stolen = openPaths({
    host,
    address,
    self: honest.peerId,
    control: accomplice,
    credentials: { ...thief, peerId: honest.peerId },
  });
  const requester = await openPeerPaths(host, address);
  accomplice.start();
  requester.control.start();
  try {
    await stolen.transport.reachable(AbortSignal.timeout(20_000));
    stolen.transport.accept = () => {
      throw new Error('a link to a thief was sealed');
    };
    await expect(requester.transport.dial(honest.peerId, AbortSignal.timeout(20_000))).rejects.toMatchObject({
      code: 'wrong_peer',
    });
  } finally {
    stolen.transport.close();
    requester.transport.close();
    accomplice.close();
    requester.control.close();
    releaseWebRtc();
  }
});

test('a program that breaks the protocol on a WebSocket is cut off, and nobody else notices', async () => {
  const address = mesh.url.replace('http', 'ws');
  const offences: [string, string | Uint8Array][] = [
    ['more than 1 MiB', 'x'.repeat(1_100_000)],
    ['binary', text(100)],
    ['no JSON', '{'],
    ['an unknown type', '{"type":"evil"}'],
    [
      'a match before a hello',
      '{"type":"match","requestId":1,"model":"x","maxUnits":1,"exclude":[],"only":null,"prefer":null}',
    ],
  ];
  const host = nodeHost(new URL(mesh.url));
  const identity = host.newIdentity();
  const control = openControl(host, new URL(mesh.url), identity);
  const welcomed = new Promise<Welcome>((resolve) => {
    control.on('welcome', resolve);
  });
  control.start();
  const { signalToken } = await welcomed;
  const query = `key=peerjs&id=${identity.peerId}&token=${signalToken}`;
  for (const path of ['/mesh', `/signal/peerjs?${query}`]) {
    for (const [name, offence] of offences) {
      await test.step(`${path.slice(0, 7)}: ${name}`, async () => {
        const socket = new WebSocket(address + path);
        const closed = new Promise<number>((resolve) => {
          socket.on('close', resolve);
        });
        socket.on('error', () => {
          // The close event that follows says it.
        });
        await new Promise((resolve) => socket.once('open', resolve));
        for (let i = 0; i < 8; i++) socket.send(offence);
        expect(await closed).not.toBe(1006);
      });
    }
  }
  control.close();
  expect(await (await fetch(`${mesh.url}/healthz`)).json()).toEqual({ status: 'ok' });
  await stillAnswers();
});

test(
  'floods from many programs at once cost the control plane little memory, and nobody else notices',
  { tag: '@wide' },
  async () => {
    const address = mesh.url.replace('http', 'ws');
    const residentBytes = async () => {
      const metrics = await (await fetch(`${mesh.url}/metrics`)).text();
      return Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)?.[1]);
    };
    const sockets: WebSocket[] = [];
    const flood = async (path: string, message: () => string, count: number) => {
      const socket = new WebSocket(address + path);
      sockets.push(socket);
      socket.on('error', () => {
        // Being cut off is expected.
      });
      await new Promise((resolve) => socket.once('open', resolve));
      // All that the server says to it waits at the server.
      socket.pause();
      for (let i = 0; i < count && socket.readyState === WebSocket.OPEN; i++) socket.send(message());
    };
    const giant = 'x'.repeat(1_000_000);
    const toNobody = () =>
      JSON.stringify({ type: 'OFFER', dst: newPeerId(), payload: { sdp: giant.slice(0, 60_000) } });
    const before = await residentBytes();
    const host = nodeHost(new URL(mesh.url));
    const controls: ControlClient[] = [];
    try {
      for (let n = 0; n < 20; n++) {
        const identity = host.newIdentity();
        const control = openControl(host, new URL(mesh.url), identity);
        controls.push(control);
        const welcomed = new Promise<Welcome>((resolve) => {
          control.on('welcome', resolve);
        });
        control.start();
        const { signalToken } = await welcomed;
        await Promise.all([
          flood(`/signal/peerjs?key=peerjs&id=${identity.peerId}&token=${signalToken}`, toNobody, 100),
          flood('/mesh', () => giant, 20),
          flood('/mesh', () => '{"type":"bye"', 1_000),
        ]);
      }
      await stillAnswers();
      expect(((await residentBytes()) - before) / 2 ** 20).toBeLessThan(200);
    } finally {
      for (const socket of sockets) socket.terminate();
      for (const control of controls) control.close();
    }
  },
);
