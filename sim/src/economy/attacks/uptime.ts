/** Attacks on what emission pays for being there, which the control plane divides: `signaling/src/ledger/uptime.ts`. */
import { sharesOf } from '@llmesh/signaling/ledger/uptime';
import { arena, type Figure } from '../arena.ts';

const HOUR_MS = 3_600_000;
const FARM = 100;
const HOURS = 24;
const LOOKS = 60;

/** A hundred keys in one network, beside a hundred honest volunteers who each have one. */
export async function uptimeFarm(seed: number): Promise<Figure> {
  const { economy, attackers, honest } = await arena(seed, FARM);
  const [start, before] = [economy.wealth(attackers), economy.wealth(honest)];
  const byId = new Map([...attackers, ...honest].map((peer) => [peer.id, peer]));
  const seen = new Map([
    ...attackers.map(({ id }) => [id, { network: '70.0.0.0/24', looks: LOOKS }] as const),
    ...honest.map(({ id, network }) => [id, { network, looks: LOOKS }] as const),
  ]);
  for (let hour = 0; hour < HOURS; hour++) {
    economy.pass(HOUR_MS);
    economy.uptime(sharesOf(seen, () => 0).map(([id, share]) => [byId.get(id)!, share] as const));
  }
  const [farmed, earned] = [economy.wealth(attackers) - start, economy.wealth(honest) - before];
  return {
    // Being there is paid for: the farm should get what one honest volunteer gets.
    ...{ start, end: start + farmed - earned / FARM, honest: start },
    note: `${FARM} keys together were paid ${((farmed * FARM) / earned).toFixed(2)} times what one honest volunteer was`,
  };
}
