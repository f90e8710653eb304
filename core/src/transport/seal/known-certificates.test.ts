import { expect, it } from 'vitest';
import { toBase32 } from '../../base/base32.ts';
import { makeCredentials } from './credentials.ts';
import { softwareIdentity } from '../../identity/identity.ts';
import { newPeerId } from '../../base/ids.ts';
import { KnownCertificates } from './known-certificates.ts';
import { randomBytes } from '../../base/random-bytes.ts';

const ada = await makeCredentials(softwareIdentity(randomBytes(32)));
const bob = await makeCredentials(softwareIdentity(randomBytes(32)));

it('knows the static key of a peer that has shown a certificate of its own, the newest', async () => {
  const known = new KnownCertificates();
  expect(known.staticKeyOf(ada.peerId)).toBeNull();
  known.learn(ada.peerId, toBase32(ada.certificate));
  expect(known.staticKeyOf(ada.peerId)).toEqual(ada.staticKey.publicKey);
  expect(known.staticKeyOf(bob.peerId)).toBeNull();
});

it.each([
  ['of somebody else', toBase32(bob.certificate)],
  ['that was changed', toBase32(ada.certificate.map((byte, at) => (at === 0 ? byte ^ 1 : byte)))],
  ['that is too short', toBase32(ada.certificate.subarray(1))],
  ['that is not base32', 'not base32!'],
])('believes no certificate %s', (_what, certificate) => {
  const known = new KnownCertificates();
  known.learn(ada.peerId, certificate);
  expect(known.staticKeyOf(ada.peerId)).toBeNull();
});

it('remembers the last few hundred, and no more', () => {
  const known = new KnownCertificates();
  known.learn(ada.peerId, toBase32(ada.certificate));
  known.learn(bob.peerId, toBase32(bob.certificate));
  for (let n = 0; n < 255; n++) known.learn(newPeerId(), '');
  expect(known.staticKeyOf(ada.peerId)).toBeNull();
  expect(known.staticKeyOf(bob.peerId)).toEqual(bob.staticKey.publicKey);
});
