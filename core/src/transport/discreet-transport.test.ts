import { expect, it } from 'vitest';
import { MeshError, type ErrorCode } from '../base/errors.ts';
import { newPeerId } from '../base/ids.ts';
import { DiscreetTransport } from './discreet-transport.ts';
import type { Link, Transport } from './transport.ts';

const self = newPeerId();
const peer = newPeerId();
const [relayed, direct] = [{ peer }, { peer }] as [Link, Link];
const never = new AbortController().signal;

/** A way that says who dialled over it; `failure`: why nobody can. */
function way(link: Link, failure: ErrorCode | null): Transport & { dialled: number } {
  return {
    ...{ self, accept: null, dialled: 0 },
    async dial() {
      this.dialled++;
      if (failure !== null) throw new MeshError(failure, 'No way.');
      return link;
    },
    reachable: async () => {},
    close: () => {},
  };
}

it('dials through the relay, and nobody else hears of it', async () => {
  const all = way(direct, null);
  expect(await new DiscreetTransport(way(relayed, null), all).dial(peer, never)).toBe(relayed);
  expect(all.dialled).toBe(0);
});

it('takes any path where there is no relay', async () => {
  expect(await new DiscreetTransport(way(relayed, 'connect_failed'), way(direct, null)).dial(peer, never)).toBe(direct);
});

it('tries nothing more when it is cancelled', async () => {
  const all = way(direct, null);
  const dialling = new DiscreetTransport(way(relayed, 'cancelled'), all).dial(peer, never);
  await expect(dialling).rejects.toMatchObject({ code: 'cancelled' });
  expect(all.dialled).toBe(0);
});
