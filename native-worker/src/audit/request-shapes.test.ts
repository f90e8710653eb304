import { describe, expect, it } from 'vitest';
import type { PeerId } from '@llmesh/core/base/ids';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import type { Sampling, Turn } from '@llmesh/core/protocol';
import { trained } from '../testing/stumps.ts';
import { RequestShapes, type ConversationShape } from './request-shapes.ts';

const never = new AbortController().signal;
/** https://en.wikipedia.org/wiki/Lehmer_random_number_generator */
function lehmer(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 0x7fff_ffff) / 0x7fff_ffff;
}

/** What people ask, as far as anybody sees: made up, but with all that differs between people. */
class People {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = lehmer(seed);
  }

  conversation(): ConversationShape {
    const { random } = this;
    const chars = () => this.#logNormal(90, 1.1);
    const more = Array.from({ length: this.#geometric(0.45) }, () => ({
      chars: chars(),
      waitMs: this.#logNormal(25_000, 0.9),
    }));
    const samplings: Sampling[] = [{}, {}, {}, { temperature: 0.2 }, { temperature: 1, topP: 0.9 }];
    return {
      before: random() < 0.25 ? [{ role: 'system', chars: this.#logNormal(300, 0.5) }] : [],
      asked: [{ chars: chars(), waitMs: 0 }, ...more],
      sampling: samplings[Math.floor(random() * samplings.length)]!,
      maxTokens: random() < 0.8 ? 1024 : 4096,
    };
  }

  answer(): number {
    return this.#logNormal(700, 0.8);
  }

  #geometric(share: number): number {
    let count = 0;
    while (this.random() < share) count += 1;
    return count;
  }

  #logNormal(median: number, sd: number): number {
    const normal = Math.sqrt(-2 * Math.log(this.random())) * Math.cos(2 * Math.PI * this.random());
    return Math.max(1, Math.round(median * Math.exp(sd * normal)));
  }
}

/** The turns of each request of such a conversation. */
function requestsOf({ before, asked, sampling, maxTokens }: ConversationShape, people: People, requester: PeerId) {
  const turn = (role: Turn['role'], chars: number): Turn => ({ role, content: 'x'.repeat(chars) });
  const turns = before.map(({ role, chars }) => turn(role, chars));
  return asked.map(({ chars, waitMs }) => {
    turns.push(turn('user', chars));
    const request: GenerateRequest = { turns: [...turns], sampling, maxTokens, requester };
    turns.push(turn('assistant', people.answer()));
    return { request, waitMs };
  });
}

/** All that a provider sees of each request, as numbers. */
function seen(shape: ConversationShape, people: People): number[][] {
  return requestsOf(shape, people, 'one' as PeerId).map(({ request, waitMs }, asked) => {
    const { turns, sampling, maxTokens } = request;
    const chars = turns.map(({ content }) => content.length);
    const whole = chars.reduce((sum, one) => sum + one, 0);
    const system = turns[0]?.role === 'system' ? (chars[0] ?? 0) : 0;
    return [
      whole,
      chars.at(-1) ?? 0,
      turns.length,
      asked,
      waitMs,
      system,
      sampling.temperature ?? -1,
      sampling.topP ?? -1,
      maxTokens,
    ];
  });
}

/** A worker that has served such people for a while. */
async function worker(people: People): Promise<RequestShapes> {
  let now = 0;
  const shapes = new RequestShapes({ now: () => now });
  const generate = shapes.watching(async function* () {
    yield { text: '.', tokens: 1 };
    return { finish: 'stop', promptTokens: 1, completionTokens: 1 };
  });
  for (let no = 0; no < 60; no += 1) {
    for (const { request, waitMs } of requestsOf(people.conversation(), people, `${no}` as PeerId)) {
      now += waitMs;
      for await (const _ of generate(request, never));
    }
  }
  now += 3_600_000;
  return shapes;
}

/** The share of requests that are taken for what they are by one who has seen as many of both kinds before. */
function recognised(real: readonly number[][], shadow: readonly number[][]): number {
  const count = Math.min(real.length, shadow.length);
  const rows = [...real.slice(0, count), ...shadow.slice(0, count)];
  const kinds = rows.map((_, i) => i >= count);
  const isForTraining = (i: number) => i % 2 === 0;
  const tell = trained(
    rows.filter((_, i) => isForTraining(i)),
    kinds.filter((_, i) => isForTraining(i)),
  );
  const tested = rows.map((row, i) => ({ row, i })).filter(({ i }) => !isForTraining(i));
  return tested.filter(({ row, i }) => tell(row) === kinds[i]).length / tested.length;
}

describe('test questions', () => {
  const WORKERS = 60;
  const EACH = 40;

  it('withstand shadow-prompt spotting: they cannot be told from those of people by one who sees sizes, times, turns and settings', async () => {
    const people = new People(11);
    const real = Array.from({ length: WORKERS * EACH }, () => seen(people.conversation(), people)).flat();
    const shadow: number[][] = [];
    for (let no = 0; no < WORKERS; no += 1) {
      const shapes = await worker(people);
      for (let i = 0; i < EACH; i += 1) shadow.push(...seen(shapes.draw(people.random)!, people));
    }
    expect(recognised(real, shadow)).toBeLessThan(0.52);
    // The same classifier finds what is only a little wrong.
    const single = shadow.filter(([, , , asked]) => asked === 0);
    expect(recognised(real, single)).toBeGreaterThan(0.55);
    const shorter = shadow.map(([whole = 0, last = 0, ...rest]) => [whole * 0.8, last * 0.6, ...rest]);
    expect(recognised(real, shorter)).toBeGreaterThan(0.55);
  });

  it('have no shape while there are too few to hide among, and never one with functions or a form', async () => {
    const shapes = new RequestShapes({ now: () => 0 });
    const generate = shapes.watching(async function* () {
      yield { text: '.', tokens: 1 };
      return { finish: 'stop', promptTokens: 1, completionTokens: 1 };
    });
    const ask = async (no: number, more: Partial<GenerateRequest> = {}) => {
      const turns: Turn[] = [{ role: 'user', content: 'y'.repeat(100) }];
      const request = { turns, sampling: {}, maxTokens: 8, requester: `${no}` as PeerId, ...more };
      for await (const _ of generate(request, never));
    };
    // Each begins anew, which ends the one before.
    for (let no = 0; no < 19; no += 1) for (let i = 0; i < 2; i += 1) await ask(no);
    for (let i = 0; i < 4; i += 1) await ask(99, { tools: { list: '[]', choice: 'auto', parallel: false } });
    expect(shapes.draw(Math.random)).toBeNull();
    for (let i = 0; i < 2; i += 1) await ask(50);
    const drawn = shapes.draw(Math.random);
    expect(drawn).toMatchObject({ before: [], sampling: {}, maxTokens: 8 });
    expect(drawn!.asked[0].chars).toBeGreaterThanOrEqual(96);
    expect(drawn!.asked[0].chars).toBeLessThanOrEqual(104);
  });
});
