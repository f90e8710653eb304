import { expect, test } from '@playwright/test';
import { encode } from '@msgpack/msgpack';
import { realClock } from '@llmesh/core/clock';
import { isPeerId, newPeerId, newTaskId, type PeerId } from '@llmesh/core/ids';
import { PeerJsTransport } from '@llmesh/core/peerjs-transport';
import { MAX_FRAGMENT_BYTES, PROTOCOL_VERSION } from '@llmesh/core/protocol';
import type { Link } from '@llmesh/core/transport';
import { loadPeerJs, releaseWebRtc } from 'llmesh/datachannel';
import { WebSocket } from 'ws';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { askAll } from '../src/node-client.ts';
import type { Running } from '../src/processes.ts';
import { plain } from '../src/questions.ts';

let mesh: TestMesh;
let worker: Running;
test.beforeEach(async () => {
  mesh = await startMesh();
  worker = await mesh.addWorker();
});
test.afterEach(() => mesh.stop());

const never = new AbortController().signal;
const frame = (flag: number, body: Uint8Array, version = PROTOCOL_VERSION) => new Uint8Array([version, flag, ...body]);
const text = (bytes: number) => new Uint8Array(bytes).fill(120);
const request = (changes: object) =>
  frame(
    1,
    encode({
      kind: 'TASK_REQUEST',
      taskId: newTaskId(),
      task: 'chat',
      model: 'llmesh-tiny',
      turns: [{ role: 'user', content: 'hello' }],
      sampling: {},
      maxTokens: 10,
      lease: null,
      ...changes,
    }),
  );

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

test('a peer that breaks the protocol on a data channel is cut off, and nobody else notices', async () => {
  const transport = new PeerJsTransport({
    Peer: loadPeerJs(),
    self: newPeerId(),
    host: 'localhost',
    port: Number(new URL(mesh.url).port),
    secure: false,
    clock: realClock,
    random: Math.random,
  });
  transport.start([]);
  try {
    const provider = workerId();
    const offences: [string, (link: Link) => void][] = [
      ['junk', (link) => link.send(frame(1, new Uint8Array([0xc1, 1, 2, 3])))],
      ['nothing', (link) => link.send(new Uint8Array(1))],
      ['an unknown kind', (link) => link.send(frame(1, encode({ kind: 'TASK_EVIL' })))],
      ['another version', (link) => link.send(frame(1, encode({ kind: 'PING', nonce: 1, reply: false }), 77))],
      ['a fragment over 16 KiB', (link) => link.send(frame(1, text(MAX_FRAGMENT_BYTES)))],
      [
        'a message over 1 MiB',
        (link) => {
          for (let i = 0; i < 70; i++) link.send(frame(0, text(MAX_FRAGMENT_BYTES - 2)));
        },
      ],
      ['a negative number of tokens', (link) => link.send(request({ maxTokens: -1 }))],
      ['a model that is no name', (link) => link.send(request({ model: '../../etc/passwd' }))],
    ];
    for (const [name, offend] of offences) {
      await test.step(name, async () => {
        const link = await transport.dial(provider, never);
        await isCutOff(link, () => offend(link));
      });
    }
    await stillAnswers();
  } finally {
    transport.close();
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
    ['a match before a hello', '{"type":"match","requestId":1,"model":"x","exclude":[]}'],
  ];
  for (const path of ['/mesh', `/signal/peerjs?key=peerjs&id=${newPeerId()}&token=t`]) {
    for (const [name, offence] of offences) {
      await test.step(`${path.slice(0, 7)}: ${name}`, async () => {
        const socket = new WebSocket(address + path);
        const closed = new Promise<number>((resolve) => {
          socket.on('close', resolve);
        });
        socket.on('error', () => {
          // The close that follows says it.
        });
        await new Promise((resolve) => socket.once('open', resolve));
        for (let i = 0; i < 8; i++) socket.send(offence);
        expect(await closed).not.toBe(1006);
      });
    }
  }
  expect(await (await fetch(`${mesh.url}/healthz`)).json()).toEqual({ status: 'ok' });
  await stillAnswers();
});
