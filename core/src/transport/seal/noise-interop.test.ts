/**
 * Our Noise against another implementation, @libp2p/noise (on other primitives, too): XX both ways round. What libp2p
 * puts around it is done here by hand: two bytes of length before each message, and a handshake payload in Protocol
 * Buffers (https://github.com/libp2p/specs/blob/master/noise/README.md) with an identity key and its signature.
 */
import { keys } from '@libp2p/crypto';
import { noise } from '@libp2p/noise';
import { peerIdFromKeys } from '@libp2p/peer-id';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import { EMPTY } from './noise-cipher.ts';
import { generateKeyPair, HandshakeState, XX } from './noise.ts';
import { AsyncQueue } from '../../base/queue.ts';
import { randomBytes } from '../../base/random-bytes.ts';

type Secured = Awaited<ReturnType<ReturnType<ReturnType<typeof noise>>['secureInbound']>>;

describe('Noise against @libp2p/noise', () => {
  it.each(['initiator', 'responder'] as const)('shakes hands as %s and talks both ways', async (role) => {
    const initiator = role === 'initiator';
    const wire = new Wire();
    const libp2pId = await libp2pPeer();
    const libp2p = noise({ prologueBytes: utf8ToBytes('both') })();
    const securing: Promise<Secured> = initiator
      ? libp2p.secureInbound(libp2pId, wire.theirs)
      : libp2p.secureOutbound(libp2pId, wire.theirs, await ourPeerId());
    const staticKey = generateKeyPair(randomBytes);
    const ours = new HandshakeState({
      pattern: XX,
      initiator,
      prologue: utf8ToBytes('both'),
      s: staticKey,
      rs: null,
      random: randomBytes,
    });
    const payload = payloadOf(staticKey.publicKey);
    let theirPayload = EMPTY;
    if (initiator) {
      wire.send(ours.writeMessage(EMPTY));
      theirPayload = new Uint8Array(ours.readMessage(await wire.read()));
      wire.send(ours.writeMessage(payload));
    } else {
      expect(ours.readMessage(await wire.read())).toEqual(EMPTY);
      wire.send(ours.writeMessage(payload));
      theirPayload = new Uint8Array(ours.readMessage(await wire.read()));
    }
    const { send, receive } = ours.split();
    const theirs = await securing;
    expect(theirs.remotePeer.toString()).toBe((await ourPeerId()).toString());
    expectSigned(theirPayload, ours.remoteStatic ?? EMPTY);

    const outgoing = new AsyncQueue<Uint8Array>();
    const sinking = theirs.conn.sink(generate(outgoing));
    const incoming = theirs.conn.source[Symbol.asyncIterator]();
    for (let n = 0; n < 5; n++) {
      const text = new Uint8Array(1 + n * 4000).fill(n);
      outgoing.push(text);
      expect(receive.decryptWithAd(EMPTY, await wire.read())).toEqual(text);
      wire.send(send.encryptWithAd(EMPTY, text));
      const { value } = await incoming.next();
      expect(new Uint8Array((value as Uint8Array).subarray())).toEqual(text);
    }
    outgoing.end();
    wire.end();
    await sinking;
  });

  it('is refused by it when the prologue differs', async () => {
    const wire = new Wire();
    const libp2p = noise({ prologueBytes: utf8ToBytes('theirs') })();
    const securing = libp2p.secureInbound(await libp2pPeer(), wire.theirs);
    const options = { pattern: XX, initiator: true, s: generateKeyPair(randomBytes), rs: null, random: randomBytes };
    const ours = new HandshakeState({ ...options, prologue: utf8ToBytes('ours') });
    wire.send(ours.writeMessage(EMPTY));
    const reply = await wire.read();
    expect(() => ours.readMessage(reply)).toThrow(expect.objectContaining({ code: 'seal_failed' }));
    wire.end();
    await expect(securing).rejects.toThrow();
  });
});

const identity = ed25519.keygen();

async function libp2pPeer() {
  const key = await keys.generateKeyPair('Ed25519');
  return peerIdFromKeys(key.public.bytes, key.bytes);
}

function ourPeerId() {
  return peerIdFromKeys(protobufKey(identity.publicKey));
}

/** `PublicKey { KeyType Type = 1 (Ed25519 = 1); bytes Data = 2; }` */
function protobufKey(publicKey: Uint8Array): Uint8Array {
  return concatBytes(new Uint8Array([0x08, 0x01, 0x12, 32]), publicKey);
}

/** `NoiseHandshakePayload { bytes identity_key = 1; bytes identity_sig = 2; }` */
function payloadOf(staticPublicKey: Uint8Array): Uint8Array {
  const key = protobufKey(identity.publicKey);
  const signature = ed25519.sign(signedText(staticPublicKey), identity.secretKey);
  return concatBytes(new Uint8Array([0x0a, key.length]), key, new Uint8Array([0x12, 64]), signature);
}

function expectSigned(payload: Uint8Array, staticPublicKey: Uint8Array): void {
  expect(payload.subarray(0, 6)).toEqual(new Uint8Array([0x0a, 36, 0x08, 0x01, 0x12, 32]));
  expect(payload.subarray(38, 40)).toEqual(new Uint8Array([0x12, 64]));
  expect(ed25519.verify(payload.subarray(40, 104), signedText(staticPublicKey), payload.subarray(6, 38))).toBe(true);
}

function signedText(staticPublicKey: Uint8Array): Uint8Array {
  return concatBytes(utf8ToBytes('noise-libp2p-static-key:'), staticPublicKey);
}

async function* generate(queue: AsyncQueue<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for (let batch = await queue.take(); batch !== null; batch = await queue.take()) yield* batch;
}

/** A stream of bytes each way, which cuts and joins the messages that libp2p marks by their length. */
class Wire {
  #toThem = new AsyncQueue<Uint8Array>();
  #toUs = new AsyncQueue<Uint8Array>();
  #unread = EMPTY;

  readonly theirs = {
    source: generate(this.#toThem),
    sink: async (source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => {
      for await (const bytes of source) this.#toUs.push(bytes.subarray());
    },
  };

  send(message: Uint8Array): void {
    this.#toThem.push(concatBytes(new Uint8Array([message.length >> 8, message.length & 255]), message));
  }

  async read(): Promise<Uint8Array> {
    for (;;) {
      const length = ((this.#unread[0] ?? 0) << 8) | (this.#unread[1] ?? 0);
      if (this.#unread.length >= 2 && this.#unread.length >= 2 + length) {
        const message = this.#unread.slice(2, 2 + length);
        this.#unread = this.#unread.slice(2 + length);
        return message;
      }
      const more = await this.#toUs.take();
      if (more === null) throw new Error('libp2p hung up');
      this.#unread = concatBytes(this.#unread, ...more);
    }
  }

  end(): void {
    this.#toThem.end();
  }
}
