/** Vectors and the providers that they outlive: real peers over memory links; embedders and server are scripted. */
import { afterEach, describe, expect, it } from 'vitest';
import { partsOf, type Embedded, type EmbedRequest } from './embedding-parts.ts';
import { MeshError } from '../base/errors.ts';
import type { Mesh } from '../mesh.ts';
import { MAX_PROMPT_BYTES } from '../protocol.ts';
import { consume, never, question, World } from '../testing/mesh-world.ts';
import { embedderAdvert, MODEL } from '../testing/scripted-server.ts';
import { ScriptedEmbedder, ScriptedEngine, vectorOf } from '../testing/scripted-engine.ts';

const TEXTS = Array.from({ length: 6 }, (_, i) => 'text'.repeat(i + 1));
const broken = new MeshError('engine_failed', 'No more.');

const world = { current: new World() };
afterEach(async () => {
  await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
  world.current = new World();
});

/** So many that lend the same embedder, asked in their order; and one who asks. */
async function setUp(count: number) {
  const w = world.current;
  const embedders = Array.from({ length: count }, () => new ScriptedEmbedder());
  const providers = [];
  for (const embedder of embedders) providers.push(await w.provide(embedder, 1, null, embedderAdvert));
  return { w, embedders, providers, user: await w.join() };
}

/** The outcome fills while the clock turns. */
function ask(user: Mesh, request: Partial<EmbedRequest> = {}, signal = never) {
  const outcome = { embedded: null as Embedded | null, error: null as MeshError | null };
  user.embed({ model: MODEL, inputs: TEXTS, only: null, ...request }, signal).then(
    (embedded) => (outcome.embedded = embedded),
    (error: MeshError) => (outcome.error = error),
  );
  return outcome;
}

describe('texts', () => {
  it('become vectors, in their order, and both ends sign for them', async () => {
    const { w, providers, user } = await setUp(1);
    const outcome = ask(user);
    await w.clock.advance(1_000);
    const provider = providers[0]!.mesh.self;
    expect(outcome).toEqual({
      embedded: { vectors: TEXTS.map(vectorOf), promptTokens: 12, providers: [provider], cost: 0, price: 0 },
      error: null,
    });
    expect(w.server.filed.filter(({ filing }) => filing.proof.kind === 'receipt')).toHaveLength(2);
    expect(providers[0]!.statuses.at(-1)).toMatchObject({ answers: 1, tokens: 6, busySlots: 0 });
  });

  it('that are missing when a provider fails go to the next one, and no others do', async () => {
    const { w, embedders, providers, user } = await setUp(3);
    embedders[0]!.failAfter = { texts: 2, error: broken };
    embedders[1]!.failAfter = { texts: 0, error: broken };
    const outcome = ask(user);
    await w.clock.advance(1_000);
    expect(outcome.embedded?.vectors).toEqual(TEXTS.map(vectorOf));
    expect(outcome.embedded?.providers).toEqual([providers[0]!.mesh.self, providers[2]!.mesh.self]);
    expect(embedders.map(({ read }) => read)).toEqual([TEXTS.slice(0, 2), [], TEXTS.slice(2)]);
  });

  it('go on elsewhere when the power of their provider fails, and when it falls silent', async () => {
    const { w, embedders, providers, user } = await setUp(3);
    for (const embedder of embedders.slice(0, 2)) embedder.hold = new Promise(() => {});
    const outcome = ask(user);
    await w.clock.advance(1_000);
    w.powerFails(providers[0]!.mesh.self);
    await w.clock.advance(10_000);
    expect(outcome).toEqual({ embedded: null, error: null });
    await w.clock.advance(300_000);
    expect(outcome.embedded?.providers).toEqual([providers[2]!.mesh.self]);
  });

  it('are embedded while the control plane is away, without leave', async () => {
    const { w, user } = await setUp(1);
    const first = ask(user);
    await w.clock.advance(1_000);
    w.server.goAway();
    await w.clock.advance(2_000);
    const second = ask(user);
    await w.clock.advance(1_000);
    expect(second.embedded).toEqual(first.embedded);
    expect(w.server.filed.filter(({ by }) => by === user.self)).toHaveLength(1);
  });

  it('are given back after four failures in a row', async () => {
    const { w, embedders, user } = await setUp(3);
    let fail = () => {};
    const failing = new Promise<void>((_, reject) => (fail = () => reject(broken)));
    failing.catch(() => {});
    for (const embedder of embedders) embedder.hold = failing;
    const outcome = ask(user);
    await w.clock.advance(100);
    const late = [new ScriptedEmbedder(), new ScriptedEmbedder()];
    for (const embedder of late) await w.provide(embedder, 1, null, embedderAdvert);
    late[0]!.hold = failing;
    fail();
    await w.clock.advance(1_000);
    expect(outcome).toMatchObject({ embedded: null, error: broken });
    expect(late[1]!.read).toEqual([]);
  });

  it('are not computed any further when nobody wants them', async () => {
    const { w, embedders, providers, user } = await setUp(1);
    embedders[0]!.hold = new Promise(() => {});
    const abort = new AbortController();
    const outcome = ask(user, {}, abort.signal);
    await w.clock.advance(100);
    expect(providers[0]!.providing.status.busySlots).toBe(1);
    abort.abort();
    await w.clock.advance(100);
    expect(outcome.error?.code).toBe('cancelled');
    expect(providers[0]!.providing.status.busySlots).toBe(0);
  });

  it('in any number are tasks of a bounded size, each in its turn', async () => {
    const { w, embedders, user } = await setUp(1);
    const inputs = Array.from({ length: 150 }, (_, i) => String.fromCodePoint(97 + (i % 26)).repeat(i + 1));
    const turns: number[] = [];
    const outcome = ask(user, { inputs, turn: async () => () => turns.push(1) });
    await w.clock.advance(5_000);
    expect(outcome.error).toBeNull();
    expect(outcome.embedded?.vectors).toEqual(inputs.map(vectorOf));
    expect(outcome.embedded?.promptTokens).toBe(300);
    expect(embedders[0]!.read.toSorted()).toEqual(inputs.toSorted());
    expect(turns.length).toBeGreaterThanOrEqual(3);
  });

  it('that are blank, or longer than a message, are refused before anybody is asked', async () => {
    const { w, embedders, user } = await setUp(1);
    const blank = ask(user, { inputs: ['a', ' ', 'b'] });
    const long = ask(user, { inputs: ['a', 'x'.repeat(MAX_PROMPT_BYTES + 1)] });
    const none = ask(user, { inputs: [] });
    await w.clock.advance(1_000);
    expect([blank.error?.code, long.error?.code]).toEqual(['empty_prompt', 'prompt_too_long']);
    expect(none.embedded?.vectors).toEqual([]);
    expect(embedders[0]!.read).toEqual([]);
  });
});

describe('a provider', () => {
  it('that chats is not asked for vectors, nor one that embeds for an answer', async () => {
    const w = world.current;
    await w.provide(new ScriptedEngine(['a']));
    const vectors = ask(await w.join());
    await w.clock.advance(1_000);
    expect(vectors.error).toMatchObject({ code: 'no_provider', message: expect.stringContaining('vectors') });
    await Promise.all(w.meshes.map((mesh) => mesh.close()));
    world.current = new World();
    const { w: other, user } = await setUp(1);
    const chat = consume(user.ask(question(), never));
    await other.clock.advance(1_000);
    expect(chat.error?.code).toBe('no_provider');
  });

  it('refuses what its model is not made for, whatever the server says', async () => {
    const w = world.current;
    const chats = await w.provide(new ScriptedEngine(['a']));
    const offered = w.server.providers.get(chats.mesh.self)!;
    w.server.providers.set(chats.mesh.self, { ...offered, model: embedderAdvert });
    const vectors = ask(await w.join());
    await w.clock.advance(1_000);
    expect(vectors.error).toMatchObject({ code: 'unsupported', message: expect.stringContaining('vectors') });
    w.server.providers.clear();
    const embeds = await w.provide(new ScriptedEmbedder(), 1, null, embedderAdvert);
    w.server.providers.set(embeds.mesh.self, { ...offered, peerId: embeds.mesh.self });
    const chat = consume((await w.join()).ask(question(), never));
    await w.clock.advance(1_000);
    expect(chat.error).toMatchObject({ code: 'unsupported', message: expect.stringContaining('does not chat') });
  });

  it('whose vectors are not of its model is not believed', async () => {
    const w = world.current;
    await w.provide(new ScriptedEmbedder(), 1, null, { ...embedderAdvert, embeds: 3 });
    const other = await w.provide(new ScriptedEmbedder(), 1, null, embedderAdvert);
    const outcome = ask(await w.join());
    await w.clock.advance(1_000);
    expect(outcome.embedded?.providers).toEqual([other.mesh.self]);
  });

  it('that lends another model by the same name makes no vectors for the rest', async () => {
    const { w, embedders, user } = await setUp(1);
    embedders[0]!.failAfter = { texts: 2, error: broken };
    const other = new ScriptedEmbedder();
    other.embed = async function* () {
      for (const _ of TEXTS.slice(2)) yield { vector: Float32Array.of(1, 2, 3), promptTokens: 1 };
    };
    await w.provide(other, 1, null, { ...embedderAdvert, embeds: 3 });
    const outcome = ask(user);
    await w.clock.advance(1_000);
    expect(outcome.error).toMatchObject({ code: 'bad_message', message: expect.stringContaining('different models') });
  });

  it('that leaves some out is not believed either', async () => {
    const { w, embedders, providers, user } = await setUp(2);
    const { embed } = embedders[0]!;
    embedders[0]!.embed = (texts, signal) => embed.call(embedders[0], texts.slice(0, 2), signal);
    const outcome = ask(user);
    await w.clock.advance(1_000);
    expect(outcome.embedded?.vectors).toEqual(TEXTS.map(vectorOf));
    expect(outcome.embedded?.providers).toEqual(providers.map(({ mesh }) => mesh.self));
  });
});

it('a part has at most 64 texts and what fits into a message', () => {
  const sizes = (inputs: string[]) => partsOf(inputs).map((part) => part.length);
  expect(sizes([])).toEqual([]);
  expect(sizes(Array.from({ length: 130 }, () => 'a'))).toEqual([64, 64, 2]);
  const half = 'x'.repeat(MAX_PROMPT_BYTES / 2);
  expect(sizes([half, half, 'a', half, half + half + half, 'b'])).toEqual([2, 2, 1, 1]);
  expect(partsOf(['a', 'b'])).toEqual([['a', 'b']]);
});
