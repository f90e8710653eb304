import { fileURLToPath } from 'node:url';
import type { LlamaModel } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Turn } from '@llmesh/core/protocol';
import { rendersHere } from './chat-renderer.ts';
import { openLlama } from '../context/llama-device.ts';
import { promptTokens } from './prompt-tokens.ts';
import { CHATML_TEMPLATE } from '@llmesh/core/engine/chat-template';

const file = fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const system: Turn = { role: 'system', content: 'Answer in short and kind sentences. '.repeat(8) };
/** Some models have no system role: their templates put the prompt before the user's first words. */
const FOLDING_TEMPLATE =
  "{% if messages[0].role == 'system' %}{% set lead = messages[0].content + '\\n' %}{% else %}{% set lead = '' %}{% endif %}" +
  "{% for m in messages if m.role != 'system' %}<|im_start|>{{ m.role }}\\n{{ (lead if loop.first else '') + m.content }}<|im_end|>\\n{% endfor %}";

describe('promptTokens', () => {
  let model: LlamaModel;
  beforeAll(async () => {
    const llama = await openLlama('off', 1);
    model = await llama.loadModel({ modelPath: file, vocabOnly: true });
  });
  afterAll(() => model.llama.dispose());

  const read = async (template: string, ...turns: Turn[]) => {
    const { tokens, open } = await promptTokens(
      { model, chat: rendersHere(template, { bos: '', eos: '' }), contextTokens: 4096 },
      { turns },
      false,
      32,
      () => {},
    );
    return {
      open,
      openText: model.detokenize(tokens.slice(0, open), true),
      rest: model.detokenize(tokens.slice(open), true),
    };
  };

  it.each([
    ['a role of its own', CHATML_TEMPLATE],
    ['a place before the first words', FOLDING_TEMPLATE],
  ])('calls the system prompt open and no word of the user, with %s', async (_, template) => {
    for (const content of ['My name is Ada.', '?or!', '!or?', '  spaces', system.content]) {
      const { openText, rest } = await read(template, system, { role: 'user', content });
      expect(openText).toContain(system.content.trim());
      expect(rest.startsWith(content)).toBe(true);
    }
  });

  it('calls nothing open of a chat that begins with the user', async () => {
    const content = system.content.repeat(2);
    expect((await read(CHATML_TEMPLATE, { role: 'user', content })).open).toBe(0);
  });
});
