/**
 * What the seal costs: the handshake, each small message, and bulk, against the very same channel unsealed, in turns.
 * Both ends run in this one process and thread, so each figure is what the two of them need together.
 */
import { realClock } from '@llmesh/core/base/clock';
import { makeCredentials, type Credentials } from '@llmesh/core/transport/seal/credentials';
import { softwareIdentity, type Identity } from '@llmesh/core/identity/identity';
import { newPeerId, type PeerId } from '@llmesh/core/base/ids';
import { MemoryNetwork } from '@llmesh/core/testing/memory-transport';
import { CipherState } from '@llmesh/core/transport/seal/noise-cipher';
import { MAX_FRAGMENT_BYTES, SEAL_BYTES } from '@llmesh/core/protocol';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { SealedTransport } from '@llmesh/core/transport/seal/seal';
import { SealedStream } from '@llmesh/core/transport/seal/sealed-stream';
import { HIGH_WATER_BYTES, type Link, type Transport } from '@llmesh/core/transport/transport';
import { openControl } from '@llmesh/core/open-control';
import { peerJsOptions } from '@llmesh/core/open-paths';
import { nodeHost, releaseMeshNodes } from 'llmesh/node/mesh-node';
import { PeerJsTransport } from '@llmesh/core/transport/peerjs-transport';
import { freePort, startProgram, type Running } from '@llmesh/e2e/processes';
import { show, spread } from './statistics.ts';

/** A TASK_CHUNK with one token, as MessagePack. */
const CHUNK_BYTES = 120;
const CHUNKS = 2_000;
/** As much of the 16 KiB as a sealed fragment leaves, so that both sides put the same on the wire. */
const BULK_BYTES = MAX_FRAGMENT_BYTES - SEAL_BYTES;
const BULK_FRAGMENTS = 512;
const never = new AbortController().signal;

export interface SealBenchOptions {
  /** Pairs of runs, sealed and unsealed. */
  rounds: number;
  /** `memory`: nothing but the seal and two microtasks. `webrtc`: a data channel between two peers in this process. */
  channel: 'memory' | 'webrtc';
}

/** Two peers, and two that are joined just so and sealed. */
interface Peers {
  plain: [Transport, Transport];
  toSeal: [Transport, Transport];
  close(): Promise<void>;
}

export async function seal(options: SealBenchOptions) {
  const identities = [softwareIdentity(randomBytes(32)), softwareIdentity(randomBytes(32))] as const;
  const [ada, bob] = [await makeCredentials(identities[0]), await makeCredentials(identities[1])];
  const peers = options.channel === 'memory' ? memoryPeers([ada.peerId, bob.peerId]) : await webRtcPeers(identities);
  try {
    const handshakes = await handshakeTimes(ada, bob, options.rounds);
    const chunkUs = spread(Array.from({ length: options.rounds + 1 }, streamTime).slice(1));
    const plain = await connect(...peers.plain);
    const sealed = await connect(sealedBy(ada, peers.toSeal[0]), sealedBy(bob, peers.toSeal[1]));
    const runs: { sealedUs: number; plainUs: number; sealedSpeed: number; plainSpeed: number }[] = [];
    for (let round = 0; round <= options.rounds; round++) {
      const measure = async (link: Pair) => ({ us: await chunkTime(link), speed: await bulkSpeed(link) });
      const first = round % 2 === 0 ? await measure(plain) : null;
      const ours = await measure(sealed);
      const theirs = first ?? (await measure(plain));
      // The first round warms both up.
      if (round === 0) continue;
      runs.push({ sealedUs: ours.us, plainUs: theirs.us, sealedSpeed: ours.speed, plainSpeed: theirs.speed });
    }
    const added = spread(runs.map((run) => run.sealedUs - run.plainUs));
    const sealedUs = spread(runs.map((run) => run.sealedUs));
    const plainUs = spread(runs.map((run) => run.plainUs));
    const sealedSpeed = spread(runs.map((run) => run.sealedSpeed));
    const plainSpeed = spread(runs.map((run) => run.plainSpeed));
    const ratio = spread(runs.map((run) => run.sealedSpeed / run.plainSpeed));
    const xx = spread(handshakes.xx);
    const nk = spread(handshakes.nk);
    process.stdout.write(
      [
        `${options.channel}, ${runs.length} pairs, both ends on one thread: median (quartiles, range)`,
        `handshake XX, ms                   ${show(xx)}`,
        `handshake NK, ms                   ${show(nk)}`,
        `seal and open ${CHUNK_BYTES} bytes, µs        ${show(chunkUs)}`,
        `${CHUNK_BYTES} bytes through the link, µs     ${show(sealedUs)}`,
        `  the same link unsealed           ${show(plainUs)}`,
        `  added                            ${show(added)}`,
        `MB/s sealed, ${BULK_BYTES} bytes at once  ${show(sealedSpeed)}`,
        `  the same link unsealed           ${show(plainSpeed)}`,
        `  ratio                            ${show(ratio)}`,
        '',
      ].join('\n'),
    );
    return {
      bench: 'seal',
      channel: options.channel,
      pairs: runs.length,
      handshakeMs: xx.median,
      handshakeAnonymousMs: nk.median,
      frameMicroseconds: chunkUs.median,
      addedFrameMicroseconds: added.median,
      sealedMegabytesPerSecond: sealedSpeed.median,
      megabytesPerSecondRatio: ratio.median,
      spread: { xx, nk, chunkUs, sealedUs, plainUs, added, sealedSpeed, plainSpeed, ratio },
    };
  } finally {
    await peers.close();
  }
}

interface Pair {
  near: Link;
  far: Link;
}

function memoryPeers(ids: readonly [PeerId, PeerId]): Peers {
  const pair = ([a, b]: readonly [PeerId, PeerId]): [Transport, Transport] => {
    const network = new MemoryNetwork();
    return [network.join(a), network.join(b)];
  };
  return { plain: pair([newPeerId(), newPeerId()]), toSeal: pair(ids), close: async () => {} };
}

async function webRtcPeers(identities: readonly [Identity, Identity]): Promise<Peers> {
  const port = await freePort();
  const plane: Running = await startProgram('signaling/src/main.ts', ['--port', String(port)]);
  const opened: { close(): void }[] = [];
  const address = new URL(`http://127.0.0.1:${port}`);
  const host = nodeHost(address);
  const join = async (identity: Identity) => {
    const transport = new PeerJsTransport({ ...peerJsOptions(host, address), self: identity.peerId });
    const control = openControl(host, address, identity);
    opened.push(transport, control);
    control.on('welcome', ({ iceServers, signalToken }) => transport.start(iceServers, signalToken));
    control.start();
    await transport.reachable(AbortSignal.timeout(20_000));
    return transport;
  };
  const close = async () => {
    for (const end of opened) end.close();
    releaseMeshNodes();
    await plane.stop();
  };
  try {
    const plain: [Transport, Transport] = [await join(host.newIdentity()), await join(host.newIdentity())];
    return { plain, toSeal: [await join(identities[0]), await join(identities[1])], close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

function sealedBy(credentials: Credentials | null, inner: Transport, staticKey: Uint8Array | null = null) {
  return new SealedTransport(inner, { credentials, staticKeyOf: () => staticKey, clock: realClock });
}

async function connect(a: Transport, b: Transport): Promise<Pair> {
  const accepted = new Promise<Link>((resolve) => {
    b.accept = resolve;
  });
  const near = await a.dial(b.self, never);
  return { near, far: await accepted };
}

/** From the dialled memory link to both ends sealed: the computing alone. */
async function handshakeTimes(ada: Credentials, bob: Credentials, rounds: number) {
  const network = new MemoryNetwork();
  const provider = sealedBy(bob, network.join(bob.peerId));
  const known = sealedBy(ada, network.join(ada.peerId));
  const anonymous = sealedBy(null, network.join(newPeerId()), bob.staticKey.publicKey);
  const times = { xx: [] as number[], nk: [] as number[] };
  for (let round = 0; round < rounds + 3; round++) {
    for (const [name, client] of [['xx', known] as const, ['nk', anonymous] as const]) {
      const startMs = performance.now();
      const { near } = await connect(client, provider);
      if (round >= 3) times[name].push(performance.now() - startMs);
      near.close();
    }
  }
  return times;
}

/** Microseconds to seal and open one chunk, with no channel at all. */
function streamTime(): number {
  const key = randomBytes(32);
  const stream = () => {
    const cipher = new CipherState();
    cipher.initializeKey(new Uint8Array(key));
    return new SealedStream(cipher);
  };
  const [sending, receiving] = [stream(), stream()];
  const chunk = randomBytes(CHUNK_BYTES);
  const startMs = performance.now();
  for (let n = 0; n < CHUNKS; n++) receiving.open(sending.seal(chunk));
  return ((performance.now() - startMs) * 1_000) / CHUNKS;
}

/** Microseconds from `send` to `receive` of one chunk, one after the other. */
async function chunkTime({ near, far }: Pair): Promise<number> {
  const chunk = randomBytes(CHUNK_BYTES);
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    let left = CHUNKS;
    far.receive = () => {
      left -= 1;
      if (left === 0) resolve();
      else near.send(new Uint8Array(chunk));
    };
    near.send(new Uint8Array(chunk));
  });
  return ((performance.now() - startMs) * 1_000) / CHUNKS;
}

/** Megabytes of content a second, sent as fast as the channel takes them. */
async function bulkSpeed({ near, far }: Pair): Promise<number> {
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    let arrived = 0;
    let sent = 0;
    const push = () => {
      while (sent < BULK_FRAGMENTS && near.bufferedBytes < HIGH_WATER_BYTES) {
        sent += 1;
        near.send(new Uint8Array(BULK_BYTES));
      }
    };
    far.receive = () => {
      arrived += 1;
      if (arrived === BULK_FRAGMENTS) resolve();
    };
    near.drained = push;
    push();
  });
  return (BULK_FRAGMENTS * BULK_BYTES) / 1_000 / (performance.now() - startMs);
}
