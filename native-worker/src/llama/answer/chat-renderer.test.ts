import { afterAll, describe, expect, it } from 'vitest';
import { rendererOf, rendersContained } from './chat-renderer.ts';
import { ContainedFailure, ContainedProcess, type Failure } from '../../contained/contained-process.ts';
import { renderChat } from '@llmesh/core/engine/chat-prompt';
import { CHATML_TEMPLATE } from '@llmesh/core/engine/chat-template';
import { traitsOf, USUAL } from '@llmesh/core/engine/chat-traits';

const tokens = { bos: '<s>', eos: '</s>' };
const turns = [{ role: 'user' as const, content: 'Hello 👋 \ud800 there' }];
const conversations = [{ turns }, { turns: [...turns, { role: 'assistant' as const, content: 'Hi' }, ...turns] }];

describe('a template of a file from anywhere', () => {
  const process = new ContainedProcess('templates');
  afterAll(() => process.close());

  it('renders in another process as it would here', async () => {
    const template = `{{ bos_token }}${CHATML_TEMPLATE}{{ eos_token }}`;
    const here = conversations.map((some) => renderChat(template, some.turns, tokens));
    const chat = await rendersContained(template, tokens, process);
    expect(chat.traits).toEqual(traitsOf(template, tokens));
    expect(await chat.render(conversations)).toEqual(here);
    expect(process.pid).not.toBeNull();
  });

  it('that refuses, or takes too much, is the fault of the model; the next question is answered', async () => {
    for (const bomb of ["{{ raise_exception('No.') }}", "{{ 'é\\né' | indent(500000000) }}"]) {
      const template = `{% if messages | length > 2 %}${bomb}{% endif %}x`;
      const { render } = await rendersContained(template, tokens, process);
      await expect(render(conversations)).rejects.toMatchObject({ code: 'model_unreadable' });
      expect(await render([{ turns }])).toEqual(['x']);
    }
  });

  it.each<[Failure, string]>([
    ['too_much', 'model_unreadable'],
    ['crashed', 'model_unreadable'],
    ['too_long', 'busy'],
    ['not_started', 'busy'],
  ])('%s: %s', async (why, code) => {
    const chat = await rendersContained('x', tokens, { run: () => Promise.reject(new ContainedFailure(why)) });
    expect(chat.traits).toEqual(USUAL);
    await expect(chat.render([{ turns }])).rejects.toMatchObject({ code });
  });
});

it('a template that is known, or our own, renders here', async () => {
  for (const [template, isKnown] of [
    [CHATML_TEMPLATE, true],
    [undefined, false],
    [7, false],
  ] as const) {
    const { render } = await rendererOf(template, isKnown, tokens);
    expect(await render([{ turns }])).toEqual([renderChat(CHATML_TEMPLATE, turns, tokens)]);
  }
});
