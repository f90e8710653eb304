/** What another provider delivered of an answer, as the tokens that the model would have written. */
import { LlamaVocabularyType, type LlamaModel, type Token } from 'node-llama-cpp';
import type { AnswerPrefix } from '@llmesh/core/engine/engine';
import { MeshError } from '@llmesh/core/base/errors';
import { firstMark } from '@llmesh/core/syntax/marks';
import { tokensOf, type PromptReader } from './prompt-tokens.ts';
import { MAX_HELD, TokenText } from './token-text.ts';

export interface Delivered {
  tokens: Token[];
  /** Whether they are the very ids that were delivered, and not the text tokenised again. */
  known: boolean;
}

/**
 * `prefix` behind `prompt`. Ids that this model spells otherwise are of another file, or a stranger's invention: then
 * the text counts, as without ids. `check` throws when nobody waits any more. Throws prompt_too_long.
 */
export async function deliveredTokens(
  { model, contextTokens }: Pick<PromptReader, 'model' | 'contextTokens'>,
  prompt: readonly Token[],
  prefix: AnswerPrefix,
  marks: ReadonlyMap<string, Token>,
  check: () => void,
): Promise<Delivered> {
  const marked = new Set(marks.values());
  const room = contextTokens - prompt.length;
  if (prefix.tokenIds !== null && prefix.tokenIds.length <= room) {
    const tokens = vocabulary(model, prefix.tokenIds);
    const words = tokens?.every((token) => marked.has(token) || isWord(model, token)) === true;
    if (words && spells(model, prompt, tokens, prefix.text, marked)) return { tokens, known: true };
  }
  const tokens = await tokensOf(prefix.text, room, (text) => tokenizeMarked(model, text, marks), check);
  if (typeof tokens === 'number' || tokens.length > room) {
    throw new MeshError(
      'prompt_too_long',
      'This conversation and the answer so far are longer than the model can hold here. Ask a model with more context.',
    );
  }
  return { tokens, known: false };
}

/** null when an id is not in the vocabulary: llama.cpp would end the process. */
function vocabulary(model: LlamaModel, ids: readonly number[]): Token[] | null {
  const size = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  return ids.every((id) => Number.isInteger(id) && id >= 0 && id < size) ? (ids as Token[]) : null;
}

/**
 * Tokens that end a turn, or begin one, have no text: among ids they would be read as the template's own, by a model that
 * takes them for the next turn of the conversation. No engine sends them as words of its answer.
 */
function isWord(model: LlamaModel, token: Token): boolean {
  const { control, unknown, unused, undefined: none } = model.getTokenAttributes(token);
  return !(control || unknown || unused || none || model.isEogToken(token));
}

/** Whether these tokens would have come as pieces with this text, the last one complete. */
function spells(
  model: LlamaModel,
  prompt: readonly Token[],
  tokens: readonly Token[],
  text: string,
  marks: ReadonlySet<Token>,
): boolean {
  const reader = new TokenText(model, prompt, marks);
  let at = 0;
  let spelt = 0;
  for (const token of tokens) {
    const piece = reader.push(token);
    if (piece === null) continue;
    // Other tokens may lack a text, too, but not several in a row.
    if (piece.tokens > MAX_HELD || !text.startsWith(piece.text, at)) return false;
    at += piece.text.length;
    spelt += piece.tokens;
  }
  return at === text.length && spelt === tokens.length;
}

/** Marks of the model's syntax are the tokens that the model would have written. */
export function tokenizeMarked(model: LlamaModel, text: string, marks: ReadonlyMap<string, Token>): Token[] {
  const tokens: Token[] = [];
  for (let rest = text; rest !== '';) {
    const found = firstMark(rest, [...marks.keys()]);
    const before = rest.slice(0, found?.at);
    if (before !== '') tokens.push(...tokenizeWithin(model, before));
    if (found === null) break;
    tokens.push(marks.get(found.mark)!);
    rest = rest.slice(found.at + found.mark.length);
  }
  return tokens;
}

/** Text from the middle of an answer. Other special tokens stay words: a model that wrote them would have ended. */
export function tokenizeWithin(model: LlamaModel, text: string): Token[] {
  if (model.vocabularyType === LlamaVocabularyType.bpe) return model.tokenize(text);
  // These vocabularies put a space before the start of a text; nothing merges with a line break before it.
  const anchor = model.tokenize('\n');
  const tokens = model.tokenize(`\n${text}`);
  return anchor.every((token, i) => tokens[i] === token) ? tokens.slice(anchor.length) : model.tokenize(text);
}
