/** What lookups find in an hour of a mesh in which peers come and go, and whether liars can cut peers off from it. */
import { placeOf } from '@llmesh/core/lookup/place';
import { SeededRandom } from '../random.ts';
import { LookupWorld } from './lookup-world.ts';

export interface LookupMesh {
  readonly seed: number;
  readonly peers: number;
  readonly lookups: number;
  /** Of the honest peers leave within the hour, and others come. */
  readonly churn: number;
  /** Of all peers, in the mesh whose lookups are counted. */
  readonly liars: number;
  /** Of all peers, in the mesh whose victims are counted. */
  readonly sybils: number;
}

export interface LookupFigures {
  readonly lookups: number;
  readonly right: number;
  readonly hopsMedian: number;
  readonly victims: number;
  readonly victimsIsolated: number;
}

const MINUTES = 60;
const MINUTE_MS = 60_000;
/** Searches of each peer for the sake of its table, in an hour. */
const REFRESHES = 3;
/** Of the liars, their ids are the best of many for a record that they want to hide. */
const ECLIPSE = 0.2;
const IDS_TRIED = 500;
const IDS_AGAINST_ONE = 20;
/** Liars on average share a network with so many others. */
const OF_A_NETWORK = 4;
/** A peer that cannot find any of so many records is cut off. */
const TRIES = 3;

/** `passed`: told of every minute of a mesh. */
export async function lookupFigures(mesh: LookupMesh, passed: (minute: number) => void): Promise<LookupFigures> {
  const random = new SeededRandom(mesh.seed);
  const { right, hops } = await anHour(mesh, random.fork(), passed);
  const { victims, isolated } = await underSiege(mesh, random.fork());
  hops.sort((a, b) => a - b);
  return {
    lookups: mesh.lookups,
    right,
    hopsMedian: hops[Math.floor(hops.length / 2)] ?? 0,
    victims,
    victimsIsolated: isolated,
  };
}

async function anHour(mesh: LookupMesh, random: SeededRandom, passed: (minute: number) => void) {
  const world = await grown(mesh.peers, mesh.liars, random, ECLIPSE);
  const leaving = Math.round((world.honest.length * mesh.churn) / MINUTES);
  let right = 0;
  const hops: number[] = [];
  for (let minute = 0; minute < MINUTES; minute++) {
    passed(minute);
    world.nowMs += MINUTE_MS;
    for (let i = 0; i < leaving; i++) {
      world.remove(random.pick(world.honest));
      await world.addHonest();
    }
    const there = world.honest;
    for (const peer of there) if (random.chance(REFRESHES / MINUTES)) await world.refresh(peer);
    const offered = world.published.filter(({ publisher }) => world.isHonest(publisher));
    if (minute % (MINUTES / 2) === MINUTES / 2 - 1) for (const one of offered) await world.publish(one);
    const until = Math.round((mesh.lookups * (minute + 1)) / MINUTES);
    for (let i = Math.round((mesh.lookups * minute) / MINUTES); i < until; i++) {
      const took = await world.hopsTo(random.pick(offered).key, random.pick(there));
      if (took === null) continue;
      right += 1;
      hops.push(took);
    }
  }
  return { right, hops };
}

async function underSiege(mesh: LookupMesh, random: SeededRandom) {
  const world = await grown(mesh.peers, mesh.sybils, random, 0);
  const victims = world.honest;
  let isolated = 0;
  for (const victim of victims) {
    let found = false;
    for (let i = 0; i < TRIES && !found; i++)
      found = (await world.hopsTo(random.pick(world.published).key, victim)) !== null;
    if (!found) isolated += 1;
  }
  return { victims: victims.length, isolated };
}

/** `eclipse`: of the liars wait near to where records will lie, so that they are among those who are to keep them. */
async function grown(peers: number, liars: number, random: SeededRandom, eclipse: number): Promise<LookupWorld> {
  const world = new LookupWorld(random);
  const hostile = Math.round(peers * liars);
  const networks = Math.max(1, Math.round(hostile / OF_A_NETWORK));
  const atEnd = Math.round(hostile * eclipse);
  const atOnce = peers - atEnd;
  for (let i = 0; i < atOnce; i++) {
    if (i > 0 && random.chance((hostile - atEnd) / atOnce)) await world.addLiar(world.newId(), networks);
    else await world.addHonest();
  }
  const records = Math.max(1, Math.round(peers / 20));
  const keys = Array.from({ length: records }, () => hexOf(random.bytes(32)));
  for (let i = 0; i < atEnd; i++) {
    const key = keys[Math.floor(i / IDS_AGAINST_ONE) % records]!;
    await world.addLiar(world.idNear(placeOf('content', key), IDS_TRIED), networks);
  }
  for (const key of keys) await world.offer(random.pick(world.honest), key);
  return world;
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
