import { expect, it } from 'vitest';
import { PIECE_BYTES } from '../manifest.ts';
import { makeModel, randomFile } from '../../testing/made-model.ts';
import { asked, fetching, hasAll, SwarmWorld, webServer } from '../../testing/swarm-world.ts';

const model = await makeModel({ 'model.gguf': randomFile(6 * PIECE_BYTES + 12_345) });
const folder = await makeModel({
  'mlc-chat-config.json': randomFile(900),
  'params_shard_0.bin': randomFile(2 * PIECE_BYTES),
  'params_shard_1.bin': randomFile(PIECE_BYTES + 1),
  'tokenizer.json': randomFile(40_000),
});

it.each([
  ['one file', model],
  ['a folder of shards', folder],
])('fetches %s from a peer that has it, knowing nothing but its content id', async (_what, wanted) => {
  const world = new SwarmWorld();
  await world.seeder(wanted);
  const outcome = fetching(world.join(), asked(wanted));
  await world.until(outcome);
  expect(outcome.error).toBeNull();
  expect(await hasAll(outcome, wanted)).toBe(true);
});

it('fetches from several at once, and from those who are still fetching', async () => {
  const world = new SwarmWorld();
  await world.seeder(model);
  const nodes = [world.join(), world.join(), world.join()];
  const outcomes = nodes.map((node) => fetching(node, asked(model)));
  await world.until(outcomes);
  for (const outcome of outcomes) expect(await hasAll(outcome, model)).toBe(true);
});

it('fetches what only a server has, without hashes of its pieces, and asks it for each byte once', async () => {
  const world = new SwarmWorld();
  const web = webServer(world.clock, folder);
  const outcome = fetching(world.join(), asked(folder, { web, manifest: folder.manifest }));
  await world.until(outcome);
  expect(outcome.error).toBeNull();
  expect(await hasAll(outcome, folder)).toBe(true);
  expect(web.sentBytes).toBe(folder.map.sizeBytes);
});

it('eight that begin at once take little more than one copy from the server, in little more than the time of one', async () => {
  const large = await makeModel({ 'model.gguf': randomFile(20 * PIECE_BYTES) });
  const world = new SwarmWorld(3);
  world.network.bulk = { clock: world.clock, bytesPerSecond: 10_000_000 };
  const bytesPerSecond = 1_000_000;
  const web = webServer(world.clock, large, { bytesPerSecond, layers: true });
  const request = () => asked(large, { web, manifest: large.manifest });
  const outcomes = Array.from({ length: 8 }, () => fetching(world.join(), request()));
  const ms = await world.until(outcomes, 300_000);
  for (const outcome of outcomes) expect(await hasAll(outcome, large)).toBe(true);
  expect(web.sentBytes / large.map.sizeBytes).toBeLessThanOrEqual(1.3);
  expect(ms).toBeLessThanOrEqual(1.3 * (large.map.sizeBytes / bytesPerSecond) * 1000);
});

it('says when nobody has it', async () => {
  const world = new SwarmWorld();
  const outcome = fetching(world.join(), asked(model));
  await world.until(outcome);
  expect(outcome.error).toMatchObject({ code: 'model_not_found' });
});
