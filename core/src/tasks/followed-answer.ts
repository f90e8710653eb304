/** What an answer has to follow, whoever writes it: the form of what is said, or that of the generic syntax. */
import { MeshError } from '../base/errors.ts';
import { FollowedForm } from '../form/followed-form.ts';
import { genericForm } from '../syntax/generic-form.ts';
import type { Syntax } from '../syntax/syntaxes.ts';
import { toolsOf, type Tool } from '../syntax/tools.ts';
import type { AnswerInput } from './answer-messages.ts';

type Asked = Pick<AnswerInput, 'schema' | 'tools'>;

export class FollowedAnswer {
  /** The functions that may be called. */
  readonly tools: readonly Tool[];
  /** It has to call a function. */
  readonly mustCall: boolean;
  readonly #asked: Asked;
  readonly #said: FollowedForm | null;
  #generic: FollowedForm | null = null;

  /** Throws bad_schema. */
  constructor({ schema, tools }: Asked) {
    this.#asked = { schema, tools };
    this.tools = tools === undefined ? [] : toolsOf(tools);
    this.mustCall = tools !== undefined && tools.choice !== 'auto';
    this.#said = schema === undefined ? null : new FollowedForm(schema);
  }

  /**
   * The form of what comes behind the thoughts; null: it is free. Throws bad_message where a provider may not write in this
   * syntax, and bad_schema.
   */
  formIn({ calls }: Syntax): FollowedForm | null {
    const { schema, tools } = this.#asked;
    if (calls === 'none') {
      if (tools !== undefined) throw otherwise('The volunteer sent an answer that cannot call functions.');
      return this.#said;
    }
    if (calls === 'generic') {
      if (tools === undefined) throw otherwise('The volunteer sent an answer in a form that was not asked for.');
      this.#generic ??= new FollowedForm(genericForm(tools, schema).schema);
      return this.#generic;
    }
    const mayCall = tools !== undefined || calls === 'harmony';
    if (!mayCall || schema !== undefined)
      throw otherwise('The volunteer sent an answer in a form that was not asked for.');
    return null;
  }
}

function otherwise(message: string): MeshError {
  return new MeshError('bad_message', message);
}
