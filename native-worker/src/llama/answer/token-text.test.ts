import { fileURLToPath } from 'node:url';
import type { Llama, LlamaModel } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLlama } from '../context/llama-device.ts';
import { TokenText } from './token-text.ts';

const file = fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url));

describe('TokenText', () => {
  let llama: Llama;
  let model: LlamaModel;
  beforeAll(async () => {
    llama = await openLlama('off', 1);
    model = await llama.loadModel({ modelPath: file, vocabOnly: true });
  });
  afterAll(async () => {
    await model.dispose();
    await llama.dispose();
  });

  it('puts characters together that are spread over several tokens', () => {
    const text = 'Grüße! 你好, 🙂👩‍👩‍👧 and naïve — end';
    const tokens = model.tokenize(text);
    const reader = new TokenText(model, []);
    const pieces = tokens.map((token) => reader.push(token)).filter((piece) => piece !== null);
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    for (const piece of pieces) expect(piece.text).not.toContain('\ufffd');
    expect(pieces.flatMap((piece) => piece.tokenIds)).toEqual(tokens);
    expect(pieces.length).toBeLessThan(tokens.length);
    expect(reader.end()).toBeNull();
  });

  it('leaves out the half of a character at the end', () => {
    const reader = new TokenText(model, []);
    const tokens = model.tokenize('🙂');
    expect(tokens.length).toBeGreaterThan(1);
    for (const token of tokens.slice(0, -1)) expect(reader.push(token)).toBeNull();
    expect(reader.end()).toBeNull();
  });

  it('does not wait for ever for the rest of bytes that are wrong', () => {
    const reader = new TokenText(model, []);
    const half = model.tokenize('🙂')[0];
    if (half === undefined) throw new Error('no token');
    const pieces = Array.from({ length: 20 }, () => reader.push(half)).filter((piece) => piece !== null);
    expect(pieces.length).toBe(2);
  });

  it('gives no piece for tokens without a text', () => {
    const reader = new TokenText(model, []);
    const [special] = model.tokenize('<|im_start|>', true);
    if (special === undefined) throw new Error('no token');
    expect(reader.push(special)).toBeNull();
    const [word] = model.tokenize('a');
    if (word === undefined) throw new Error('no token');
    expect(reader.push(word)).toMatchObject({ text: 'a', tokens: 2 });
  });
});
