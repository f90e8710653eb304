import { afterAll, describe, expect, it } from 'vitest';
import { rendererOf, rendersContained } from './chat-renderer.ts';
import { ContainedFailure, ContainedProcess, type Failure } from '../contained/contained-process.ts';
import { CHATML_TEMPLATE, renderChat } from '@llmesh/core/engine/chat-template';

const tokens = { bos: '<s>', eos: '</s>' };
const turns = [{ role: 'user' as const, content: 'Hello 👋 \ud800 there' }];
const conversations = [turns, [...turns, { role: 'assistant' as const, content: 'Hi' }, ...turns]];

describe('a template of a file from anywhere', () => {
  const process = new ContainedProcess('templates');
  afterAll(() => process.close());

  it('renders in another process as it would here', async () => {
    const template = `{{ bos_token }}${CHATML_TEMPLATE}{{ eos_token }}`;
    const here = conversations.map((some) => renderChat(template, some, tokens));
    expect(await rendersContained(template, process)(conversations, tokens)).toEqual(here);
    expect(process.pid).not.toBeNull();
  });

  it('that refuses, or takes too much, is the fault of the model; the next question is answered', async () => {
    for (const bomb of ["{{ raise_exception('No.') }}", "{{ 'é\\né' | indent(500000000) }}"]) {
      const render = rendersContained(`{% if messages | length > 1 %}${bomb}{% endif %}x`, process);
      await expect(render(conversations, tokens)).rejects.toMatchObject({ code: 'model_unreadable' });
      expect(await render([turns], tokens)).toEqual(['x']);
    }
  });

  it.each<[Failure, string]>([
    ['too_much', 'model_unreadable'],
    ['crashed', 'model_unreadable'],
    ['too_long', 'busy'],
    ['not_started', 'busy'],
  ])('%s: %s', async (why, code) => {
    const render = rendersContained('x', { run: () => Promise.reject(new ContainedFailure(why)) });
    await expect(render([turns], tokens)).rejects.toMatchObject({ code });
  });
});

it('a template that is known, or our own, renders here', async () => {
  for (const render of [rendererOf(CHATML_TEMPLATE, true), rendererOf(undefined, false), rendererOf(7, false)]) {
    expect(await render([turns], tokens)).toEqual([renderChat(CHATML_TEMPLATE, turns, tokens)]);
  }
});
