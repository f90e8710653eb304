/**
 * An answer whose values are looked at once they are whole. Where one is wrong, the model is told what, and asked once more;
 * what it answers then is given out as it is.
 */
import type { Turn } from '@llmesh/core/protocol';
import type { ContainedProcess } from '../../contained/contained-process.ts';
import type { Ending } from './answer.ts';
import type { ChoiceEvent } from './choice-event.ts';
import type { Wanted } from '../request/answer-form.ts';
import { faultsOf, type Faults, type WholeAnswer } from './wanted-values.ts';

export interface RightAnswerNeeds {
  wanted: Wanted;
  /** Asks, with these turns behind those of the question. */
  ask: (more: readonly Turn[]) => AsyncIterable<ChoiceEvent>;
  checker: Pick<ContainedProcess, 'run'>;
}

/** The events of one choice. What is to be looked at is held back, and comes in one go; everything else comes as it is written. */
export async function* rightAnswer({
  wanted,
  ask,
  checker,
}: RightAnswerNeeds): AsyncGenerator<ChoiceEvent, void, undefined> {
  if (wanted.said === null && wanted.calls.size === 0) {
    yield* ask([]);
    return;
  }
  const first = new Attempt(wanted, false);
  yield* first.read(ask([]));
  const { ending } = first;
  if (ending === null) return;
  // One that was cut is as whole as it gets.
  const faults = ending.ending.finish === 'length' ? null : await faultsOf(wanted, first.answer, checker);
  if (faults === null) {
    yield* first.held;
    yield ending;
    return;
  }
  const second = new Attempt(wanted, first.hasSpoken);
  yield* second.read(ask(reproach(first.answer, faults)));
  yield* second.held;
  if (second.ending !== null) yield { ...second.ending, ending: together(ending.ending, second.ending.ending) };
}

type End = Extract<ChoiceEvent, { type: 'end' }>;

class Attempt {
  readonly answer = { text: '', calls: [] as { id: string; name: string; arguments: string }[] };
  readonly held: ChoiceEvent[] = [];
  ending: End | null = null;
  /** Words were let out that cannot be taken back. */
  hasSpoken = false;
  readonly #wanted: Wanted;
  /** Words were let out before: these ones say the same again. */
  readonly #isAgain: boolean;

  constructor(wanted: Wanted, isAgain: boolean) {
    this.#wanted = wanted;
    this.#isAgain = isAgain;
  }

  /** Lets through what need not be looked at. */
  async *read(events: AsyncIterable<ChoiceEvent>): AsyncGenerator<ChoiceEvent, void, undefined> {
    for await (const event of events) {
      this.#note(event);
      if (event.type === 'end') this.ending = event;
      else if (event.type === 'thought' || (event.type === 'text' && this.#wanted.said === null)) {
        if (this.#isAgain) continue;
        this.hasSpoken = true;
        yield event;
      } else this.held.push(event);
    }
  }

  #note(event: ChoiceEvent): void {
    if (event.type === 'text') this.answer.text += event.text;
    else if (event.type === 'call') this.answer.calls.push({ id: event.id, name: event.name, arguments: '' });
    else if (event.type === 'arguments') this.answer.calls[event.call]!.arguments += event.text;
  }
}

/** The wrong answer, and what is wrong with it. */
function reproach({ text, calls }: WholeAnswer, { said, calls: faults }: Faults): Turn[] {
  if (calls.length === 0) {
    return [
      { role: 'assistant', content: text },
      { role: 'user', content: `That does not follow the JSON schema:\n${said}\nAnswer again, with all of it right.` },
    ];
  }
  const results = calls.map(({ id, name }): Turn => {
    const fault = faults.get(id);
    const content =
      fault === undefined
        ? 'This was not called, as another call was wrong. Call it again.'
        : `This was not called: the arguments do not follow their JSON schema.\n${fault}\nCall it again, with right arguments.`;
    return { role: 'tool', content, call: { id, name } };
  });
  return [{ role: 'assistant', content: text, calls: calls.map((call) => ({ ...call })) }, ...results];
}

/** Both were written, and the last one counts. */
function together(first: Ending, last: Ending): Ending {
  const sum = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : a + b);
  return {
    ...last,
    providers: [...first.providers, ...last.providers],
    promptTokens: sum(first.promptTokens, last.promptTokens),
    completionTokens: first.completionTokens + last.completionTokens,
    cost: first.cost + last.cost,
    reasoningTokens: first.reasoningTokens + last.reasoningTokens,
  };
}
