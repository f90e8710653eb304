import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import type { PeerId } from '../base/ids.ts';
import { newPeerId } from '../base/ids.ts';
import { randomBytes } from '../base/random-bytes.ts';
import { softwareIdentity } from '../identity/identity.ts';
import { drawAuditors, readDraw, rootOf, selected, signDraw } from './draw.ts';
import { proveVrf, verifyVrf } from '../identity/vrf.ts';

/** RFC 9381, appendix B.3, examples 16 to 18. */
const VECTORS = [
  {
    secret: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    alpha: '',
    pi: '8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805',
    beta: '90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae',
  },
  {
    secret: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    alpha: '72',
    pi: 'f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02',
    beta: 'eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031',
  },
  {
    secret: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    alpha: 'af82',
    pi: '9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e',
    beta: '645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c452118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f',
  },
];
const ORDER = ed25519.Point.Fn.ORDER;
/** The eight points of small order, of which nobody needs a secret. */
const SMALL = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => {
  const torsion = ed25519.Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');
  return k === 0 ? ed25519.Point.ZERO : torsion.multiplyUnsafe(BigInt(k));
});

describe('the verifiable random function', () => {
  it('computes the examples of RFC 9381', () => {
    for (const { secret, alpha, pi, beta } of VECTORS) {
      const key = hexToBytes(secret);
      expect(bytesToHex(proveVrf(key, hexToBytes(alpha)))).toBe(pi);
      expect(bytesToHex(verifyVrf(ed25519.getPublicKey(key), hexToBytes(alpha), hexToBytes(pi))!)).toBe(beta);
    }
  });

  it('has one output, whatever is done to a proof', () => {
    const secret = randomBytes(32);
    const key: Uint8Array = ed25519.getPublicKey(secret);
    const alpha: Uint8Array = randomBytes(40);
    const pi = proveVrf(secret, alpha);
    const refused = (proof: Uint8Array, ofKey = key, input = alpha) =>
      expect(verifyVrf(ofKey, input, proof)).toBeNull();
    for (let bit = 0; bit < pi.byteLength * 8; bit += 37) refused(pi.with(bit >> 3, pi[bit >> 3]! ^ (1 << (bit & 7))));
    for (const length of [0, 1, 79]) refused(pi.subarray(0, length));
    refused(new Uint8Array([...pi, 0]));
    refused(pi, key, randomBytes(40));
    refused(pi, ed25519.getPublicKey(randomBytes(32)));
    refused(pi, new Uint8Array(31));
    // s + the order of the group: the same number, written another way.
    const s = BigInt(`0x${bytesToHex(pi.slice(48).reverse())}`) + ORDER;
    refused(new Uint8Array([...pi.subarray(0, 48), ...hexToBytes(s.toString(16).padStart(64, '0')).reverse()]));
    // A point of small order added to Γ would be the same output by another proof, and as a key it would have many outputs.
    const gamma = ed25519.Point.fromBytes(pi.subarray(0, 32));
    for (const small of SMALL.slice(1, 4)) refused(new Uint8Array([...gamma.add(small).toBytes(), ...pi.subarray(32)]));
    for (const small of SMALL) refused(pi, small.toBytes());
  });

  it('takes no key whose secret everybody knows: zero', () => {
    const key = ed25519.Point.ZERO.toBytes();
    const prefix = (kind: number) => Uint8Array.of(3, kind);
    let counter = 0;
    const tried = () => sha512(concatBytes(prefix(1), key, Uint8Array.of(counter++), Uint8Array.of(0))).subarray(0, 32);
    const h = firstPoint(tried).clearCofactor();
    const [u, v] = [ed25519.Point.BASE, h];
    const points = [key, h.toBytes(), key, u.toBytes(), v.toBytes()];
    const challenge = sha512(concatBytes(prefix(2), ...points, Uint8Array.of(0))).subarray(0, 16);
    const proof = concatBytes(key, challenge, new Uint8Array(32).with(0, 1));
    expect(verifyVrf(key, new Uint8Array(), proof)).toBeNull();
  });

  it('never makes its reader throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 33 }), fc.uint8Array({ minLength: 80, maxLength: 80 }), (key, proof) => {
        expect(verifyVrf(key, proof, proof)).toBeNull();
      }),
      { numRuns: 30 },
    );
  });
});

const secretKey = randomBytes(32);
const control = softwareIdentity(secretKey);

describe('the draw of an epoch', () => {
  it('is read by everyone as the control plane made it, and is nobody else’s', async () => {
    const root = rootOf([randomBytes(32)]);
    const { draw, bytes } = await signDraw({ epoch: 7, root }, control, secretKey);
    expect(readDraw(bytes, control.peerId)).toEqual(draw);
    expect(readDraw(bytes, newPeerId())).toBeNull();
    for (let at = 0; at < bytes.byteLength; at += 17) {
      expect(readDraw(bytes.with(at, bytes[at]! ^ 1), control.peerId)).toBeNull();
    }
    await expect(signDraw({ epoch: 7, root }, control, randomBytes(32))).rejects.toThrow();
    const again = await signDraw({ epoch: 7, root }, control, secretKey);
    expect(again.draw.beta).toEqual(draw.beta);
    const later = await signDraw({ epoch: 8, root }, control, secretKey);
    expect(later.draw.beta).not.toEqual(draw.beta);
  });

  it('covers the receipts that were filed, in whatever order', () => {
    const receipts = Array.from({ length: 5 }, () => randomBytes(32));
    expect(rootOf(receipts.toReversed())).toEqual(rootOf(receipts));
    expect(rootOf(receipts.slice(1))).not.toEqual(rootOf(receipts));
    expect(rootOf([...receipts, receipts[0]!])).not.toEqual(rootOf(receipts));
  });

  it('draws as many answers as it should, and every auditor as often as another', () => {
    const beta = new Uint8Array(64).fill(9);
    const receipts = Array.from({ length: 2_000 }, (_, i) => new Uint8Array(32).fill(i & 255).with(0, i >> 8));
    const drawn = receipts.filter((receipt) => selected(beta, receipt, 0.02)).length;
    // 40 are expected, give or take six; the numbers are always the same.
    expect(Math.abs(drawn - 40)).toBeLessThan(20);
    expect(receipts.some((receipt) => selected(beta, receipt, 0))).toBe(false);
    expect(receipts.every((receipt) => selected(beta, receipt, 1))).toBe(true);
    const peers = Array.from({ length: 10 }, (_, i) => 'abcdefghij'[i]!.repeat(32) as PeerId);
    const times = new Map(peers.map((peer) => [peer, 0]));
    for (const receipt of receipts.slice(0, 500)) {
      for (const peer of drawAuditors(beta, receipt, peers, 2)) times.set(peer, times.get(peer)! + 1);
    }
    for (const n of times.values()) expect(Math.abs(n - 100)).toBeLessThan(40);
  });

  it('leaves nobody a choice: the order of the list, and who else comes or goes, moves no auditor', () => {
    const peer = fc.stringMatching(/^[a-z2-7]{32}$/).map((id) => id as PeerId);
    fc.assert(
      fc.property(
        fc.uniqueArray(peer, { minLength: 3, maxLength: 20 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.nat({ max: 19 }),
        (peers, receipt, gone) => {
          const order = drawAuditors(receipt, receipt, peers, peers.length);
          expect(drawAuditors(receipt, receipt, peers.toReversed(), peers.length)).toEqual(order);
          const left = peers.filter((_, i) => i !== gone);
          expect(drawAuditors(receipt, receipt, left, 2)).toEqual(
            order.filter((one) => left.includes(one)).slice(0, 2),
          );
        },
      ),
      { numRuns: 50 },
    );
  });
});

function firstPoint(next: () => Uint8Array): InstanceType<typeof ed25519.Point> {
  for (;;) {
    try {
      return ed25519.Point.fromBytes(next());
    } catch {
      // About every other digest is no point: the next one is tried.
    }
  }
}
