/**
 * What the functions of a question ask of its answer. Strangers write their schemas, and lowering those to what can be
 * enforced may take a second, in which this program would do nothing else: so long lists are worked off where that can be ended.
 */
import { untilAborted } from '@llmesh/core/base/abort';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import { MeshError } from '@llmesh/core/base/errors';
import { grammarText } from '@llmesh/core/form/grammar';
import type { Tools } from '@llmesh/core/protocol';
import { callGrammar, type CallFrame } from '@llmesh/core/syntax/call-grammar';
import { genericForm, type GenericForm } from '@llmesh/core/syntax/generic-form';
import type { Tool } from '@llmesh/core/syntax/tools';
import { ContainedFailure, type ContainedProcess } from './contained-process.ts';
import type { Job } from './jobs.ts';

/** A shorter list takes some milliseconds, less than to ask another process. */
const SHORT_CHARS = 4_096;
/** Agents offer the same functions at each turn. */
const MAX_REMEMBERED = 16;

type FunctionJob = Extract<Job, { kind: 'generic' | 'calls' }>;

export class FunctionForms {
  readonly #process: Pick<ContainedProcess, 'run'>;
  readonly #known = new BoundedMap<string, Promise<readonly string[]>>(MAX_REMEMBERED);

  constructor(process: Pick<ContainedProcess, 'run'>) {
    this.#process = process;
  }

  /** The generic form. Rejects with bad_schema, busy, or cancelled. */
  async generic(tools: Tools, said: string | undefined, signal: AbortSignal): Promise<GenericForm> {
    if (tools.list.length <= SHORT_CHARS) return genericForm(tools, said);
    const [system = '', schema = ''] = await this.#run({ kind: 'generic', tools, said: said ?? null }, signal);
    return { system, schema };
  }

  /** The grammar of one call in a model's own dialect. Rejects with bad_schema, busy, or cancelled. */
  async calls(frame: CallFrame, tools: readonly Tool[], signal: AbortSignal): Promise<string> {
    if (JSON.stringify(tools).length <= SHORT_CHARS) return grammarText(callGrammar(frame, tools));
    const [grammar = ''] = await this.#run({ kind: 'calls', frame, tools }, signal);
    return grammar;
  }

  #run(job: FunctionJob, signal: AbortSignal): Promise<readonly string[]> {
    const key = JSON.stringify(job);
    const known = this.#known.get(key) ?? this.#start(key, job);
    this.#known.set(key, known);
    return untilAborted(known, signal);
  }

  #start(key: string, job: FunctionJob): Promise<readonly string[]> {
    return this.#process.run(job).catch((thrown: unknown) => {
      const error = refusalOf(thrown);
      // The computer's own trouble may pass.
      if (error.code !== 'bad_schema') this.#known.delete(key);
      throw error;
    });
  }
}

function refusalOf(cause: unknown): MeshError {
  if (cause instanceof MeshError) return cause;
  if (cause instanceof ContainedFailure && (cause.why === 'too_much' || cause.why === 'crashed')) {
    const message = 'These functions ask for more than can be enforced. Offer fewer, or simpler ones.';
    return new MeshError('bad_schema', message, { cause });
  }
  return new MeshError('busy', 'This volunteer could not read the functions in time. Ask again, or ask another.', {
    cause,
  });
}
