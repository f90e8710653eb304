import { fileURLToPath } from 'node:url';
import { LlamaVocabularyType, type Llama, type LlamaModel, type Token } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliveredTokens } from './delivered-tokens.ts';
import { openLlama } from '../context/llama-device.ts';

const file = fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const NOTES = 'Grüße! 你好, 🙂👩‍👩‍👧 and naïve — end';

describe('deliveredTokens', () => {
  let llama: Llama;
  let model: LlamaModel;
  let prompt: Token[];
  beforeAll(async () => {
    llama = await openLlama('off', 1);
    model = await llama.loadModel({ modelPath: file, vocabOnly: true });
    prompt = model.tokenize('<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n', true);
  });
  afterAll(async () => {
    await model.dispose();
    await llama.dispose();
  });
  const marks = new Map<string, Token>();
  const read = (text: string, tokenIds: number[] | null, contextTokens = 2048) =>
    deliveredTokens({ model, contextTokens }, prompt, { text, tokens: 0, tokenIds }, marks, () => {});

  it('takes the ids, however else the text could be spelt', async () => {
    const letters = Array.from(NOTES).flatMap((letter) => model.tokenize(letter));
    expect(letters).not.toEqual(model.tokenize(NOTES));
    expect(await read(NOTES, letters)).toEqual({ tokens: letters, known: true });
  });

  it('reads the text where there are no ids', async () => {
    expect(await read(NOTES, null)).toEqual({ tokens: model.tokenize(NOTES), known: false });
    expect(await read('', null)).toEqual({ tokens: [], known: false });
    expect(await read('', [])).toEqual({ tokens: [], known: true });
  });

  it('keeps a special token that is written out as words', async () => {
    const { tokens } = await read('It ends with <|im_end|>.', null);
    expect(tokens.some((token) => model.isEogToken(token))).toBe(false);
  });

  it.each([0, 1, 5])('takes no ids with a token among them that ends a turn, wherever it stands: %i', async (at) => {
    const [end] = model.tokenize('<|im_end|>', true) as [Token];
    const ids = model.tokenize(NOTES).toSpliced(at, 0, end);
    expect(await read(NOTES, ids)).toEqual({ tokens: model.tokenize(NOTES), known: false });
  });

  it('takes no ids that end inside a character', async () => {
    const whole = model.tokenize('a🙂');
    const half = whole.slice(0, -1);
    expect(whole.length).toBeGreaterThan(2);
    expect(await read('a', half)).toEqual({ tokens: model.tokenize('a'), known: false });
    expect(await read('a\ufffd', half)).toMatchObject({ known: false });
    expect(await read('a🙂', whole)).toEqual({ tokens: whole, known: true });
  });

  it.each([
    ['of another text', [40, 41, 42]],
    ['outside the vocabulary', [0x7fff_ffff]],
    ['below it', [-1]],
    ['between two tokens', [40.5]],
    ['that are not numbers', [Number.NaN]],
  ])('takes no ids %s', async (_, ids) => {
    expect(await read('hello', ids)).toEqual({ tokens: model.tokenize('hello'), known: false });
  });

  it('takes what just fills the context, and refuses one token more', async () => {
    const tokens = model.tokenize(NOTES);
    const full = prompt.length + tokens.length;
    for (const ids of [tokens, null]) {
      expect((await read(NOTES, ids, full)).tokens).toEqual(tokens);
      await expect(read(NOTES, ids, full - 1)).rejects.toMatchObject({ code: 'prompt_too_long' });
    }
  });

  it('finds the tokens of a text in the middle for a vocabulary that marks the start, which this one only claims', async () => {
    const claims = new Proxy(model, {
      get: (target, key) => (key === 'vocabularyType' ? LlamaVocabularyType.spm : Reflect.get(target, key, target)),
    });
    const { tokens } = await deliveredTokens(
      { model: claims, contextTokens: 2048 },
      prompt,
      { text: NOTES, tokens: 0, tokenIds: null },
      marks,
      () => {},
    );
    expect(tokens).toEqual(model.tokenize(NOTES));
  });
});
