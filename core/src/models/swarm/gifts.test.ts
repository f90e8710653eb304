/** Files that one peer gives to another because a question needs them: to that one alone, whatever the limits of lending are. */
import { beforeEach, expect, it } from 'vitest';
import type { MeshError } from '../../base/errors.ts';
import type { Channel } from '../../peers/channel.ts';
import { makeModel, randomFile } from '../../testing/made-model.ts';
import { hasAll, SwarmWorld, type Outcome, type SwarmNode } from '../../testing/swarm-world.ts';
import { PIECE_BYTES } from '../manifest.ts';
import type { Gift } from './gifts.ts';

const file = await makeModel({ 'adapter.gguf': randomFile(5 * PIECE_BYTES + 777) });
const never = new AbortController().signal;
const nothing = () => {};

let world: SwarmWorld;
let giver: SwarmNode;
let taker: SwarmNode;
/** The link between both, as each sees it. */
let there: Channel;
let here: Channel;
let gift: Gift;

beforeEach(async () => {
  world = new SwarmWorld();
  giver = await world.seeder(file);
  // It is nobody's but theirs: not lent.
  await giver.swarm.seed([]);
  taker = world.join();
  there = await giver.links.open(taker.self, never);
  await world.clock.advance(100);
  here = taker.links.all()[0]!;
  gift = await giver.swarm.gift(file.content);
});

function taking(node = taker, from = here, signal = never, wants = () => true): Outcome {
  const outcome: Outcome = { stored: null, error: null, ended: false };
  node.swarm.take({ content: file.content, from, store: node.store, wants }, { signal }).then(
    (stored) => Object.assign(outcome, { stored, ended: true }),
    (error: MeshError) => Object.assign(outcome, { error, ended: true }),
  );
  return outcome;
}

it('goes to the peer that it is given to, though nothing is lent, and no index hears of it', async () => {
  giver.limits.seeding = false;
  giver.limits.bytesPerSecond = 1;
  let sentBytes = 0;
  await gift.to(there, (bytes) => (sentBytes += bytes));
  const outcome = taking();
  await world.until(outcome);
  expect(outcome.error).toBeNull();
  expect(await hasAll(outcome, file)).toBe(true);
  expect(sentBytes).toBeGreaterThanOrEqual(file.map.sizeBytes);
  expect([...world.held.values()].flat()).toEqual([]);
  expect(giver.swarm.figures).toMatchObject({ sentToday: 0, seeded: [] });
});

it('goes to nobody else, who knows its content id', async () => {
  await gift.to(there, nothing);
  const other = world.join();
  await other.links.open(giver.self, never);
  await world.clock.advance(100);
  const outcome = taking(other, other.links.all()[0]);
  await world.until(outcome);
  expect(outcome.error).toMatchObject({ code: 'model_not_found' });
});

it('goes to nobody any more once the question is over, also in the middle', async () => {
  world = new SwarmWorld();
  world.network.bulk = { clock: world.clock, bytesPerSecond: 500_000 };
  giver = await world.seeder(file);
  await giver.swarm.seed([]);
  taker = world.join();
  there = await giver.links.open(taker.self, never);
  await world.clock.advance(100);
  here = taker.links.all()[0]!;
  gift = await giver.swarm.gift(file.content);
  const end = await gift.to(there, nothing);
  const outcome = taking();
  await world.clock.advance(1_500);
  expect(outcome.ended).toBe(false);
  end();
  end();
  await world.until(outcome);
  expect(outcome.error).toMatchObject({ code: 'model_not_found' });
  await gift.close();
  expect(await giver.store.open(file.content)).not.toBeNull();
  await expect(gift.to(there, nothing)).rejects.toMatchObject({ code: 'cancelled' });
});

it('nothing is written of what is not wanted, and nothing is asked of anybody else', async () => {
  await gift.to(there, nothing);
  const outcome = taking(taker, here, never, () => false);
  await world.until(outcome);
  expect(outcome.error).toMatchObject({ code: 'model_unreadable' });
  expect(await taker.store.list()).toEqual([]);
});

it('asks only the one who gives it: another who has it is told nothing', async () => {
  const heard: string[] = [];
  const { links } = world.stranger((_channel, message) => heard.push(message.kind));
  await links.open(taker.self, never);
  await gift.to(there, nothing);
  const outcome = taking();
  const late = world.stranger((_channel, message) => heard.push(message.kind));
  await late.links.open(taker.self, never);
  await world.until(outcome);
  expect(await hasAll(outcome, file)).toBe(true);
  expect(heard.filter((kind) => ['SEEK', 'WANT', 'WANT_MANIFEST', 'FETCHING', 'GAINED'].includes(kind))).toEqual([]);
});

it('can be stopped, and whoever gives it can leave', async () => {
  const stop = new AbortController();
  stop.abort();
  const stopped = taking(taker, here, stop.signal);
  await gift.to(there, nothing);
  await world.until(stopped);
  expect(stopped.error).toMatchObject({ code: 'cancelled' });
  const left = taking();
  giver.leave();
  await world.until(left);
  expect(left.error).toMatchObject({ code: 'model_not_found' });
});

it('cannot be given when it is not here', async () => {
  await expect(taker.swarm.gift(file.content)).rejects.toMatchObject({ code: 'model_not_found' });
});

it('does not travel over a relay, and says so', async () => {
  const hidden = world.join();
  world.network.path = 'relay';
  const relayed = await giver.links.open(hidden.self, never);
  await expect(gift.to(relayed, nothing)).rejects.toMatchObject({
    code: 'connect_failed',
    message: expect.stringContaining('relay'),
  });
  const outcome = taking(hidden, hidden.links.all()[0]);
  await world.until(outcome);
  expect(outcome.error).toMatchObject({ code: 'connect_failed' });
});
