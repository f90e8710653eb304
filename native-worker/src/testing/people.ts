/** For tests: what people ask of a worker, as far as anybody sees who does not read it. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import type { Sampling, Turn } from '@llmesh/core/protocol';
import { mulberry32 } from '@llmesh/core/testing/mulberry32';
import { RequestShapes, type ConversationShape } from '../audit/request-shapes.ts';

const never = new AbortController().signal;

/** What people ask, as far as anybody sees: made up, but with all that differs between people. */
export class People {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = mulberry32(seed);
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
export function requestsOf(
  { before, asked, sampling, maxTokens }: ConversationShape,
  people: People,
  requester: PeerId,
) {
  const turn = (role: Turn['role'], chars: number): Turn => ({ role, content: 'x'.repeat(chars) });
  const turns = before.map(({ role, chars }) => turn(role, chars));
  return asked.map(({ chars, waitMs }) => {
    turns.push(turn('user', chars));
    const request: GenerateRequest = { turns: [...turns], sampling, maxTokens, requester };
    turns.push(turn('assistant', people.answer()));
    return { request, waitMs };
  });
}

/** A worker that has served such people for a while. */
export async function servedBy(people: People): Promise<RequestShapes> {
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
