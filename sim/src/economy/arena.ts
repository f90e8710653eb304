/**
 * Where an attack takes place: attackers, as many honest volunteers, and people who ask those. All begin with the same credits,
 * which they were paid for being there.
 */
import { MICRO, type Micro } from '@llmesh/core/ledger/credit';
import { accountOf } from '@llmesh/core/ledger/account';
import { parameterKey } from '@llmesh/core/ledger/keys';
import { Economy } from './economy.ts';
import type { EconomyPeer } from './economy-peer.ts';

/** Micro-credits for 1,000 units, as of a tiny model. */
export const PRICE = 100_000;
const HOURS_BEFORE = 24;
/** An hour is worth a credit here, as if there had been a vote: so a day is enough. */
const HOURLY = MICRO;
const ASKERS = 20;
/** What others paid each other before, so that there is something in the pools to take. */
const PAID_BEFORE = 0.5;

export interface Arena {
  readonly economy: Economy;
  readonly attackers: readonly EconomyPeer[];
  readonly honest: readonly EconomyPeer[];
  readonly askers: readonly EconomyPeer[];
}

/** What an attack came to, in micro-credits. What a newcomer was given to begin with does not count: it is no money. */
export interface Figure {
  /** Of all keys of the attackers together: before, and when all that was held is free again. */
  readonly start: Micro;
  readonly end: Micro;
  /** What as many honest volunteers have, who had as much and answered as many units for others; null: they did no work. */
  readonly honest: Micro | null;
  /** What happened, in a few words with figures. */
  readonly note: string;
}

export function paidOff({ start, end }: Figure): boolean {
  return end > start;
}

/** Each attacker stands in a network of its own: what one network may do is for the control plane, and tested apart. */
export async function arena(seed: number, attackers: number): Promise<Arena> {
  const economy = new Economy(seed);
  economy.state.set(parameterKey('uptime-cap'), [HOURLY, economy.ms]);
  const some = (count: number, prefix: number) =>
    Array.from({ length: count }, (_, i) => economy.peer(`${prefix}.${i >> 8}.${i & 255}.1`));
  const all = { attackers: some(attackers, 10), honest: some(attackers, 20), askers: some(ASKERS, 30) };
  const everyone = [...all.attackers, ...all.honest, ...all.askers];
  // Only who has answered somebody lately is paid for being there.
  const [neighbour, bystander] = some(2, 40) as [EconomyPeer, EconomyPeer];
  for (const peer of everyone) await economy.deal(neighbour, peer, 1, 0);
  for (let hour = 0; hour < HOURS_BEFORE; hour++) economy.hour(everyone);
  const place = { economy, ...all };
  for (const asker of all.askers) await economy.deal(asker, bystander, unitsFor(place, asker, PAID_BEFORE), PRICE);
  return place;
}

/** As many units as this peer could pay with a share of what it has. */
export function unitsFor({ economy }: Arena, payer: EconomyPeer, share: number): number {
  return Math.floor((economy.balance(accountOf('free', payer.id)) * share * 1_000) / PRICE);
}

/** The honest volunteers answer the same for people who pay. */
export async function work({ economy, honest, askers }: Arena, units: readonly number[]): Promise<Micro> {
  for (const [i, asked] of units.entries()) {
    const asker = askers[i % askers.length]!;
    await economy.deal(asker, honest[i % honest.length]!, asked, PRICE);
    economy.pass(1_000);
  }
  return economy.wealth(honest);
}
