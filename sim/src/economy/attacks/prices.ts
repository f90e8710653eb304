/** Attacks on the price: whoever lends raises it by questions that are never asked. */
import type { PeerId } from '@llmesh/core/base/ids';
import { inCredits } from '@llmesh/core/ledger/credit';
import { parameter } from '@llmesh/core/ledger/parameter';
import type { ParameterName } from '@llmesh/core/governance/parameters';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { PayingQueue } from '@llmesh/signaling/match/paying-queue';
import { PriceList } from '@llmesh/signaling/price/price-list';
import { networksOf } from '@llmesh/signaling/sockets/address';
import { VirtualClock } from '../../virtual-clock.ts';
import { arena, type Arena, type Figure } from '../arena.ts';
import { MODEL } from '../economy.ts';

const MINUTE_MS = 60_000;
const MINUTES = 240;
/** The flood comes and goes. */
const PERIOD = 30;
const GUESTS = 1_000;
const PAYERS = 50;
const NETWORKS = 3;
const UNITS = 1_000;
/** Half of ten volunteers' slots are in use. */
const OFFER: Offer = {
  ...{ id: MODEL, name: 'Demo', quant: 'q8_0', format: 'gguf', contextTokens: 2_048, tokensPerSecond: null },
  ...{ providers: 10, slots: 20, busySlots: 10, freeSlots: 10, queued: 0 },
};

interface InLine {
  readonly holder: { readonly peer: PeerId; readonly from: ReturnType<typeof networksOf> };
  readonly pays: boolean;
}

/** Every other half hour a thousand keys wait that have no credits, and fifty questions of three networks that have. */
function flood(queue: PayingQueue<InLine>): readonly InLine[] {
  const one = (name: string, address: string, pays: boolean): InLine => {
    return { holder: { peer: name as PeerId, from: networksOf(address) }, pays };
  };
  const all = [
    ...Array.from({ length: GUESTS }, (_, i) => one(`guest${i}`, `50.${i >> 8}.${i & 255}.1`, false)),
    ...Array.from({ length: PAYERS }, (_, i) => one(`payer${i}`, `60.${i % NETWORKS}.0.1`, true)),
  ];
  for (const each of all) queue.add(each);
  return all;
}

/** What an honest mesh pays one of its ten volunteers meanwhile, by the price of each minute. */
async function earnedIn({ economy, attackers, askers }: Arena, attacked: boolean): Promise<{ highest: number }> {
  const clock = new VirtualClock();
  const queue = new PayingQueue<InLine>(() => false);
  const prices = new PriceList({
    ...{ clock, offers: () => [OFFER], waiting: () => queue.bids, sizeBytes: () => null, changed: () => {} },
    parameter: (name) => parameter(economy.state, name as ParameterName),
  });
  let waiting: readonly InLine[] = [];
  let highest = 0;
  for (let minute = 0; minute < MINUTES; minute++) {
    if (attacked && minute % (2 * PERIOD) === 0) waiting = flood(queue);
    if (minute % (2 * PERIOD) === PERIOD) for (const one of waiting) queue.remove(one);
    if (minute % (2 * PERIOD) === PERIOD) waiting = [];
    await clock.run(MINUTE_MS);
    economy.pass(MINUTE_MS);
    const { price } = prices.of(OFFER);
    highest = Math.max(highest, price);
    if (minute % 10 === 0) await economy.deal(askers[(minute / 10) % askers.length]!, attackers[0]!, UNITS, price);
  }
  prices.close();
  return { highest };
}

export async function priceOscillation(seed: number): Promise<Figure> {
  const quiet = await arena(seed, 1);
  const { highest: usual } = await earnedIn(quiet, false);
  const place = await arena(seed, 1);
  const { highest } = await earnedIn(place, true);
  const pay = place.economy.wealth(place.attackers) - quiet.economy.wealth(quiet.attackers);
  const start = quiet.economy.wealth(quiet.attackers);
  return {
    ...{ start, end: start + pay, honest: start },
    note: `with ${GUESTS} guests and ${PAYERS} payers of ${NETWORKS} networks in line the price rose to ${inCredits(highest)}, without them to ${inCredits(usual)}; before: what it earned without the attack`,
  };
}
