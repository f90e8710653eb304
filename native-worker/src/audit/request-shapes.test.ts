import { describe, expect, it } from 'vitest';
import type { PeerId } from '@llmesh/core/base/ids';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import type { Turn } from '@llmesh/core/protocol';
import { People, requestsOf, servedBy } from '../testing/people.ts';
import { trained } from '../testing/stumps.ts';
import { RequestShapes, type ConversationShape } from './request-shapes.ts';

const never = new AbortController().signal;
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
  const MESHES = 16;
  const WORKERS = 60;
  const EACH = 40;

  /** What providers see of people, and of the test questions of workers that have served such people. */
  async function meshOf(seed: number): Promise<{ real: number[][]; shadow: number[][] }> {
    const people = new People(seed);
    const real = Array.from({ length: WORKERS * EACH }, () => seen(people.conversation(), people)).flat();
    const shadow: number[][] = [];
    for (let no = 0; no < WORKERS; no += 1) {
      const shapes = await servedBy(people);
      for (let i = 0; i < EACH; i += 1) shadow.push(...seen(shapes.draw(people.random)!, people));
    }
    return { real, shadow };
  }

  it('withstand shadow-prompt spotting: they cannot be told from those of people by one who sees sizes, times, turns and settings', async () => {
    const meshes = [];
    for (let seed = 1; seed <= MESHES; seed += 1) meshes.push(await meshOf(seed));
    const shares = meshes.map(({ real, shadow }) => recognised(real, shadow));
    // Of one mesh alone it is 0.50 to 0.53, as chance has it.
    expect(shares.reduce((sum, one) => sum + one, 0) / MESHES).toBeLessThan(0.52);
    // The same classifier finds what is only a little wrong.
    const { real, shadow } = meshes[0]!;
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
