/** What web-llm reads before it answers, in tokens: the same whether it still has a conversation in its cache or reads it anew. */
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import type { PlainTurn } from '@llmesh/core/syntax/plain-turns';
import type { MlcInput, MlcPipeline } from './mlc-pipeline.ts';
import { mlcPrompt, type MlcTemplate } from './mlc-prompt.ts';
import { mlcTurns } from './mlc-turns.ts';
import { promptTooLong } from './web-llm-errors.ts';

export interface MlcPromptIds {
  /** Of the turns, with words of the answer that they end in. */
  turns: number[];
  /** Of what was delivered of the answer. */
  prefix: number[];
}

/** In a chat, web-llm tokenizes each part for itself; an answer begins where a token does. */
export function promptIds(
  pipeline: MlcPipeline,
  template: MlcTemplate,
  { turns, prefix }: Pick<GenerateRequest, 'turns' | 'prefix'>,
): MlcPromptIds {
  const { asked, begun } = mlcTurns(turns);
  const parts = mlcPrompt(template, asked).flatMap((part) => idsOf(pipeline, part));
  return { turns: [...parts, ...idsOf(pipeline, begun)], prefix: idsOf(pipeline, prefix?.text ?? '') };
}

/** The next answer is to these tokens. Throws prompt_too_long once web-llm asks for them. */
export function readThese(pipeline: MlcPipeline, ids: number[]): void {
  pipeline.getInputData = async () => {
    const { contextWindowSize } = pipeline;
    if (contextWindowSize !== -1 && ids.length > contextWindowSize) throw promptTooLong();
    return [[ids], ids.length, () => 0];
  };
}

/** The next answer is to what web-llm makes of the chat; where it goes on from its cache, `between` is read first. */
export function readChat(pipeline: MlcPipeline, between: readonly number[]): void {
  Reflect.deleteProperty(pipeline, 'getInputData');
  const usual = pipeline.getInputData.bind(pipeline);
  pipeline.getInputData = async () => {
    const input = await usual();
    return pipeline.filledKVCacheLength === 0 ? input : withBefore(input, between);
  };
}

function withBefore([[first = [], ...rest], count, sizeOf]: MlcInput, before: readonly number[]): MlcInput {
  return [[[...before, ...first], ...rest], count + before.length, sizeOf];
}

/**
 * What a later turn finds behind the answer that was just written, and web-llm leaves out when it goes on from its cache. Null:
 * read anew, the answer is cut into other tokens, so that nobody could repeat what comes of its cache.
 */
export function betweenTurns(
  pipeline: MlcPipeline,
  template: MlcTemplate,
  asked: readonly PlainTurn[],
  answer: string,
): number[] | null {
  const next: PlainTurn[] = [...asked, { role: 'assistant', content: answer }, { role: 'user', content: '' }];
  const [written = '', header = ''] = [mlcPrompt(template, next).at(-3), mlcPrompt(template, asked).at(-1)];
  const before = [...idsOf(pipeline, header), ...pipeline.outputIds];
  const anew = idsOf(pipeline, written);
  return before.every((id, i) => anew[i] === id) ? anew.slice(before.length) : null;
}

function idsOf({ tokenizer }: MlcPipeline, text: string): number[] {
  return text === '' ? [] : Array.from(tokenizer.encode(text));
}
