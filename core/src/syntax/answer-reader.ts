/** Reads an answer in the syntax of its model: what it thought, what it says, and which functions it calls. */
import type { AnswerPart, PartReader } from './answer-part.ts';
import { CallsReader } from './calls-reader.ts';
import { DIALECTS, THOUGHTS } from './dialects.ts';
import { GenericReader } from './generic-reader.ts';
import { HarmonyReader } from './harmony-reader.ts';
import type { Syntax } from './syntaxes.ts';
import { ThoughtsReader } from './thoughts-reader.ts';
import type { Tool } from './tools.ts';

export class AnswerReader implements PartReader {
  readonly #thoughts: ThoughtsReader;
  readonly #spoken: PartReader;

  /** `tools`: those that the question offers. */
  constructor({ calls, thoughts, begun }: Syntax, tools: readonly Tool[] = []) {
    this.#thoughts = new ThoughtsReader(thoughts === null ? null : THOUGHTS[thoughts], begun);
    this.#spoken = spokenReader(calls, tools);
  }

  get isThinking(): boolean {
    return this.#thoughts.isThinking || (this.#thoughts.isOver && this.#spoken.isThinking);
  }

  push(text: string): AnswerPart[] {
    const { thought, rest } = this.#thoughts.push(text);
    const parts: AnswerPart[] = thought === '' ? [] : [{ type: 'thought', text: thought }];
    return rest === '' ? parts : [...parts, ...this.#spoken.push(rest)];
  }

  end(): AnswerPart[] {
    const { thought, rest } = this.#thoughts.end();
    const parts: AnswerPart[] = thought === '' ? [] : [{ type: 'thought', text: thought }];
    return [...parts, ...this.#spoken.push(rest), ...this.#spoken.end()];
  }
}

function spokenReader(calls: Syntax['calls'], tools: readonly Tool[]): PartReader {
  switch (calls) {
    case 'none':
      return SAYS_ALL;
    case 'generic':
      return new GenericReader();
    case 'harmony':
      return new HarmonyReader(tools);
    default:
      return new CallsReader(DIALECTS[calls], tools);
  }
}

const SAYS_ALL: PartReader = {
  isThinking: false,
  push: (text) => (text === '' ? [] : [{ type: 'said', text }]),
  end: () => [],
};
