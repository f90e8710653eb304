/** Requests that name an adapter, on a memory mesh: real requester, worker and links; scripted engines, virtual time. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MeshError } from '@llmesh/core/base/errors';
import { advert } from '@llmesh/core/testing/scripted-server';
import { ScriptedEngine } from '@llmesh/core/testing/scripted-engine';
import { faults } from './testing/conformance.ts';
import { contentOf, GatewayWorld } from './testing/gateway-world.ts';
import type { Ability } from '@llmesh/core/wire/model-advert';

let gateway = new GatewayWorld();
beforeEach(() => {
  gateway = new GatewayWorld();
});
afterEach(() => gateway.close());

const words = ['one ', 'two ', 'three'];
const law = { sha256: 'ab'.repeat(32), name: 'Law' };
const lend = async (adapters: (typeof law)[], abilities: Ability[] = []) => {
  const engine = new ScriptedEngine(words);
  const room = { adapters: 2, slots: 2 };
  return {
    engine,
    ...(await gateway.world.provide(engine, 4, null, { ...advert, sha256: 'f'.repeat(64), adapters, abilities }, room)),
  };
};
const json = ({ text }: { text: string }) => JSON.parse(text);

it('are answered by a volunteer who has it, and continued by another who has', async () => {
  const first = await lend([law]);
  first.engine.failAfter = { words: 1, error: new MeshError('device_lost', 'The GPU is gone.') };
  const without = await lend([]);
  const heir = await lend([law]);
  await gateway.open(['m'], { adapters: [law] });
  const answered = json(await gateway.whole(gateway.chat({ adapter: law.sha256 })));
  expect(answered).toMatchObject({
    choices: [{ message: { content: words.join('') }, llmesh: { providers: [first.mesh.self, heir.mesh.self] } }],
  });
  expect([first, without, heir].map(({ engine }) => engine.adapters)).toEqual([[law.sha256], [], [law.sha256]]);
});

it('wait for somebody with the same adapter, who knows the very tokens', async () => {
  const first = await lend([law]);
  first.engine.failAfter = { words: 1, error: new MeshError('device_lost', 'The GPU is gone.') };
  await gateway.open(['m'], { adapters: [law] });
  const response = gateway.chat({ adapter: law.sha256, stream: true });
  await gateway.world.clock.advance(500);
  await first.providing.stop();
  await lend([]);
  await gateway.world.clock.advance(5_000);
  const heir = await lend([law]);
  expect(contentOf((await gateway.whole(response)).text)).toBe(words.join(''));
  expect(heir.engine.prefixes).toMatchObject([{ text: 'one ', tokenIds: [1] }]);
});

it('may be about bare text', async () => {
  await lend([], ['completion']);
  const { engine } = await lend([law], ['completion']);
  await gateway.open(['m'], { adapters: [law] });
  const answered = json(await gateway.whole(gateway.complete({ prompt: 'Once', adapter: law.sha256 })));
  expect(answered).toMatchObject({ choices: [{ text: words.join('') }] });
  expect(engine.adapters).toEqual([law.sha256]);
});

it('are refused, naming the adapters, where nobody has it or it does not exist', async () => {
  await lend([law]);
  await gateway.open(['m'], { adapters: [law] });
  const unknown = await gateway.whole(gateway.chat({ adapter: 'cd'.repeat(32) }));
  expect(unknown.status).toBe(404);
  expect(json(unknown)).toMatchObject({
    error: {
      code: 'adapter_not_found',
      param: 'adapter',
      message: expect.stringContaining(`${law.sha256} (Law, of m)`),
    },
  });
  for (const [adapter, status] of [
    ['Law', 404],
    ['AB'.repeat(32), 404],
    [7, 400],
    ['', 400],
    ['x'.repeat(65), 400],
  ]) {
    const wrong = await gateway.whole(gateway.chat({ adapter }));
    expect([adapter, wrong.status]).toEqual([adapter, status]);
    expect(json(wrong)).toMatchObject({ error: { param: 'adapter' } });
  }
  expect((await gateway.whole(gateway.chat({ adapter: 'Law' }))).text).toContain('start it with --lora name=file.gguf');
});

it('are passed on where not all are told of', async () => {
  const { engine } = await lend([law]);
  await gateway.open(['m'], { moreAdapters: true });
  const answered = await gateway.whole(gateway.chat({ adapter: law.sha256 }));
  expect(answered.status).toBe(200);
  expect(engine.adapters).toEqual([law.sha256]);
});

it('have none for vectors', async () => {
  await gateway.open(['m'], { adapters: [law], embeds: { m: 3 } });
  const body = JSON.stringify({ model: 'm', input: 'text', adapter: law.sha256 });
  const headers = { 'content-type': 'application/json' };
  const answered = await gateway.whole(gateway.fetch('/v1/embeddings', { method: 'POST', headers, body }));
  expect(answered.status).toBe(400);
  expect(json(answered)).toMatchObject({ error: { code: 'unknown_parameter', param: 'adapter' } });
});

it('are noted where the models are listed', async () => {
  await lend([law]);
  await gateway.open(['m'], { adapters: [law] });
  const { data } = json(await gateway.whole(gateway.fetch('/v1/models')));
  expect(data[0].llmesh.adapters).toEqual([law]);
  expect(faults('Model', data[0])).toEqual([]);
});
