import { expect, it } from 'vitest';
import type { NetworkId } from '../base/ids.ts';
import { signed, softwareIdentity, verify } from './identity.ts';
import { identityIn, verifyIn } from './network-bound.ts';
import { openRecord, signRecord } from './signed-record.ts';

const identity = softwareIdentity(new Uint8Array(32).fill(7));
const [ada, bob] = ['a', 'b'].map((letter) => ({ network: `net_${letter.repeat(32)}` as NetworkId }));
const none = { network: null };
const body = new Uint8Array([1, 2, 3]);

it('makes a record count in its own network, and in no other, nor outside of any', async () => {
  const record = await signRecord('receipt', body, identityIn(ada!, identity));
  const opens = (binding: typeof none | typeof ada) =>
    openRecord('receipt', record, 1_000, verifyIn(binding!, verify)) !== null;
  expect([ada, bob, none].map(opens)).toEqual([true, false, false]);
  expect(openRecord('receipt', record, 1_000)).toBeNull();
});

it('leaves signatures as they were where there is no genesis', async () => {
  const bound = await signRecord('receipt', body, identityIn(none, identity));
  expect(bound).toEqual(await signRecord('receipt', body, identity));
  expect(openRecord('receipt', bound, 1_000, verifyIn(none, verify))).not.toBeNull();
});

it('looks at the network for each signature, since a visitor hears it from the control plane', async () => {
  const heard: { network: NetworkId | null } = { network: null };
  const here = identityIn(heard, identity);
  const message = signed('hello', body);
  const before = await here.sign(message);
  heard.network = ada!.network;
  const after = await here.sign(message);
  const check = verifyIn(heard, verify);
  expect([before, after].map((one) => check(identity.publicKey, message, one))).toEqual([false, true]);
  expect([before, after].map((one) => verify(identity.publicKey, message, one))).toEqual([true, false]);
});
