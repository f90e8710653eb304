import { describe, expect, it } from 'vitest';
import type { Turn } from '../protocol.ts';
import { isBlank, promptBytes } from '../wire/turns.ts';
import { CHATML_TEMPLATE, renderChat } from './chat-template.ts';

const tokens = { bos: '<s>', eos: '</s>' };
const turns: Turn[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Why?\n' },
];

describe('the prompt', () => {
  it('follows the template, and ends where the answer begins', () => {
    expect(renderChat(CHATML_TEMPLATE, turns, tokens)).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?\n<|im_end|>\n<|im_start|>assistant\n',
    );
    const llama2 =
      "{{ bos_token }}{% for m in messages %}[{{ m['role'] | upper }}] {{ m['content'] | trim }}{% endfor %}";
    expect(renderChat(llama2, turns, tokens)).toBe('<s>[SYSTEM] Be brief.[USER] Why?');
  });

  it.each(['{% for %}', "{{ raise_exception('no system') }}", '{{ undefined_function() }}'])(
    'says so when the template is broken: %s',
    (template) => {
      expect(() => renderChat(template, turns, tokens)).toThrow(expect.objectContaining({ code: 'model_unreadable' }));
    },
  );

  it('knows an empty one', () => {
    expect(isBlank([])).toBe(true);
    expect(isBlank([{ role: 'user', content: ' \n\t' }])).toBe(true);
    expect(isBlank([{ role: 'assistant', content: 'x' }])).toBe(true);
    expect(isBlank(turns)).toBe(false);
    expect(promptBytes([{ role: 'user', content: 'é€😀' }])).toBe(9);
  });
});
