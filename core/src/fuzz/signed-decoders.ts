/** For the fuzzer: sealed, signed or encrypted input, damaged from outside and, with a valid signature, from within. */
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { fromBase32, toBase32 } from '../base/base32.ts';
import { makeCredentials, readCertificate, type Credentials } from '../transport/seal/credentials.ts';
import { MeshError } from '../base/errors.ts';
import { check, CHALLENGE_BYTES } from '../identity/hashcash.ts';
import { softwareIdentity, verify, type Identity } from '../identity/identity.ts';
import type { ModelId, PeerId, TaskId } from '../base/ids.ts';
import { exportKey, importKey } from '../identity/key-export.ts';
import { readGenesis, signGenesis, type GenesisTerms } from '../networks/genesis.ts';
import { readOrder, signOrder } from '../ledger/order.ts';
import { readLeases, signLeases } from '../receipts/lease.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { CipherState } from '../transport/seal/noise-cipher.ts';
import { readAcknowledgement, readReceipt, signAcknowledgement, signReceipt } from '../receipts/receipt.ts';
import { SealOpening } from '../transport/seal/seal-opening.ts';
import type { SealedLink } from '../transport/seal/sealed-link.ts';
import { SealedStream } from '../transport/seal/sealed-stream.ts';
import { readLookupRecord, writeLookupRecord } from '../lookup/lookup-record.ts';
import type { Link } from '../transport/transport.ts';
import type { FuzzTarget } from './fuzz.ts';
import { Mutator } from './mutation.ts';
import { recordTargets } from './record-targets.ts';
import { checkRefusal, refusable } from './refusal.ts';
import { joined, separate } from './separate.ts';

const FOUND_UNTIL_MS = 1_800_000_000_000;
const GENESIS: GenesisTerms = {
  name: 'Net',
  kinds: ['chat'],
  parameters: new Map([['slash', 200]]),
  credit: { name: 'STORE', symbol: 'STR', uptime: 40, tasks: 40, governance: 20 },
  witnesses: { keys: ['w'], quorum: 1 },
  logic: null,
  isPrivate: true,
  foundedMs: 1_800_000_000_000,
};
const PROLOGUE = new Uint8Array(64);
/** These are the same in every run, so that a recorded handshake is valid in the next. */
const bytes = (seed: number, byteCount: number) => new Mutator(seed).bytes(byteCount);

export async function signedDecoders(): Promise<FuzzTarget[]> {
  const [control, ada, bob] = [1, 2, 3].map((seed) => softwareIdentity(bytes(seed, 32))) as [
    Identity,
    Identity,
    Identity,
  ];
  const adas = await makeCredentials(ada, (byteCount) => bytes(4, byteCount));
  const bobs = await makeCredentials(bob, (byteCount) => bytes(5, byteCount));
  const nonce = bytes(6, 16);
  const model = 'llmesh-tiny' as ModelId;
  const delivered = {
    taskId: 'c'.repeat(16) as TaskId,
    requester: ada.peerId,
    provider: bob.peerId,
    leaseNonce: nonce,
    commitment: bytes(8, 32),
    units: 64,
    digest: bytes(7, 32),
  };
  const { taskId, requester, provider, leaseNonce, commitment, units, digest } = delivered;
  const leases = {
    requester,
    task: 'chat',
    model,
    complexity: 1_000,
    price: 3,
    priceVersion: 1,
    maxUnits: 512,
    expiresAt: 1_800_000_000,
    seed: nonce,
  };
  const receipt = {
    ...delivered,
    task: 'chat',
    model,
    inputUnits: 12,
    result: bytes(9, 32),
    startedMs: 1_800_000_000_000,
    endedMs: 1_800_000_004_000,
    half: bytes(10, 16),
    price: 3,
    priceVersion: 1,
  };
  const transfer = { kind: 'transfer', to: provider, amount: 12 } as const;
  const common = [taskId, requester, provider, leaseNonce, commitment, units, digest];
  return [
    ...(await recordTargets(
      { name: 'lease', domain: 'lease', signer: control },
      [4, control.peerId, requester, fromBase32(provider), 'chat', model, 1_000, 3, 512, 1_800_000_000, nonce, 1],
      await signLeases({ ...leases, providers: [provider] }, control),
      async (input) => {
        const read = readLeases(input);
        return read === null ? null : signLeases(read, control);
      },
    )),
    ...(await recordTargets(
      { name: 'acknowledgement', domain: 'acknowledgement', signer: ada },
      [2, ...common],
      await signAcknowledgement(delivered, ada),
      async (input) => {
        const read = readAcknowledgement(input);
        return read === null ? null : signAcknowledgement(read, ada);
      },
    )),
    ...(await recordTargets(
      { name: 'receipt', domain: 'receipt', signer: bob },
      [4, ...common, 'chat', model, 12, receipt.result, 1_800_000_000_000, 1_800_000_004_000, receipt.half, 3, 1],
      await signReceipt(receipt, bob),
      async (input) => {
        const read = readReceipt(input);
        return read === null ? null : signReceipt(read.receipt, bob);
      },
    )),
    ...(await recordTargets(
      { name: 'order', domain: 'order', signer: ada },
      [1, control.peerId, 1_800_000_000_000, 'transfer', provider, 12],
      await signOrder(transfer, { issuer: control.peerId, ms: 1_800_000_000_000 }, ada),
      async (input) => {
        const read = readOrder(input);
        return read === null ? null : signOrder(read, read, ada);
      },
    )),
    ...(await recordTargets(
      { name: 'lookup record', domain: 'lookup-record', signer: ada },
      ['anchor', 'mesh', FOUND_UNTIL_MS, ['wss://a.example:7071']],
      await writeLookupRecord(
        { kind: 'anchor', key: 'mesh', expiresAtMs: FOUND_UNTIL_MS, addresses: ['wss://a.example:7071'] },
        ada,
      ),
      async (input) => {
        const read = readLookupRecord(input, FOUND_UNTIL_MS - 1, verify);
        return read === null ? null : writeLookupRecord(read, ada);
      },
    )),
    ...(await recordTargets(
      { name: 'genesis', domain: 'genesis', signer: ada },
      [1, 'Net', ['chat'], [['slash', 200]], ['STORE', 'STR', 40, 40, 20], [['w'], 1], null, true, 1_800_000_000_000],
      await signGenesis(GENESIS, ada),
      async (input) => {
        const read = readGenesis(input);
        return read === null ? null : signGenesis(read, ada);
      },
    )),
    {
      name: 'certificate',
      weight: 1,
      seeds: [bobs.certificate],
      run: (input) => readCertificate(input, bob.peerId) !== null,
    },
    ...handshakes(adas, bobs),
    sealedStream(),
    keyExport(),
    await openedKeyExport(),
    hashcash(ada.publicKey),
  ];
}

interface End {
  sent: Uint8Array[];
  link: Link;
  sealed: SealedLink | null;
  failure: MeshError | null;
}

/** One end of a handshake on a link without another end: what it sends is kept, what it gets is handed to it. */
function openEnd(
  pattern: 'XX' | 'NK' | null,
  credentials: Credentials | null,
  claimed: PeerId,
  rs: Uint8Array | null,
): End {
  const end: End = {
    sent: [],
    link: lonelyLink(claimed, (message) => end.sent.push(message)),
    sealed: null,
    failure: null,
  };
  void new SealOpening({
    link: end.link,
    clock: new ManualClock(),
    pattern,
    handshake: {
      role: pattern === null ? 'acceptor' : 'dialler',
      credentials,
      remoteStatic: rs,
      claimed,
      prologue: PROLOGUE,
      random: (byteCount) => bytes(pattern === null ? 8 : 9, byteCount),
    },
    sealed: (link) => {
      end.sealed = link;
      link.receive = () => {};
    },
    failed: (error) => {
      end.failure = error;
    },
  });
  return end;
}

function lonelyLink(peer: PeerId, send: (message: Uint8Array) => void): Link {
  const nothing = { receive: null, drained: null, closed: null };
  return {
    peer,
    send,
    bufferedBytes: 0,
    close: () => {},
    prologue: () => PROLOGUE,
    path: async () => null,
    ...nothing,
  };
}

function handshakes(ada: Credentials, bob: Credentials): FuzzTarget[] {
  const ways = [
    { name: 'XX', dial: () => openEnd('XX', ada, bob.peerId, null) },
    { name: 'NK', dial: () => openEnd('NK', null, bob.peerId, bob.staticKey.publicKey) },
  ] as const;
  return ways.flatMap(({ name, dial }) => {
    const accept = () => openEnd(null, bob, ada.peerId, null);
    const [toBob, toAda] = recorded(dial(), accept());
    return [
      { name: `handshake ${name}, called`, weight: 1, seeds: [toBob], run: (input) => feed(accept(), input) },
      { name: `handshake ${name}, calling`, weight: 1, seeds: [toAda], run: (input) => feed(dial(), input) },
    ] satisfies FuzzTarget[];
  });
}

/** Everything that each end gets when nobody interferes, with one sealed fragment each way at the end. */
function recorded(dialler: End, acceptor: End): [toAcceptor: Uint8Array, toDialler: Uint8Array] {
  for (let round = 0; round < 3; round++) {
    if (dialler.sent.length > round) acceptor.link.receive?.(dialler.sent[round]!);
    if (acceptor.sent.length > round) dialler.link.receive?.(acceptor.sent[round]!);
  }
  dialler.sealed?.send(new Uint8Array(100));
  acceptor.sealed?.send(new Uint8Array(100));
  return [joined(dialler.sent), joined(acceptor.sent)];
}

const REFUSALS: ReadonlySet<string> = new Set(['seal_failed', 'seal_broken', 'wrong_peer', 'version_mismatch']);

function feed(end: End, input: Uint8Array): boolean {
  for (const message of separate(input)) end.link.receive?.(message);
  for (const error of [end.failure, end.sealed?.failure]) {
    if (error === null || error === undefined) continue;
    checkRefusal(error);
    if (!REFUSALS.has(error.code)) throw error;
    return false;
  }
  return end.sealed !== null;
}

function stream(): SealedStream {
  const cipher = new CipherState();
  cipher.initializeKey(bytes(10, 32));
  return new SealedStream(cipher, { messages: 2, bytes: 1_000 });
}

function sealedStream(): FuzzTarget {
  const sealing = stream();
  const fragments = [0, 1, 100, 1_200].map((length) => sealing.seal(bytes(11, length)));
  const run = (input: Uint8Array) =>
    refusable(() => {
      const [opening, again] = [stream(), stream()];
      for (const message of separate(input)) {
        if (again.seal(opening.open(message)).join() !== message.join())
          throw new Error('opened what was never sealed');
      }
      return true;
    });
  return { name: 'sealed stream', weight: 20, seeds: [joined(fragments)], run };
}

/** Runs up to the passphrase, where it is stopped: scrypt takes as long as it is told to, within its limits. */
function keyExport(): FuzzTarget {
  const prefix = 'llmesh-key-1:';
  const text = (blob: Uint8Array) => `${prefix}${toBase32(concatBytes(blob, sha256(blob).subarray(0, 4)))}`;
  const blob = concatBytes(new Uint8Array([17, 8, 1]), bytes(12, 16 + 24 + 48));
  const wrap = (body: Uint8Array) => new TextEncoder().encode(text(body));
  const stopped = new AbortController();
  stopped.abort();
  const run = async (input: Uint8Array) => {
    try {
      await importKey(new TextDecoder().decode(input), 'a passphrase', { signal: stopped.signal });
    } catch (thrown) {
      checkRefusal(thrown);
      return thrown instanceof MeshError && thrown.code === 'cancelled';
    }
    throw new Error('a key was read without its passphrase');
  };
  const write = (value: unknown) => value as Uint8Array;
  return { name: 'key export', weight: 10, seeds: [wrap(blob)], values: [blob], write, wrap, run };
}

/** Opens it with its passphrase, at the lowest accepted cost: any key that comes out must be the one that was put in. */
async function openedKeyExport(): Promise<FuzzTarget> {
  const secret = bytes(14, 32);
  const signal = new AbortController().signal;
  const text = await exportKey(secret, 'a passphrase', { signal, log2N: CHEAP_LOG2_N });
  const [prefix = '', letters = ''] = text.split(/(?<=:)/);
  const wrap = (body: Uint8Array) =>
    new TextEncoder().encode(`${prefix}${toBase32(concatBytes(body, sha256(body).subarray(0, 4)))}`);
  const blob = fromBase32(letters)?.slice(0, -4) ?? EMPTY;
  const stopped = AbortSignal.abort();
  const run = async (input: Uint8Array) => {
    const damaged = new TextDecoder().decode(input);
    const cost = fromBase32(damaged.slice(prefix.length).trim())?.[0];
    try {
      const options = { signal: cost === CHEAP_LOG2_N ? signal : stopped };
      const key = await importKey(damaged, 'a passphrase', options);
      if (key.join() !== secret.join()) throw new Error('another key came out than was put in');
      return true;
    } catch (thrown) {
      checkRefusal(thrown);
      return false;
    }
  };
  const write = (value: unknown) => value as Uint8Array;
  return {
    name: 'key export, opened',
    weight: 1,
    seeds: [new TextEncoder().encode(text)],
    values: [blob],
    write,
    wrap,
    run,
  };
}

/** The cost of each guess at a passphrase is 2 to this power: 10 means a few milliseconds. */
const CHEAP_LOG2_N = 10;

function hashcash(publicKey: Uint8Array): FuzzTarget {
  const seed = joined([bytes(13, CHALLENGE_BYTES), publicKey, new Uint8Array([0]), new Uint8Array(8)]);
  const run = (input: Uint8Array) => {
    const [challenge = EMPTY, key = EMPTY, bits = EMPTY, number = EMPTY] = separate(input);
    const counted = number.byteLength === 8 ? new DataView(number.buffer).getFloat64(0) : Number.NaN;
    return check(challenge, key, bits[0] ?? Number.NaN, counted);
  };
  return { name: 'hashcash', weight: 10, seeds: [seed], run };
}

const EMPTY = new Uint8Array(0);
