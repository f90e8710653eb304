import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { realClock } from '../../base/clock.ts';
import { makeCredentials, readCertificate, readProof, type Credentials } from './credentials.ts';
import type { ErrorCode, MeshError } from '../../base/errors.ts';
import { softwareIdentity } from '../../identity/identity.ts';
import { newPeerId, type NetworkId, type PeerId } from '../../base/ids.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { MemoryNetwork, type MemoryTransport } from '../../testing/memory-transport.ts';
import { generateKeyPair } from './noise.ts';
import { MAX_FRAGMENT_BYTES, PROTOCOL_VERSION } from '../../protocol.ts';
import { randomBytes } from '../../base/random-bytes.ts';
import { HANDSHAKE_TIMEOUT_MS, MAX_HANDSHAKE_BYTES } from './seal-opening.ts';
import { HANDSHAKE_NK, HANDSHAKE_XX, NOTICE, SEALED, wireMessage } from './seal-wire.ts';
import { MAX_HANDSHAKES, MAX_HANDSHAKES_PER_PEER, SealedTransport, type SealOptions } from './seal.ts';
import { SealedLink } from './sealed-link.ts';
import { transportSuite } from '../../suites/transport.ts';
import type { Link, Transport } from '../transport.ts';

const never = new AbortController().signal;
const NOTHING = new Uint8Array(0);
const ada = await makeCredentials(softwareIdentity(randomBytes(32)));
const bob = await makeCredentials(softwareIdentity(randomBytes(32)));
const mallory = await makeCredentials(softwareIdentity(randomBytes(32)));

transportSuite('sealed over memory, both known (XX)', async () => {
  const { a, b } = world();
  b.accept = (link) => link.close();
  return { a, b, close: async () => [a, b].forEach((one) => one.close()) };
});

transportSuite('sealed over memory, anonymous client (NK)', async () => {
  const { a, b } = world({ anonymous: true, staticKeyOf: () => bob.staticKey.publicKey });
  b.accept = (link) => link.close();
  return { a, b, close: async () => [a, b].forEach((one) => one.close()) };
});

describe('a sealed link', () => {
  it('knows its other end, and shares an id with it that no other link has', async () => {
    const { a, b } = world();
    const { near, far } = await connect(a, b);
    expect([near.peer, near.proven]).toEqual([bob.peerId, true]);
    expect([far.peer, far.proven]).toEqual([ada.peerId, true]);
    expect(near.sessionId).toHaveLength(32);
    expect(near.sessionId).toEqual(far.sessionId);
    expect((await connect(a, b)).near.sessionId).not.toEqual(near.sessionId);
  });

  it('lets a client stay anonymous before a provider that proves itself', async () => {
    const { a, b } = world({ anonymous: true });
    const { near, far } = await connect(a, b);
    expect([near.peer, near.proven]).toEqual([bob.peerId, true]);
    expect([far.peer, far.proven]).toEqual([a.self, false]);
    expect(near.sessionId).toEqual(far.sessionId);
  });

  it('shows nobody in between what it carries, nor twice the same', async () => {
    const seen: Uint8Array[] = [];
    const { a, b } = world({ tap: { up: (message) => (seen.push(message), [message]) } });
    const { near, far } = await connect(a, b);
    const got = collect(far);
    const secret = new Uint8Array(64).fill(83);
    near.send(new Uint8Array(secret));
    near.send(new Uint8Array(secret));
    await settle();
    expect(got).toEqual([secret, secret]);
    const [first = NOTHING, second = NOTHING] = seen.slice(-2);
    expect(first.subarray(0, 2)).toEqual(new Uint8Array([PROTOCOL_VERSION, SEALED]));
    expect(first.byteLength).toBe(secret.byteLength + 18);
    expect(first).not.toEqual(second);
    for (const message of seen) {
      for (const key of [
        secret.subarray(0, 8),
        ada.proofs.dialler.subarray(0, 32),
        bob.proofs.acceptor.subarray(0, 32),
      ])
        expect(bytesToHex(message).includes(bytesToHex(key))).toBe(false);
    }
  });

  it('keeps what was sent right behind the handshake', async () => {
    const { a, b } = world();
    let far: Link | null = null;
    b.accept = (link) => (far = link);
    const near = await a.dial(b.self, never);
    for (let n = 0; n < 10; n++) near.send(new Uint8Array([n]));
    await settle();
    expect(collect(far as unknown as Link).map((fragment) => fragment[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('does not keep without end what nobody listens to', async () => {
    const { a, b } = world();
    const { near, far } = await connect(a, b);
    for (let n = 0; n < 300; n++) near.send(new Uint8Array(MAX_FRAGMENT_BYTES));
    await settle();
    expect(far.failure).toMatchObject({ code: 'message_too_large' });
    let closed = 0;
    far.closed = () => closed++;
    expect(closed).toBe(1);
  });

  it('refuses to send more than a fragment at once', async () => {
    const { a, b } = world();
    const { near } = await connect(a, b);
    expect(() => near.send(new Uint8Array(MAX_FRAGMENT_BYTES + 1))).toThrow(
      expect.objectContaining({ code: 'message_too_large' }),
    );
  });
});

describe('two networks', () => {
  const [one, other] = ['a', 'b'].map((letter) => `net_${letter.repeat(32)}` as NetworkId);

  it.each([
    { anonymous: false, networks: [one!, other!] },
    { anonymous: true, networks: [one!, other!] },
    { anonymous: false, networks: [one!, null] },
    { anonymous: false, networks: [null, one!] },
  ] satisfies World[])('have no link with each other: %j', async (options) => {
    const { a, b } = world(options);
    await expect(a.dial(b.self, never)).rejects.toMatchObject({
      code: expect.stringMatching(/seal_failed|connect_failed/),
    });
  });

  it.each([false, true])('are one where it is the same (anonymous: %s)', async (anonymous) => {
    const { a, b } = world({ anonymous, networks: [one!, one!] });
    const { near, far } = await connect(a, b);
    const got = collect(far);
    near.send(new Uint8Array([1, 2]));
    await settle();
    expect(got).toEqual([new Uint8Array([1, 2])]);
  });
});

describe('someone in the middle', () => {
  it.each([false, true])(
    'who ends one link and begins another is found out by the prologue (anonymous: %s)',
    async (anonymous) => {
      // It is as with WebRTC, where both ends of a link see the same two fingerprints, and those of two links differ.
      const { a, b, refusals } = world({
        anonymous,
        prologueOfA: new Uint8Array([1]),
        prologueOfB: new Uint8Array([2]),
      });
      await expect(a.dial(b.self, never)).rejects.toMatchObject({
        code: expect.stringMatching(/seal_failed|connect_failed/),
      });
      await settle();
      // An anonymous dialler does not hear why, and tries once more.
      expect(refusals.length).toBe(anonymous ? 2 : 1);
    },
  );

  it('who answers under the id of another is refused by the dialler', async () => {
    await expectImpostorRefused(mallory, 'wrong_peer');
  });

  it('who answers under the id and with the proofs of another is refused', async () => {
    await expectImpostorRefused({ ...mallory, proofs: bob.proofs });
  });

  it('who answers with the static key of another, without its secret, is refused', async () => {
    const staticKey = { publicKey: bob.staticKey.publicKey, secretKey: mallory.staticKey.secretKey };
    await expectImpostorRefused({ ...mallory, proofs: bob.proofs, staticKey });
  });

  it('who answers without any proof is refused', async () => {
    await expectImpostorRefused({ ...mallory, proofs: { dialler: NOTHING, acceptor: NOTHING } });
  });

  it('who dials under the id of another is refused by the acceptor', async () => {
    for (const [proofs, code] of [
      [mallory.proofs, 'wrong_peer'],
      [ada.proofs, 'seal_failed'],
    ] as const) {
      const { a, b, refusals } = world({ credentialsOfA: { ...mallory, proofs } });
      let accepted = 0;
      b.accept = () => accepted++;
      const near = await a.dial(b.self, never);
      let closed = 0;
      near.closed = () => closed++;
      near.send(new Uint8Array([1]));
      await settle();
      expect([accepted, closed]).toEqual([0, 1]);
      expect(refusals).toMatchObject([{ code }]);
    }
  });

  it('cannot give one end its own proof back', () => {
    expect(readProof(ada.proofs.dialler, 'dialler', ada.staticKey.publicKey)).toBe(ada.peerId);
    expect(readProof(ada.proofs.dialler, 'acceptor', ada.staticKey.publicKey)).toBeNull();
    expect(readProof(ada.proofs.dialler, 'dialler', bob.staticKey.publicKey)).toBeNull();
    expect(readProof(ada.proofs.dialler.subarray(1), 'dialler', ada.staticKey.publicKey)).toBeNull();
  });

  it('who hands out a provider key of its own gets no anonymous client', async () => {
    const wrong = generateKeyPair(randomBytes).publicKey;
    const { a, b } = world({ anonymous: true, staticKeyOf: () => wrong });
    b.accept = () => expect.unreachable();
    await expect(a.dial(b.self, never)).rejects.toMatchObject({ code: 'connect_failed' });
    expect(readCertificate(bob.certificate, bob.peerId)).toEqual(bob.staticKey.publicKey);
    expect(readCertificate(mallory.certificate, bob.peerId)).toBeNull();
    for (const at of [0, 40, 100]) {
      const forged = new Uint8Array(bob.certificate);
      forged[at] = (forged[at] ?? 0) ^ 1;
      expect(readCertificate(forged, bob.peerId)).toBeNull();
    }
  });

  it('cannot turn a link that was sealed for an identity into an anonymous one', async () => {
    for (const kind of [HANDSHAKE_NK, SEALED, NOTICE, 77]) {
      const { a, b, refusals } = world({
        tap: { up: (message, n) => [n === 0 ? wireMessage(kind, message.subarray(2)) : message] },
      });
      b.accept = () => expect.unreachable();
      await expect(a.dial(b.self, never)).rejects.toMatchObject({ code: 'connect_failed' });
      // A peer that only hears that the link broke tries once more.
      expect(refusals).toMatchObject([{ code: 'seal_failed' }, { code: 'seal_failed' }]);
    }
  });

  it('who replays a whole conversation gets no answer twice', async () => {
    const seen: Uint8Array[] = [];
    const { a, b, network, refusals } = world({ tap: { up: (message) => (seen.push(message), [message]) } });
    const { near, far } = await connect(a, b);
    const got = collect(far);
    near.send(new Uint8Array([42]));
    await settle();
    expect(got).toEqual([new Uint8Array([42])]);
    a.close();
    await settle();
    b.accept = () => expect.unreachable();
    const raw = await network.join(ada.peerId).dial(b.self, never);
    let closed = 0;
    raw.closed = () => closed++;
    for (const message of seen) raw.send(new Uint8Array(message));
    await settle();
    expect(closed).toBe(1);
    expect(refusals).toMatchObject([{ code: 'seal_failed' }]);
  });

  it('who forges, cuts or draws out any message of the handshake ends it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('up 0', 'down 0', 'up 1'),
        fc.boolean(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom('forge', 'cut', 'draw', 'double'),
        async (where, anonymous, at, bit, how) => {
          if (anonymous && where === 'up 1') return;
          const bend = (message: Uint8Array): Uint8Array[] => {
            if (how === 'double') return [message, message];
            if (how === 'draw') return [new Uint8Array([...message, bit])];
            if (how === 'cut') return [message.slice(0, at % message.length)];
            const forged = new Uint8Array(message);
            forged[at % message.length] = (forged[at % message.length] ?? 0) ^ bit;
            return [forged];
          };
          const tap = (way: string) => (message: Uint8Array, n: number) =>
            where === `${way} ${n}` ? bend(message) : [message];
          const clock = new ManualClock();
          const { a, b } = world({ anonymous, clock, tap: { up: tap('up'), down: tap('down') } });
          const got: Uint8Array[] = [];
          let far: SealedLink | null = null;
          b.accept = (link) => {
            far = link as SealedLink;
            link.receive = (fragment) => got.push(fragment);
          };
          const dialled = a.dial(b.self, never).catch((error: MeshError) => error);
          await clock.advance(HANDSHAKE_TIMEOUT_MS);
          const near = await dialled;
          let closed = 0;
          if (near instanceof SealedLink) {
            near.closed = () => closed++;
            near.send(new Uint8Array([1]));
            await settle();
          }
          expect(got).toEqual([]);
          expect(b.handshakes).toBe(0);
          if (near instanceof SealedLink) expect(closed).toBe(1);
          if (far !== null) expect((far as SealedLink).bufferedBytes).toBe(0);
        },
      ),
      { numRuns: 80 },
    );
  });

  it('who forges, cuts, drops, repeats or reorders fragments ends the link before a wrong one is delivered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 3, maxLength: 12 }),
        fc.nat(),
        fc.nat(),
        fc.constantFrom('forge', 'cut', 'draw', 'drop', 'repeat', 'swap', 'handshake', 'plain'),
        async (fragments, which, at, how) => {
          const wire: Uint8Array[] = [];
          let early = 2;
          const { a, b } = world({ tap: { up: (message) => (early-- > 0 ? [message] : (wire.push(message), [])) } });
          const { near, far, raw } = await connect(a, b);
          const got = collect(far);
          for (const fragment of fragments) near.send(new Uint8Array(fragment));
          await settle();
          expect(wire).toHaveLength(fragments.length);
          const i = which % (fragments.length - 1);
          const message = wire[i] ?? NOTHING;
          if (how === 'forge') wire[i] = message.with(at % message.length, (message[at % message.length] ?? 0) ^ 1);
          if (how === 'cut') wire[i] = message.slice(0, at % message.length);
          if (how === 'draw') wire[i] = new Uint8Array([...message, 0]);
          if (how === 'drop') wire.splice(i, 1);
          if (how === 'repeat') wire.splice(i, 0, message);
          if (how === 'swap') wire.splice(i, 2, wire[i + 1] ?? NOTHING, message);
          if (how === 'handshake') wire.splice(i, 0, wireMessage(HANDSHAKE_XX, new Uint8Array(32)));
          if (how === 'plain') wire.splice(i, 0, new Uint8Array([PROTOCOL_VERSION, 1, 0xc0]));
          let closed = 0;
          far.closed = () => closed++;
          for (const one of wire) raw?.send(new Uint8Array(one));
          await settle();
          expect(got).toEqual(fragments.slice(0, how === 'repeat' ? i + 1 : i));
          expect(far.failure?.code).toMatch(/seal_broken|version_mismatch/);
          expect(closed).toBe(1);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the door of a sealed transport', () => {
  it('lets only so many strangers be half inside, and only for so long', async () => {
    const clock = new ManualClock();
    const { a, b, network, refusals } = world({ clock });
    let open = 0;
    for (let n = 0; n < 1000; n++) {
      const raw = await network.join(newPeerId()).dial(b.self, never);
      open += 1;
      raw.closed = () => open--;
      if (n % 2 === 0) raw.send(wireMessage(HANDSHAKE_XX, generateKeyPair(randomBytes).publicKey));
      await settle();
      expect(b.handshakes).toBeLessThanOrEqual(MAX_HANDSHAKES);
    }
    expect(refusals.filter((error) => error.code === 'busy')).toHaveLength(1000 - MAX_HANDSHAKES);
    await clock.advance(HANDSHAKE_TIMEOUT_MS);
    expect(b.handshakes).toBe(0);
    expect(refusals.filter((error) => error.code === 'connect_failed')).toHaveLength(MAX_HANDSHAKES);
    const { near, far } = await connect(a, b);
    const got = collect(far);
    near.send(new Uint8Array([5]));
    await settle();
    expect(got).toHaveLength(1);
  });

  it('is not filled by one peer alone', async () => {
    const { a, b, network } = world();
    const stranger = network.join(newPeerId());
    for (let n = 0; n < 20; n++) await stranger.dial(b.self, never);
    await settle();
    expect(b.handshakes).toBe(MAX_HANDSHAKES_PER_PEER);
    await connect(a, b);
  });

  it('closes on a handshake message that is too long', async () => {
    const { b, network, refusals } = world();
    const raw = await network.join(newPeerId()).dial(b.self, never);
    let closed = 0;
    raw.closed = () => closed++;
    raw.send(wireMessage(HANDSHAKE_XX, new Uint8Array(MAX_HANDSHAKE_BYTES + 1)));
    await settle();
    expect(closed).toBe(1);
    expect(refusals).toMatchObject([{ code: 'seal_failed' }]);
  });

  it.each([1, PROTOCOL_VERSION + 1])('tells one who speaks version %i so, before it closes', async (version) => {
    const clock = new ManualClock();
    const { b, network, refusals } = world({ clock });
    const raw = await network.join(newPeerId()).dial(b.self, never);
    const got = collect(raw);
    let closed = 0;
    raw.closed = () => closed++;
    raw.send(new Uint8Array([version, 1, 0xc0]));
    await settle();
    expect(got).toEqual([new Uint8Array([PROTOCOL_VERSION, NOTICE, 0])]);
    expect(closed).toBe(0);
    await clock.advance(1_000);
    expect(closed).toBe(1);
    expect(refusals).toMatchObject([
      { code: 'version_mismatch', message: expect.stringContaining('Reload this page') },
    ]);
  });

  it.each([1, PROTOCOL_VERSION + 1])('says it when the other end speaks version %i', async (version) => {
    const { a, network } = world();
    network.join(bob.peerId).accept = (link) => link.send(new Uint8Array([version, 0, 0]));
    await expect(a.dial(bob.peerId, never)).rejects.toMatchObject({
      code: 'version_mismatch',
      message: expect.stringContaining('Reload this page, or update the llmesh command.'),
    });
  });

  it('gives up on one who never answers, or answers at a crawl', async () => {
    const clock = new ManualClock();
    const { a, network } = world({ clock });
    let closed = 0;
    network.join(bob.peerId).accept = (link) => (link.closed = () => closed++);
    const dialled = a.dial(bob.peerId, never);
    const outcome = expect(dialled).rejects.toMatchObject({ code: 'connect_failed' });
    await clock.advance(HANDSHAKE_TIMEOUT_MS - 1);
    expect(closed).toBe(0);
    await clock.advance(1);
    await outcome;
    await settle();
    expect(closed).toBe(1);
  });

  it('gives up a handshake when asked to, or when it closes', async () => {
    for (const how of ['abort', 'close'] as const) {
      const { a, network } = world();
      let closed = 0;
      network.join(bob.peerId).accept = (link) => (link.closed = () => closed++);
      const abort = new AbortController();
      const outcome = expect(a.dial(bob.peerId, abort.signal)).rejects.toMatchObject({
        code: how === 'abort' ? 'cancelled' : 'connect_failed',
      });
      await settle();
      if (how === 'abort') abort.abort();
      else a.close();
      await outcome;
      await settle();
      expect(closed).toBe(1);
    }
  });

  it('is shut where there is no identity, and to links that cannot be told apart', async () => {
    const refused = async (options: World, codes: string[], backwards = false, dialler = 'connect_failed') => {
      const clock = new ManualClock();
      const { a, b, refusals } = world({ ...options, clock });
      const dialled = backwards ? b.dial(a.self, never) : a.dial(b.self, never);
      const outcome = expect(dialled).rejects.toMatchObject({ code: dialler });
      await clock.advance(HANDSHAKE_TIMEOUT_MS);
      await outcome;
      expect(refusals.map((error) => error.code)).toEqual(codes);
    };
    await refused({ anonymous: true }, ['connect_failed', 'connect_failed'], true);
    await refused({ anonymous: true, staticKeyOf: () => null }, []);
    await refused({ prologueOfB: null }, ['seal_failed', 'seal_failed']);
    await refused({ prologueOfA: null }, ['connect_failed'], false, 'seal_failed');
  });
});

interface World {
  anonymous?: boolean;
  credentialsOfA?: Credentials;
  staticKeyOf?: (peer: PeerId) => Uint8Array | null;
  prologueOfA?: Uint8Array | null;
  prologueOfB?: Uint8Array | null;
  /** Of `network-bound.ts`; left out: both ends are of none. */
  networks?: [a: NetworkId | null, b: NetworkId | null];
  clock?: ManualClock;
  /** Sees, holds and changes what passes between a and b, in each direction, by its number. */
  tap?: Tap;
}

interface Tap {
  up?: (message: Uint8Array, n: number) => Uint8Array[];
  down?: (message: Uint8Array, n: number) => Uint8Array[];
}

/** a, who may be anonymous or under attack, and b, a provider. */
function world(options: World = {}) {
  const { anonymous = false, prologueOfA = NOTHING, prologueOfB = NOTHING } = options;
  const network = new MemoryNetwork();
  const clock = options.clock ?? realClock;
  const refusals: MeshError[] = [];
  const seeing = (prologue: Uint8Array | null) => () => {
    if (prologue === null) throw new Error('no fingerprints');
    return prologue;
  };
  const common = { clock, refused: (_peer: PeerId, error: MeshError) => refusals.push(error) };
  const optionsOfA: SealOptions = {
    ...common,
    binding: { network: options.networks?.[0] ?? null },
    credentials: anonymous ? null : (options.credentialsOfA ?? ada),
    staticKeyOf: options.staticKeyOf ?? ((peer) => (peer === bob.peerId ? bob.staticKey.publicKey : null)),
  };
  const belowA = network.join(anonymous ? newPeerId() : ada.peerId);
  const belowB = network.join(bob.peerId);
  belowA.prologue = seeing(prologueOfA);
  belowB.prologue = seeing(prologueOfB);
  const tapped = new TappedTransport(belowA, options.tap ?? {});
  const a = new SealedTransport(tapped, optionsOfA);
  const b = new SealedTransport(belowB, {
    ...common,
    binding: { network: options.networks?.[1] ?? null },
    credentials: bob,
  });
  b.accept = () => {};
  raws.set(a, tapped);
  return { a, b, network, refusals };
}

const raws = new WeakMap<Transport, TappedTransport>();

async function connect(a: SealedTransport, b: SealedTransport) {
  const accepted = new Promise<Link>((resolve) => {
    b.accept = resolve;
  });
  const near = await a.dial(b.self, never);
  return { near, far: (await accepted) as SealedLink, raw: raws.get(a)?.last };
}

async function expectImpostorRefused(impostor: Credentials, code: ErrorCode = 'seal_failed') {
  const { a, network } = world();
  const b = new SealedTransport(network.join(bob.peerId), {
    credentials: impostor,
    clock: realClock,
  });
  b.accept = () => expect.unreachable();
  await expect(a.dial(bob.peerId, never)).rejects.toMatchObject({ code });
}

function collect(link: Link): Uint8Array[] {
  const got: Uint8Array[] = [];
  link.receive = (fragment) => got.push(new Uint8Array(fragment));
  return got;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 60; i++) await Promise.resolve();
}

/** A memory transport with somebody on the dialler's line. */
class TappedTransport implements Transport {
  readonly self: PeerId;
  last: Link | null = null;
  #inner: MemoryTransport;
  #tap: Tap;

  constructor(inner: MemoryTransport, tap: Tap) {
    this.self = inner.self;
    this.#inner = inner;
    this.#tap = tap;
  }

  get accept() {
    return this.#inner.accept;
  }

  set accept(accept: ((link: Link) => void) | null) {
    this.#inner.accept = accept;
  }

  async dial(peer: PeerId, signal: AbortSignal): Promise<Link> {
    const link = await this.#inner.dial(peer, signal);
    this.last = link;
    return new TappedLink(link, this.#tap);
  }

  reachable(signal: AbortSignal): Promise<void> {
    return this.#inner.reachable(signal);
  }

  close(): void {
    this.#inner.close();
  }
}

class TappedLink implements Link {
  readonly peer: PeerId;
  #link: Link;
  #tap: Tap;
  #up = 0;
  #down = 0;

  constructor(link: Link, tap: Tap) {
    this.peer = link.peer;
    this.#link = link;
    this.#tap = tap;
  }

  send(fragment: Uint8Array<ArrayBuffer>): void {
    const messages = this.#tap.up?.(fragment, this.#up++) ?? [fragment];
    for (const message of messages) this.#link.send(new Uint8Array(message));
  }

  get receive() {
    return this.#link.receive;
  }

  set receive(receive: ((fragment: Uint8Array) => void) | null) {
    this.#link.receive = (fragment) => {
      for (const message of this.#tap.down?.(fragment, this.#down++) ?? [fragment]) receive?.(message);
    };
  }

  get bufferedBytes() {
    return this.#link.bufferedBytes;
  }

  get bulk() {
    return this.#link.bulk ?? null;
  }

  close(): void {
    this.#link.close();
  }

  prologue() {
    return this.#link.prologue();
  }

  path() {
    return this.#link.path();
  }

  get drained() {
    return this.#link.drained;
  }

  set drained(drained: (() => void) | null) {
    this.#link.drained = drained;
  }

  get closed() {
    return this.#link.closed;
  }

  set closed(closed: (() => void) | null) {
    this.#link.closed = closed;
  }
}
