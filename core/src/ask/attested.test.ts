/** Questions to those who prove what they run: by a vendor's real signatures, over links of a mesh. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { beforeEach, expect, it } from 'vitest';
import { toBase32 } from '../base/base32.ts';
import type { PeerId } from '../base/ids.ts';
import { randomBytes } from '../base/random-bytes.ts';
import type { Verifier } from '../policy/attestation.ts';
import { consume, never, question, World } from '../testing/mesh-world.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';
import { advert } from '../testing/scripted-server.ts';
import { canonical } from '../wire/canonical.ts';
import type { ModelAdvert } from '../wire/model-advert.ts';
import type { AskRequest } from './answer.ts';

const FILE = 'ab'.repeat(32);
const secret = randomBytes(32);
const vendor: Verifier = {
  kind: 'tee',
  name: 'example',
  check: (quote, { file }) =>
    quote.byteLength === 64 && ed25519.verify(quote, canonical(['runs', file]), ed25519.getPublicKey(secret)),
};
const quote = (key = secret, file = FILE): ModelAdvert['attestation'] => ({
  ...{ kind: 'tee', vendor: 'example' },
  quote: toBase32(ed25519.sign(canonical(['runs', file]), key)),
});

let w: World;
beforeEach(() => {
  w = new World();
  w.verifiers = [vendor];
});

async function lends(attestation?: ModelAdvert['attestation']): Promise<PeerId> {
  const offered = { ...advert, sha256: FILE, ...(attestation !== undefined && { attestation }) };
  return (await w.provide(new ScriptedEngine([' yes']), 1, null, offered)).mesh.self;
}

/** Who was asked. */
async function askedFor(how: Partial<AskRequest>): Promise<PeerId[]> {
  const asker = await w.join();
  const answer = consume(asker.ask({ ...question(), ...how }, never));
  await w.clock.advance(30_000);
  await asker.close();
  return answer.events.flatMap((event) => (event.type === 'provider' ? [event.candidate.peerId] : []));
}

it('go to nobody else, whatever the control plane and the volunteers say', async () => {
  await lends();
  await lends(quote(randomBytes(32)));
  await lends(quote(secret, 'cd'.repeat(32)));
  for (const attestedBy of ['example', null]) expect(await askedFor({ attestedBy })).toEqual([]);
  const proven = await lends(quote());
  for (const attestedBy of ['example', null]) expect(await askedFor({ attestedBy })).toEqual([proven]);
  expect(await askedFor({ attestedBy: 'other' })).toEqual([]);
});

it('who shows what is refuted gets none, whatever was asked for', async () => {
  const liar = await lends(quote(randomBytes(32)));
  expect(await askedFor({})).toEqual([]);
  // Nobody here can tell: then it is worth nothing, and held against nobody.
  w.verifiers = [];
  expect(await askedFor({})).toEqual([liar]);
  expect(await askedFor({ attestedBy: null })).toEqual([]);
});
